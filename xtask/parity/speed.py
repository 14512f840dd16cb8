#!/usr/bin/env python3
"""Pictures a second here and in PyTorch, on the CPU, in one run.

    python3 xtask/parity/speed.py                  # all lines of the tables, some minutes
    python3 xtask/parity/speed.py --only resnet50  # those of one network

Both get two threads and the same batches of noise. A line is measured here (`zoo bench`), then in PyTorch in both of its memory
layouts; medians of seven steps after one that does not count, of training with SGD and momentum or of inference. The last
column is ours divided by the faster of PyTorch's two: 1 is as fast, 2 twice as fast.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import parity  # first: it finds PyTorch

import torch
import torch.nn.functional as F
import torchvision.models as tv

import networks

THREADS = 2
STEPS = 7

NETWORKS = {
    "resnet20": (lambda: networks.BasicNet([3, 3, 3], 16, "A", False), 32),
    "cifar_resnet18": (lambda: networks.BasicNet([2, 2, 2, 2], 64, "B", False), 32),
    "resnet18": (tv.resnet18, 224),
    "resnet50": (tv.resnet50, 224),
    "vgg11": (tv.vgg11, 224),
    "vgg16": (tv.vgg16, 224),
    "googlenet": (lambda: tv.googlenet(init_weights=False), 224),
    "alexnet": (tv.alexnet, 224),
}
TRAINING = [("resnet20", 128), ("cifar_resnet18", 32), ("resnet50", 8), ("vgg11", 8), ("googlenet", 16)]
INFERENCE = [(name, batch) for name in ("resnet18", "resnet50", "vgg16", "googlenet", "alexnet") for batch in (1, 16)]


def ours(name, batch, trains):
    command = [str(arguments.binary), "bench", name, "--batch-size", str(batch), "--steps", str(STEPS)]
    command += ["--device", "flex", "--json", *(["--train"] if trains else [])]
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, **threads})
    return json.loads(done.stdout)[0]["images_per_second"]


def theirs(name, batch, trains, layout):
    make, size = NETWORKS[name]
    torch.manual_seed(0)
    network = make().to(memory_format=layout)
    images = torch.randn(batch, 3, size, size).to(memory_format=layout)
    if trains:
        optimizer = torch.optim.SGD(network.parameters(), 0.001, momentum=0.9)

        def step():
            optimizer.zero_grad()
            scores = network(images)
            # GoogLeNet gives those of its auxiliary heads too.
            scores = list(scores) if isinstance(scores, tuple) else [scores]
            weights = [1.0] + [0.3] * (len(scores) - 1)
            targets = torch.full_like(scores[0], 1 / scores[0].shape[1])
            sum(w * F.cross_entropy(s, targets) for w, s in zip(weights, scores)).backward()
            optimizer.step()
    else:
        network.eval()

        def step():
            with torch.inference_mode():
                network(images)

    times = []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times[1:])


def line(name, batch, trains):
    own = ours(name, batch, trains)
    nchw, nhwc = (theirs(name, batch, trains, layout) for layout in (torch.contiguous_format, torch.channels_last))
    what = "training" if trains else "inference"
    ratio = own / max(nchw, nhwc)
    print(f"| {name} | {what} | {batch} | {own:.1f} | {nchw:.1f} | {nhwc:.1f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NETWORK", choices=sorted(NETWORKS))
    parser.add_argument("--binary", help="zoo, where it is built already")
    arguments = parser.parse_args()
    if not arguments.binary:
        build = ["cargo", "build", "--release", "-p", "burn-zoo-cli"]
        subprocess.run(build, check=True, cwd=parity.ROOT)
        arguments.binary = parity.ROOT / "target/release/zoo"
    torch.set_num_threads(THREADS)
    print(f"torch {torch.__version__}, {THREADS} threads\n")
    print("| network | | batch | here, images/s | PyTorch | channels last | here ÷ PyTorch |")
    print("|---|---|---|---|---|---|---|")
    for trains, lines in ((True, TRAINING), (False, INFERENCE)):
        for name, batch in lines:
            if arguments.only in (None, name):
                line(name, batch, trains)
