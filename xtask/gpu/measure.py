#!/usr/bin/env python3
"""The tables of docs/gpu.md, for the GPU of this machine.

    python3 measure.py --device cuda [--data ROOT] [--output gpu.md]

`cargo xtask gpu` builds what this needs and starts it; `cargo xtask gpu --pack FOLDER` puts it all into a folder, for a machine
without Rust; CUDA wants its toolkit there (NVRTC and its headers, `CUDA_PATH`). Beside this file lie `zoo`, `backends` (the test that compares backends) and the run files. Python's standard library
is enough; where PyTorch with CUDA is installed it is measured on the same card, eager and compiled, channels last.

Parity first: each architecture in float32 within 1e-3 of Flex, and in float16 and bfloat16 where the device has them.
Then images/s, medians of the timed steps, PyTorch's without TF32. One card: where there are several,
CUDA_VISIBLE_DEVICES (or ROCR_VISIBLE_DEVICES) chooses for all parts. With --data, a folder that holds CIFAR-10, the time of the speed run and what it
reaches.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODELS = ["resnet18", "resnet50", "vgg16", "googlenet", "alexnet"]
# PyTorch's half: a process for each line, so that memory that one line took is free for the next.
PEER = """
import json, sys, time, torch, torchvision
name, batch, trains, numbers, way, steps = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "train", sys.argv[4], sys.argv[5], int(sys.argv[6])
dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[numbers]
torch.backends.cudnn.benchmark = True
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
extra = {"init_weights": False, "aux_logits": trains} if name == "googlenet" else {}
network = getattr(torchvision.models, name)(weights=None, **extra).cuda().to(memory_format=torch.channels_last).train(trains)
images = torch.randn(batch, 3, 224, 224, device="cuda").to(memory_format=torch.channels_last)
labels = torch.zeros(batch, dtype=torch.long, device="cuda")
optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)
run = torch.compile(network) if way == "compiled" else network
def step():
    with torch.autocast("cuda", dtype, enabled=numbers != "f32"), torch.set_grad_enabled(trains):
        out = run(images)
    if trains:
        heads = [(out.logits, 1.0), (out.aux_logits1, 0.3), (out.aux_logits2, 0.3)] if name == "googlenet" else [(out, 1.0)]
        loss = sum(weight * torch.nn.functional.cross_entropy(head.float(), labels) for head, weight in heads)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.cuda.synchronize()
for _ in range(3):
    step()
