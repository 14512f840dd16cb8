#!/usr/bin/env python3
"""Makes the small checkpoints that the tests of crates/zoo read: PyTorch's own files, a few kilobytes in all.

    pip install torch safetensors         # 2.x, CPU
    python xtask/golden/weights.py        # rewrites crates/zoo/tests/weights/*

Each holds the two convolutions of lenet5_modern, filled with index / 64, so that a test needs no second copy.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parents[2] / "crates/zoo/tests/weights"


def convolutions(prefix="", dtype=torch.float32):
    shapes = {"conv1.weight": (6, 1, 5, 5), "conv1.bias": (6,), "conv2.weight": (16, 6, 5, 5), "conv2.bias": (16,)}
    return {
        prefix + key: (torch.arange(torch.Size(shape).numel()) / 64).reshape(shape).to(dtype)
        for key, shape in shapes.items()
    }


class Attack:
    """What Python runs when it unpickles this; nothing else may."""

    def __reduce__(self):
        import os

        return os.system, ("touch burn-zoo-was-here",)


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.save(convolutions(), FOLDER / "plain.pth")
    torch.save(convolutions(), FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    full = {
        "epoch": 3,
        "args": argparse.Namespace(lr=0.1),
        "state_dict": convolutions("module.", torch.float16) | {"module.bn.num_batches_tracked": torch.tensor(7)},
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}},
    }
    torch.save(full, FOLDER / "full_f16.pth")
    save_file(convolutions(dtype=torch.bfloat16), FOLDER / "bf16.safetensors")
    torch.save(convolutions() | {"oops": Attack()}, FOLDER / "attack.pth")
    hidden = argparse.Namespace(callback=Attack())
    torch.save(convolutions() | {"args": hidden}, FOLDER / "hidden_attack.pth")
    torch.save(convolutions() | {"fc3.weight": torch.zeros(7, 84), "extra": torch.zeros(2)}, FOLDER / "other.pth")


if __name__ == "__main__":
    main()
