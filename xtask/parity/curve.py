#!/usr/bin/env python3
"""Trains ResNet-20 on CIFAR-10 here and in PyTorch, side by side.

    python3 xtask/parity/curve.py              # the losses of 200 steps: same weights, same batches, no augmentation
    python3 xtask/parity/curve.py --accuracy   # top-1 with the paper's augmentation, each with its own chance

The recipe is curve.toml: SGD of 0.1, momentum 0.9, weight decay 1e-4, batches of 128. PyTorch writes the first weights;
the Rust half, crates/zoo/examples/curve.rs, starts from them and writes the images, their order and its losses.
A rate of 0.1 from the first step on makes a training chaotic: a rounding error grows tenfold in a few steps. So the first
20 steps are compared with PyTorch in double precision, and PyTorch in single precision with it as well. The first
comparison fails where a loss of the first 20 steps is more than 1 % from that truth and PyTorch's own largest distance is
smaller, or where the last one (the mean of the last ten steps, since single batches scatter) is more than 5 % from PyTorch's.
With --lr 0.001 nothing is chaotic, and 1 % is the limit. The second comparison fails where the means over the seeds are more
than 2 points apart.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import parity  # first: it finds PyTorch

import numpy as np
import torch
import torch.nn.functional as F

import networks

WORK = parity.ROOT / "target" / "curve"
BATCH = 128


def rust(seed, overrides):
    """The Rust half from the weights in WORK/init.pth."""
    command = [arguments.binary, parity.ROOT / "xtask/parity/curve.toml", WORK, f"model.weights={WORK}/init.pth"]
    command.append(f"optimizer.lr={arguments.lr}")
    subprocess.run([*map(str, command), f"seed={seed}", *overrides], check=True)
    record = json.loads((WORK / "curve.json").read_text())
    mean, std = (torch.tensor(record[key]).reshape(1, 3, 1, 1) for key in ("mean", "std"))

    def images(name):
        raw = np.fromfile(WORK / f"{name}.u8", dtype=np.uint8).reshape(-1, 3, 32, 32)
        return (torch.from_numpy(raw) / 255 - mean) / std, torch.tensor(record[f"{name}_labels"])

    # A border of black.
    return record, images("train"), images("valid"), (0 - mean) / std


def augmented(images, black):
    """4 pixels of border, a random window, a mirrored half (section 4.2)."""
    padded = F.pad(images, (4, 4, 4, 4), value=0) + F.pad(torch.zeros_like(images), (4, 4, 4, 4), value=1) * black
    out = torch.empty_like(images)
    for i, (top, left, flip) in enumerate(zip(*(torch.randint(n, (len(images),)) for n in (9, 9, 2)))):
        window = padded[i, :, top : top + 32, left : left + 32]
        out[i] = window.flip(2) if flip else window
    return out


def pytorch(model, record, train, valid, black, steps=None):
    """Losses of all steps, the last top-1, and images/s."""
    optimizer = torch.optim.SGD(model.parameters(), arguments.lr, momentum=0.9, weight_decay=1e-4)
    losses, seconds = [], 0.0
    for order in record["orders"]:
        model.train()
        start = time.perf_counter()
        for at in range(0, len(order) - BATCH + 1, BATCH):
            index = torch.tensor(order[at : at + BATCH])
            images = train[0][index]
            if black is not None:
                images = augmented(images, black)
            loss = F.cross_entropy(model(images), train[1][index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                return losses, None, None
        seconds += time.perf_counter() - start
    model.eval()
    with torch.no_grad():
        answers = torch.cat([model(part).argmax(1) for part in valid[0].split(500)])
    top1 = 100 * (answers == valid[1]).float().mean().item()
    return losses, top1, len(losses) * BATCH / seconds


def network(seed):
    """A ResNet-20 with the weights of its paper; they are written for the Rust half."""
    torch.manual_seed(seed)
    model = networks.BasicNet([3, 3, 3], 16, "A", False)
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    torch.save(model.state_dict(), WORK / "init.pth")
    return model


def compare_losses():
    model = network(0)
    record, train, valid, _ = rust(0, [])
    exact = network(0).double()
    truth, _, _ = pytorch(exact, record, (train[0].double(), train[1]), None, None, steps=20)
    theirs, top1, speed = pytorch(model, record, train, valid, None)
    ours = record["losses"]
    assert len(ours) == len(theirs) == 200, (len(ours), len(theirs))
    print("step      ours   PyTorch  in double  from it: ours  PyTorch")
    apart = [[abs(losses[i] - truth[i]) / truth[i] for i in range(20)] for losses in (ours, theirs)]
    for i in range(20):
        shares = "  ".join(f"{100 * of[i]:10.4f} %" for of in apart)
        print(f"{i + 1:4}  {ours[i]:8.5f}  {theirs[i]:8.5f}   {truth[i]:8.5f}  {shares}")
    for step in range(40, 201, 20):
        print(f"{step:4}  {ours[step - 1]:8.5f}  {theirs[step - 1]:8.5f}")
    own, other = map(max, apart)
    a, b = np.mean(ours[-10:]), np.mean(theirs[-10:])
    last = abs(a - b) / b
    print(f"largest of the first 20: {100 * own:.4f} % here, {100 * other:.4f} % in PyTorch")
    print(f"last ten steps: {a:.4f} and {b:.4f}, {100 * last:.2f} % apart (at most 5 %)")
    print(f"top-1 after 200 steps: {record['top1'][-1]:.2f} % and {top1:.2f} %")
    print(f"images/s: {record['images_per_second']:.0f} and {speed:.0f}")
    return own <= max(0.01, other) and last <= 0.05


def compare_accuracy():
    found = []
    for seed in range(arguments.seeds):
        model = network(seed)
        overrides = [f"train.epochs={arguments.epochs}", f"data.train_size={arguments.train_size}"]
        overrides += [f"data.valid_size={arguments.valid_size}", "augment.crop=pad", "augment.flip=true"]
        overrides += ["checkpoint.every_steps=1000000"]
        record, train, valid, black = rust(seed, overrides)
        _, top1, _ = pytorch(model, record, train, valid, black)
        found.append((record["top1"][-1], top1))
        print(f"seed {seed}: {found[-1][0]:.2f} % here, {top1:.2f} % in PyTorch", flush=True)
    ours, theirs = np.mean(found, axis=0)
    print(f"mean: {ours:.2f} % and {theirs:.2f} %, {abs(ours - theirs):.2f} points apart (at most 2)")
    return abs(ours - theirs) <= 2


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accuracy", action="store_true", help="compare top-1 instead of losses")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train-size", type=int, default=50_000)
    parser.add_argument("--valid-size", type=int, default=10_000)
    parser.add_argument("--binary", help="the Rust half, where it is built already")
    arguments = parser.parse_args()
    if "BURN_ZOO_DATA" not in os.environ and not (parity.ROOT / "data").is_dir():
        sys.exit("CIFAR-10 is not here: `zoo data fetch cifar10`, or set BURN_ZOO_DATA to its folder")
    if arguments.binary is None:
        command = ["cargo", "build", "--release", "-p", "burn-zoo", "--example", "curve", "--features", "flex"]
        subprocess.run(command, cwd=parity.ROOT, check=True)
        arguments.binary = parity.ROOT / "target/release/examples/curve"
    WORK.mkdir(parents=True, exist_ok=True)
    sys.exit(0 if (compare_accuracy() if arguments.accuracy else compare_losses()) else 1)
