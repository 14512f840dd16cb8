#!/usr/bin/env python3
"""How long PyTorch and ONNX Runtime take for a step on noise: the median, as JSON, for speed.py.

    python3 xtask/parity/peers.py pytorch resnet50 --batch 8 --steps 7 --threads 2 --train --layout channels_last
    python3 xtask/parity/peers.py export resnet50 FILE.onnx --batch 8
    python3 xtask/parity/peers.py onnxruntime FILE.onnx --steps 7 --threads 2

candle's and tract's half is the program in peers/. One process measures one line, so that its memory is that line's.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path


def networks():
    """name: (PyTorch's network, side of an image)"""
    import torchvision.models as tv

    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
    from networks import BasicNet

    return {
        "resnet20": (lambda: BasicNet([3, 3, 3], 16, "A", False), 32),
        "cifar_resnet18": (lambda: BasicNet([2, 2, 2, 2], 64, "B", False), 32),
        "resnet18": (tv.resnet18, 224),
        "resnet50": (tv.resnet50, 224),
        "vgg11": (tv.vgg11, 224),
        "vgg16": (tv.vgg16, 224),
        "googlenet": (lambda: tv.googlenet(init_weights=False), 224),
        "alexnet": (tv.alexnet, 224),
    }


def network_and_images():
    import torch

    torch.manual_seed(0)
    make, size = networks()[arguments.network]
    return make(), torch.randn(arguments.batch, 3, size, size)


def pytorch():
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(arguments.threads)
    layout = getattr(torch, arguments.layout)
    network, images = (each.to(memory_format=layout) for each in network_and_images())
    if arguments.train:
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

    measure(step)


def export():
    import torch

    network, images = network_and_images()
    options = {"dynamo": True, "external_data": False, "verbose": False}
    torch.onnx.export(network.eval(), (images,), arguments.file, **options)


def onnxruntime():
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(arguments.file, options, providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    noise = {images.name: np.random.default_rng(0).standard_normal(images.shape, np.float32)}
    measure(lambda: session.run(None, noise))


def measure(step):
    times = []
    for _ in range(arguments.steps + 1):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({"seconds": statistics.median(times[1:])}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    peers = parser.add_subparsers(required=True, metavar="PEER")
    for peer in (pytorch, export, onnxruntime):
        options = peers.add_parser(peer.__name__)
        options.set_defaults(run=peer)
        if peer is not onnxruntime:
            options.add_argument("network")
            options.add_argument("--batch", type=int, required=True)
        if peer is not pytorch:
            options.add_argument("file")
        if peer is not export:
            options.add_argument("--steps", type=int, required=True, help="timed ones, after one that does not count")
            options.add_argument("--threads", type=int, required=True)
        if peer is pytorch:
            options.add_argument("--train", action="store_true")
            options.add_argument("--layout", choices=("contiguous_format", "channels_last"), required=True)
    arguments = parser.parse_args()
    arguments.run()
