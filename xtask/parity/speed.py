#!/usr/bin/env python3
"""images/s here and elsewhere, on the CPU, in one run, and the memory that it took.

    python3 xtask/parity/speed.py                  # all lines of the table, half an hour
    python3 xtask/parity/speed.py --only resnet50  # those of one network

All get two threads and batches of noise, each in a process of its own, one after the other: `zoo bench`; PyTorch in both of its
memory layouts; and for inference ONNX Runtime and tract on the network as torch.onnx.export writes it, and candle where
candle-transformers has the network. Medians of seven steps after one that does not count, of training with SGD and momentum or
of inference. tract shares out products of matrices and some other operations, not all, among its threads.

Ratios are ours divided by theirs, by the faster of PyTorch's two: 1 is as fast, 2 twice as fast. Memory is the most that the
process had resident at any time (ru_maxrss): weights, gradients and activations, but also the program, its libraries and the
interpreter; what PyTorch has without any network is printed first. PyTorch's is that of its faster layout.

PyTorch is installed where it is missing. ONNX Runtime and tract need `pip install onnx onnxscript onnxruntime`; candle and tract
are built from xtask/parity/peers, for any x86-64 as `zoo` is. "-" is what was not measured; the reason goes to standard error.
"""

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import environment

THREADS = 2
STEPS = 7
LAYOUTS = ("contiguous_format", "channels_last")
HERE = Path(__file__).resolve().parent

TRAINING = [("resnet20", 128), ("cifar_resnet18", 32), ("resnet50", 8), ("vgg11", 8), ("googlenet", 16)]
INFERENCE = [(name, batch) for name in ("resnet18", "resnet50", "vgg16", "googlenet", "alexnet") for batch in (1, 16)]


class Failed(Exception):
    """A command that did not end well, and its error in one line."""


def run(*command):
    """What a command writes, and the MiB that it had resident at most.

    Linux counts what this process had when it started the command as the command's: it must stay small.
    """
    threads = {"RAYON_NUM_THREADS": str(THREADS)}
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **threads}
        )
        written = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            lines = errors.read().strip().splitlines() or [f"exit code {child.returncode}"]
            raise Failed(next((line for line in lines if line.startswith("error")), lines[-1]))
    return written, usage.ru_maxrss / 1024


def ours(name, batch, trains):
    command = ["bench", name, "--batch-size", batch, "--steps", STEPS, "--device", "flex", "--json"]
    written, memory = run(arguments.binary, *command, *(["--train"] if trains else []))
    return json.loads(written)[0]["images_per_second"], memory


def pytorch(name, batch, trains, layout):
    command = [sys.executable, HERE / "peers.py", "pytorch", name, "--batch", batch, "--steps", STEPS]
    written, memory = run(*command, "--threads", THREADS, "--layout", layout, *(["--train"] if trains else []))
    return batch / json.loads(written)["seconds"], memory


def others(name, batch, peers):
    """images/s in inference of ONNX Runtime, candle and tract, as far as they are there and have the network."""
    found = {}

    def attempt(peer, *command):
        try:
            written, _ = run(*command)
            found[peer] = batch / json.loads(written)["seconds"]
        except Failed as reason:
            print(f"{peer}, {name}, batch {batch}: {reason}", file=sys.stderr)

    amount = ["--batch", batch, "--steps", STEPS]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.onnx"
        if peers.exports:
            try:
                run(sys.executable, HERE / "peers.py", "export", name, file, "--batch", batch)
            except Failed as reason:
                print(f"no ONNX of {name}: {reason}", file=sys.stderr)
        if file.exists() and peers.onnxruntime:
            command = [sys.executable, HERE / "peers.py", "onnxruntime", file, "--steps", STEPS, "--threads", THREADS]
            attempt("ONNX Runtime", *command)
        if peers.program:
            attempt("candle", peers.program, "candle", name, *amount)
        if file.exists() and peers.program:
            attempt("tract", peers.program, "tract", file, *amount)
    return [found.get(peer) for peer in ("ONNX Runtime", "candle", "tract")]


class Peers:
    """Which of the others can be measured; says which cannot, and why."""

    def __init__(self):
        self.exports = environment.has("onnx", "onnxscript")
        self.onnxruntime = self.exports and environment.has("onnxruntime")
        if not self.exports:
            print("ONNX Runtime and tract are not measured: no Python packages onnx and onnxscript", file=sys.stderr)
        elif not self.onnxruntime:
            print("ONNX Runtime is not measured: no Python package onnxruntime", file=sys.stderr)
        manifest = HERE / "peers" / "Cargo.toml"
        target = Path(os.environ.get("CARGO_TARGET_DIR", environment.WORK / "peers"))
        build = ["cargo", "build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", target]
        try:
            run(*build)
            self.program = target / "release" / "peers"
        except (Failed, OSError) as reason:
            self.program = None
            print(f"candle and tract are not measured: xtask/parity/peers does not build: {reason}", file=sys.stderr)

    def versions(self):
        names = ["torch"] + ["onnxruntime"] * self.onnxruntime
        versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
        if self.program:
            lock = tomllib.loads((HERE / "peers" / "Cargo.lock").read_text())
            rust = {package["name"]: package["version"] for package in lock["package"]}
            versions += [f"{name} {rust[name]}" for name in ("candle-core", "tract-onnx")]
        return ", ".join(versions)


def line(name, batch, trains, peers):
    own, memory = ours(name, batch, trains)
    layouts = [pytorch(name, batch, trains, layout) for layout in LAYOUTS]
    best, their_memory = max(layouts)
    onnxruntime, candle, tract = [None] * 3 if trains else others(name, batch, peers)
    speeds = [own, *(speed for speed, _ in layouts), onnxruntime, candle, tract]
    ratios = [own / best, onnxruntime and own / onnxruntime]
    cells = [name, "training" if trains else "inference", str(batch)]
    for decimals, numbers in ((1, speeds), (2, ratios), (0, [memory, their_memory])):
        cells += ["-" if number is None else f"{number:.{decimals}f}" for number in numbers]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    environment.ensure_python()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NETWORK", choices=sorted({name for name, _ in TRAINING + INFERENCE}))
    parser.add_argument("--binary", help="zoo, where it is built already")
    arguments = parser.parse_args()
    if not arguments.binary:
        build = ["cargo", "build", "--release", "-p", "burn-zoo-cli"]
        subprocess.run(build, check=True, cwd=environment.ROOT)
        arguments.binary = Path(os.environ.get("CARGO_TARGET_DIR", environment.ROOT / "target")) / "release/zoo"
    peers = Peers()
    _, imported = run(sys.executable, "-c", "import torchvision")
    print(f"{peers.versions()}, {THREADS} threads; PyTorch and torchvision imported: {imported:.0f} MiB\n")
    columns = ["network", "", "batch", "here, images/s", "PyTorch", "channels last", "ONNX Runtime", "candle", "tract"]
    columns += ["here ÷ PyTorch", "here ÷ ONNX Runtime", "here, MiB", "PyTorch, MiB"]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for trains, lines in ((True, TRAINING), (False, INFERENCE)):
        for name, batch in lines:
            if arguments.only in (None, name):
                line(name, batch, trains, peers)
