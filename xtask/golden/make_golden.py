#!/usr/bin/env python3
"""Makes the golden files that the tests of models/* compare with: PyTorch's answers, and nothing else.

    pip install torch torchvision        # 2.x, CPU
    python xtask/golden/make_golden.py              # rewrites models/*/tests/golden/*.json
    python xtask/golden/make_golden.py resnet18     # only these
    python xtask/golden/make_golden.py --check      # writes nothing, fails if a file would change
    python xtask/golden/make_golden.py --formula    # values of the formula, for the test in crates/blocks

No weights are stored. Every tensor is filled from a formula of its state-dict key and the index of each element,
which crates/blocks/src/golden.rs states again in Rust; only the answers are written. A test therefore fails if a
layer computes something else, and also if a parameter has another name, shape or order than PyTorch's.

Each file holds, for one model and one batch of formula images:
  logits        in evaluation mode (running statistics)
and, where float32 determines them to better than a thousandth (see networks.py):
  train_logits  in training mode (batch statistics)
  gradients     of the loss sum(train_logits * formula("loss")), per parameter: its L2 norm, and its dot product with
                formula("gradient:" + key), which notices what a norm does not
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

import alexnet
import googlenet
import networks
import vgg

ROOT = Path(__file__).resolve().parents[2]
MASK = (1 << 64) - 1


# The formula. crates/blocks/src/golden.rs is its twin: change both or neither.


def fnv1a(text: str) -> int:
    """The 64-bit FNV-1a hash."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def uniform(key: str, count: int) -> np.ndarray:
    """The first `count` values of the tensor `key`: float64 in [-1, 1), in steps of 2**-23 (SplitMix64)."""
    index = np.arange(1, count + 1, dtype=np.uint64)
    mixed = np.uint64(fnv1a(key)) + index * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1.0


def formula(key: str, shape) -> torch.Tensor:
    """A float32 tensor of uniform values."""
    values = uniform(key, math.prod(shape)).astype(np.float32)
    return torch.from_numpy(values).reshape(tuple(shape))


def fill(model: nn.Module, gain: float) -> None:
    """Sets every parameter and running statistic of the model."""
    for key, tensor in model.state_dict().items():
        name = key.rsplit(".", 1)[-1]
        if name == "num_batches_tracked":
            continue
        if tensor.dim() == 1:
            near_one = {"weight": (1.0, 0.25), "running_var": (1.0, 0.5), "coefficient": (0.25, 0.125)}
            mean, half_width = near_one.get(name, (0.0, 0.125))
        else:
            mean, half_width = 0.0, math.sqrt(3.0 * gain / math.prod(tensor.shape[1:]))
        values = (mean + half_width * uniform(key, tensor.numel())).astype(np.float32)
        tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))


# The files.


def golden(case: networks.Case) -> dict:
    """PyTorch's answers for one network."""
    model = case.build()
    fill(model, case.gain)
    # The float32 values of the formula, computed on in float64: the answer that float32 arithmetic comes close to.
    model.double()
    images = formula("input", case.images).double()

    model.eval()
    with torch.no_grad():
        logits = model(images)

    record = {
        "model": case.name,
        "gain": case.gain,
        "images": list(case.images),
        "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "logits": logits.tolist(),
    }
    if case.gradients:
        record.update(training_step(model, images, case))
    return record


def training_step(model: nn.Module, images: torch.Tensor, case: networks.Case) -> dict:
    """Logits and gradients in training mode."""
    model.train()
    logits = model(images)
    (logits * formula("loss", logits.shape)).sum().backward()
    parameters = dict(model.named_parameters())
    unknown = [key for key in case.gradients if key not in parameters]
    if unknown:
        sys.exit(f"{case.name}: no parameter is called {', '.join(unknown)}")
    gradients = {}
    for key in case.gradients:
        gradient = parameters[key].grad
        projection = (gradient * formula("gradient:" + key, gradient.shape)).sum()
        gradients[key] = [gradient.norm().item(), projection.item()]
    return {"train_logits": logits.tolist(), "gradients": gradients}


def text(record: dict) -> str:
    """The record as JSON, one line per field, numbers with nine significant digits (enough for any float32)."""
    rounded = json.loads(json.dumps(record), parse_float=lambda number: float(f"{float(number):.9g}"))
    lines = [f"  {json.dumps(field)}: {json.dumps(value)}" for field, value in rounded.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def close(old: str, new: str) -> bool:
    """Whether two records say the same up to the rounding of different machines."""

    def same(a, b):
        if isinstance(a, dict):
            return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
        if isinstance(a, list):
            return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
        if isinstance(a, float):
            return math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-4)
        return a == b

    return same(json.loads(old), json.loads(new))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to make (default: all)")
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    parser.add_argument("--formula", action="store_true", help="print values of the formula and stop")
    arguments = parser.parse_args()

    if arguments.formula:
        key = "conv1.weight"
        print("hash", fnv1a(key), "values", [repr(float(uniform(key, 1001)[i])) for i in (0, 1, 1000)])
        return

    cases = {case.name: case for case in networks.CASES + alexnet.CASES + vgg.CASES + googlenet.CASES}
    unknown = [name for name in arguments.names if name not in cases]
    if unknown:
        sys.exit(f"no golden file is defined for {', '.join(unknown)}; there are: {', '.join(cases)}")

    # One thread and no fused kernels: the same sums in the same order every time.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    stale = []
    for name in arguments.names or cases:
        case = cases[name]
        path = ROOT / "models" / case.crate / "tests" / "golden" / f"{name}.json"
        made = text(golden(case))
        if arguments.check:
            if not path.exists() or not close(path.read_text(), made):
                stale.append(str(path.relative_to(ROOT)))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made)
        print(f"{name:16} {path.relative_to(ROOT)}")
    if stale:
        sys.exit("not what PyTorch answers now: " + ", ".join(stale))


if __name__ == "__main__":
    main()
