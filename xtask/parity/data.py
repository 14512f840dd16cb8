#!/usr/bin/env python3
"""images/s of our data pipeline and of others', on the CPU, in one run.

    python3 xtask/parity/data.py IMAGES             # a folder of JPEGs, one folder per class; some minutes
    python3 xtask/parity/data.py IMAGES --pixels    # only: how far our evaluation pixels are from Pillow's

Links to the images, repeated until there are as many as --images says, make a folder of classes: in a short epoch, the
first batch and the last, which half of the workers wait for, count too much. Each pipeline goes through it with two workers in
batches of 64, in a process of its own, an epoch that does not count and one that does; all of them in turn, five times, and the
medians count. Training is a random-resized crop to 224, a flip and normalisation; evaluation the shorter side at 256, the central
224 and normalisation. The others are those of data_peers.py: torchvision's ImageFolder and DataLoader with Pillow, the same with
torchvision's decoder and v2 transforms of tensors, and with OpenCV. Ours is `zoo bench --data`, and ends on the device flex.

Ratios are ours divided by theirs. The images are read from the system's cache by all. torchvision is installed where it is
missing; OpenCV needs `pip install opencv-python-headless`.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import environment

HERE = Path(__file__).resolve().parent
WORKERS, BATCH = 2, 64


def linked(source, folder):
    """Links to the JPEGs of each class, under train and val, as many as there shall be."""
    classes = {place.name: sorted(place.glob("*.[jJ][pP]*[gG]")) for place in sorted(source.iterdir()) if place.is_dir()}
    files = [(name, file) for name, own in classes.items() for file in own]
    if not files:
        sys.exit(f"{source}: no JPEGs in folders of classes")
    for split in ("train", "val"):
        for number in range(arguments.count):
            name, file = files[number % len(files)]
            place = folder / split / name
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number:05}.jpg").symlink_to(file.resolve())


def ours(folder, trains):
    command = [arguments.binary, "bench", "--data", HERE / "data.toml", "--root", folder, "--steps", 1]
    command += ["--workers", WORKERS, "--batch-size", BATCH, "--device", "flex", "--json", *([] if trains else ["--valid"])]
    return json.loads(output(command))


def peer(kind, folder, trains):
    command = [sys.executable, HERE / "data_peers.py", kind, folder / ("train" if trains else "val")]
    command += ["--workers", WORKERS, "--batch", BATCH, *(["--train"] if trains else [])]
    return json.loads(output(command))["images_per_second"][0]


def output(command):
    environ = {**os.environ, "RAYON_NUM_THREADS": str(WORKERS)}
    run = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, env=environ, check=True)
    return run.stdout


def line(what, folder, kinds):
    """A line of the table: medians of the rounds, and our stages."""
    trains = what == "training"
    own, others = [], {kind: [] for kind in kinds}
    for _ in range(arguments.rounds):
        own.append(ours(folder, trains))
        for kind in kinds:
            others[kind].append(peer(kind, folder, trains))
    speed = statistics.median(round["images_per_second"] for round in own)
    medians = [statistics.median(speeds) for speeds in others.values()]
    cells = [what, f"{speed:.0f}", *(f"{median:.0f}" for median in medians)]
    cells += [f"{speed / median:.2f}" for median in medians]
    print(f"| {' | '.join(cells)} |", flush=True)
    stages = {stage["stage"]: [] for stage in own[0]["stages"]}
    for round in own:
        for stage in round["stages"]:
            stages[stage["stage"]].append(stage["microseconds"])
    return ", ".join(f"{stage} {statistics.median(times):.0f}" for stage, times in stages.items())


def pixels(source):
    """How far the images of our evaluation are from Pillow's, in levels."""
    import numpy as np
    from PIL import Image
    from torchvision import transforms

    theirs = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
    files = sorted(file for file in source.glob("*/*") if file.suffix.lower() in (".jpg", ".jpeg"))
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "sheet.png"
        differences = []
        for file in files:
            single = Path(folder) / file.stem
            for split in ("train", "val"):
                for name in ("a", "b"):
                    place = single / split / name
                    place.mkdir(parents=True)
                    (place / "0.jpg").symlink_to(file.resolve())
            command = [arguments.binary, "data", "preview", "--config", HERE / "data.toml", "--root", single]
            command += ["--set", "augment.crop=none", "--set", "augment.flip=false"]
            output([*command, "--count", 1, "--output", sheet])
            own = np.asarray(Image.open(sheet).convert("RGB"), dtype=float)
            differences.append(np.abs(own - np.asarray(theirs(Image.open(file).convert("RGB")), dtype=float)))
    mean, worst = np.mean([each.mean() for each in differences]), max(each.max() for each in differences)
    print(f"evaluation pixels, {len(files)} images: {mean:.3f} levels from Pillow's on average, {worst:.0f} at most")


if __name__ == "__main__":
    environment.ensure_python()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", dest="count", type=int, default=3072, help="of an epoch")
    parser.add_argument("--only", choices=["training", "evaluation"])
    parser.add_argument("--pixels", action="store_true")
    parser.add_argument("--binary", help="zoo, where it is built already")
    arguments = parser.parse_args()
    if not arguments.binary:
        subprocess.run(["cargo", "build", "--release", "-p", "burn-zoo-cli"], check=True, cwd=environment.ROOT)
        arguments.binary = Path(os.environ.get("CARGO_TARGET_DIR", environment.ROOT / "target")) / "release/zoo"
    if arguments.pixels:
        pixels(arguments.images)
    else:
        kinds = {"pil": "pillow", "v2": "torchvision", "opencv": "opencv-python-headless"}
        if not environment.has("cv2"):
            print("OpenCV is not measured: no Python package cv2", file=sys.stderr)
            del kinds["opencv"]
        versions = [f"{name} {importlib.metadata.version(name)}" for name in ("torch", *kinds.values())]
        print(f"{', '.join(versions)}; {WORKERS} workers, images/s\n")
        columns = ["", "here", *kinds, *(f"here ÷ {kind}" for kind in kinds)]
        print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
        with tempfile.TemporaryDirectory() as folder:
            linked(arguments.images, Path(folder))
            whats = [what for what in ("training", "evaluation") if arguments.only in (None, what)]
            stages = [(what, line(what, Path(folder), kinds)) for what in whats]
        print()
        for what, times in stages:
            print(f"{what} here, µs an image in one thread: {times}")
