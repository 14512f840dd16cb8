#!/usr/bin/env python3
"""What each CIFAR-10 run file reaches in the same time, on the CPU.

    python3 xtask/parity/equal_time.py ROOT [--seconds 180] [configs/cifar10/….toml …]

ROOT is the folder with CIFAR-10. Some steps of each run file are timed; from that follows how many images it can learn from in the
time, and it trains on them with its own recipe and a schedule of that length: whole passes over the training set, or a part of one.
Top-1 is that of 2,000 validation images. The run files go in turn, each with both cores to itself.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES, VALID = 50_000, 2_000


def zoo(*command):
    run = subprocess.run([str(arguments.binary), *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return run.stdout


def settings(**values):
    return [part for key, value in values.items() for part in ("--set", f"{key.replace('__', '.')}={value}")]


def train(config, out, **values):
    """Seconds, and the summary."""
    values = {"data__root": json.dumps(str(arguments.root)), "data__valid_size": VALID, **values}
    start = time.monotonic()
    zoo("train", config, "--device", "flex", "--plain", "--out", out, *settings(**values))
    return time.monotonic() - start, json.loads((out / "summary.json").read_text())


def reached(config, folder):
    """Images learned from, seconds and top-1."""
    _, trial = train(config, folder / "trial", data__train_size=1280, data__valid_size=128, train__epochs=1, schedule__warmup_epochs=0)
    images = int(arguments.seconds * trial["images_per_second"])
    epochs = max(1, round(images / IMAGES))
    size = min(IMAGES, images // epochs)
    # A warm-up keeps its share of the run.
    resolved = json.loads(zoo("config", config, "--json"))
    schedule, whole = resolved["schedule"], resolved["train"]["epochs"]
    warmup = schedule.get("warmup_epochs", 0) * epochs / whole
    values = {"data__train_size": size, "train__epochs": epochs, "schedule__warmup_epochs": warmup}
    if "milestones" in schedule:
        values["schedule__milestones"] = [max(1, round(at * epochs / whole)) for at in schedule["milestones"]]
    seconds, summary = train(config, folder / "run", **values)
    best = max(summary["best"]["top1"], (summary.get("best_ema") or {}).get("top1", 0.0))
    return size * epochs, seconds, best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("configs", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--binary", help="zoo, where it is built already")
    arguments = parser.parse_args()
    if not arguments.binary:
        subprocess.run(["cargo", "build", "--release", "-p", "burn-zoo-cli"], check=True, cwd=ROOT)
        arguments.binary = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/zoo"
    configs = arguments.configs or sorted((ROOT / "configs/cifar10").glob("*.toml"))
    print("| run file | images | seconds | top-1 % |\n|---|---|---|---|", flush=True)
    for config in configs:
        with tempfile.TemporaryDirectory() as folder:
            images, seconds, top1 = reached(config, Path(folder))
        print(f"| {config.stem} | {images:,} | {seconds:.0f} | {top1:.2f} |", flush=True)