times = []
for _ in range(steps):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
times.sort()
print(json.dumps(batch / times[len(times) // 2]))
"""


def run(*command, is_probe=False, **environment):
    """What a command writes; none where it fails, and why on standard error unless that is what was asked."""
    done = subprocess.run([str(part) for part in command], capture_output=True, encoding="utf-8", env={**os.environ, **environment})
    # What the comparison says of the networks that passed counts as well.
    if command[0] == HERE / "backends":
        return done.stdout + done.stderr
    if done.returncode:
        if not is_probe:
            print(f"{' '.join(map(str, command))}\n{done.stderr.strip()[-2000:]}", file=sys.stderr)
        return None
    return done.stdout


def parity():
    backend = arguments.device.split(":")[0]
    environment = {"BURN_ZOO_BACKENDS": backend, "BURN_ZOO_PRECISIONS": "f16,bf16", "BURN_ZOO_BINARY": str(HERE / "zoo")}
    told = run(HERE / "backends", f"{backend}::", **environment)
    write("## Parity", "", "```text", *told.strip().splitlines(), "```", "")


def ours(model, batch, trains, numbers):
    command = [HERE / "zoo", "bench", model, "--batch-size", batch, "--precision", numbers, "--device", arguments.device]
    told = run(*command, "--steps", arguments.steps, "--json", *(["--train"] if trains else []))
    return json.loads(told)[0] if told else None


def theirs(model, batch, trains, numbers, way):
    if not torch_name:
        return None
    command = [sys.executable, "-c", PEER, model, batch, "train" if trains else "infer", numbers, way, arguments.steps]
    told = run(*command)
    return float(told.strip().splitlines()[-1]) if told else None


def speed():
    write(f"## images/s{f', beside {torch_name}' if torch_name else ''}", "")
    ways = ["eager", "compiled"] if torch_name else []
    columns = ["network", "batch", "step", "numbers", "here", "TFLOP/s", "MiB", *(f"PyTorch {way}" for way in ways)]
    columns += [f"here ÷ {way}" for way in ways]
    write(f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}")
    shown = lambda value, form: "" if value is None else format(value, form)
    for model in arguments.models:
        for batch in arguments.batches:
            for trains in (False, True):
                for numbers in arguments.precisions:
                    own = ours(model, batch, trains, numbers)
                    peers = [theirs(model, batch, trains, numbers, way) for way in ways]
                    here = own and own["images_per_second"]
                    cells = [model, batch, "training" if trains else "inference", numbers, shown(here, ".0f")]
                    cells += [shown(own and own["gigaflops"] / 1000, ".2f"), shown(own and own.get("device_memory", 0) / 2**20, ".0f")]
                    cells += [shown(peer, ".0f") for peer in peers]
                    cells += [shown(here / peer if here and peer else None, ".2f") for peer in peers]
                    write(f"| {' | '.join(map(str, cells))} |")
    write("")


def starts():
    """Seconds to the first step of a run, the first time and the second."""
    write("## First step", "", "| start | seconds of `zoo bench --steps 1` |", "|---|---|")
    command = [HERE / "zoo", "bench", "resnet18", "--train", "--batch-size", 64, "--steps", 1, "--device", arguments.device, "--json"]
    # Neither what parity left behind nor what other programs did.
    with tempfile.TemporaryDirectory() as cache:
        for start in ("first", "second"):
            began = time.monotonic()
            told = run(*command, XDG_CACHE_HOME=cache, CUDA_CACHE_PATH=f"{cache}/cuda")
            write(f"| {start} | {f'{time.monotonic() - began:.1f}' if told else 'failed'} |")
    write("")


def speedrun():
    out = Path(arguments.output).with_suffix("") / "speedrun"
    began = time.monotonic()
    command = [HERE / "zoo", "train", HERE / "configs/cifar10/speedrun.toml", "--device", arguments.device, "--plain", "--out", out]
    told = run(*command, "--set", f"data.root={json.dumps(str(Path(arguments.data).resolve()))}")
    write("## CIFAR-10 speed run", "")
    if told is not None:
        write(f"{time.monotonic() - began:.1f} s, all told; the epochs:", "", "```text")
        for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
            epoch = json.loads(line)
            averaged = epoch["ema"]["top1"]
            write(f"epoch {epoch['epoch']}, {epoch['seconds']:.1f} s: top-1 {epoch['valid']['top1']:.2f} %, averaged weights {averaged:.2f} %")
        write("```", "")


def write(*lines):
    with open(arguments.output, "a", encoding="utf-8") as file:
        for line in lines:
            print(line, file=file)
            print(line, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", required=True, help="as zoo devices lists them")
    parser.add_argument("--data", help="folder with CIFAR-10")
    parser.add_argument("--output", default="gpu.md")
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--batches", nargs="+", type=int, default=[64, 256])
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16", "f16"])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=["parity", "speed", "starts", "speedrun"])
    arguments = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")
    if ":" in arguments.device:
        sys.exit("--device takes a backend, and its first card: name another by CUDA_VISIBLE_DEVICES, which PyTorch obeys as well")
    if Path(arguments.output).exists():
        sys.exit(f"{arguments.output} is there already: name another --output, or move it away")
    probe = run(sys.executable, "-c", "import torch, torchvision; torch.zeros(1).cuda(); print('PyTorch', torch.__version__)", is_probe=True)
    torch_name = probe.strip() if probe else None
    write(f"# GPU, {datetime.date.today()}, {platform.node()}", "", f"`python3 measure.py {' '.join(sys.argv[1:])}`", "", "```text")
    write(*(run(HERE / "zoo", "devices") or "").strip().splitlines(), "```", "")
    parts = {"parity": parity, "starts": starts, "speed": speed, "speedrun": speedrun}
    for name, part in parts.items():
        if (not arguments.only or name in arguments.only) and (name != "speedrun" or arguments.data):
            part()
