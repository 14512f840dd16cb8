#!/usr/bin/env python3
"""Compares every network of the zoo with PyTorch: torchvision's and timm's where they have it, else the short
definitions of xtask/golden.

    python3 xtask/parity/parity.py                     # all of them, some minutes
    python3 xtask/parity/parity.py resnet50 vgg16      # only these

What it needs (torch, torchvision, timm, safetensors) it takes from the Python that runs it, or else installs into
target/parity/venv. It builds the Rust half, crates/zoo/examples/parity.rs, with cargo.

Each network gets random weights and running statistics that are not 0 and 1, written by torch.save and imported here.
Then are compared, with PyTorch in float64 on the same numbers as the truth:
  logits     of 4 images in evaluation, ours in float32: the largest difference over the largest logit, at most 1e-4
  gradients  of every parameter in one training step (cross-entropy, auxiliary heads weighing 0.3), ours in float64 too,
             since in float32 a rounding error now and then turns a ReLU on or off, of PyTorch's networks as of ours:
             the norm of the difference over the norm, at most 1e-3
  running    means and variances of batch norms after that step, at most 1e-5 of their largest. PyTorch keeps the
             unbiased variance of a batch of n values per channel, Burn the biased one, smaller by (n - 1) / n: the truth
             is PyTorch's update with that factor
  export     our safetensors load into the PyTorch network with strict=True, and give the same logits, bit for bit
It prints a table and ends with exit code 1 if any line fails.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from environment import ROOT, WORK, ensure_python

ensure_python()

import numpy as np  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import torchvision  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402

sys.path.insert(0, str(ROOT / "xtask" / "golden"))
import alexnet  # noqa: E402
import googlenet  # noqa: E402
import networks  # noqa: E402
import vgg  # noqa: E402

# The golden files are of narrow networks; here they are as wide as the papers'.
googlenet.WIDTH = vgg.WIDTH = 64

LR = 2.0**12  # so large that the new weights are the gradients, and their rounding that of the gradients
BATCH = 8


def resnet(units, shortcut="A", width=16, large=False):
    return lambda: networks.BasicNet(units, width, shortcut, large)


def cifar_resnet(build):
    def small():
        model = build(num_classes=10)
        model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        model.maxpool = nn.Identity()
        return model

    return small


def paper_bottleneck(units):
    return lambda: torchvision.models.ResNet(networks.PaperBottleneck, units, num_classes=10)


def tv(name, **options):
    return lambda: getattr(torchvision.models, name)(weights=None, **options)


LARGE, SMALL, DIGIT = (3, 224), (3, 32), (1, 32)
# name: (PyTorch's network, channels and side in evaluation, side in the training step)
NETWORKS = {
    "lenet5": (lambda: networks.PublishedLeNet(rbf=True), DIGIT, 32),
    "lenet5_modern": (networks.ModernLeNet, DIGIT, 32),
    "alexnet": (tv("alexnet", dropout=0.0), LARGE, 64),
    "alexnet_paper": (lambda: alexnet.alexnet_paper(4), LARGE, 224),
    "cifar_alexnet": (alexnet.cifar_alexnet, SMALL, 32),
    "zfnet": (lambda: alexnet.zfnet((96, 256, 384), 2, (1, 0), 6, 4096), LARGE, 224),
    "cifar_zfnet": (lambda: alexnet.zfnet((96, 256, 384), 1, (3, 2), 2), SMALL, 32),
    **{name: (tv(name, dropout=0.0), LARGE, 64) for name in
       ("vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn")},
    "vgg11_lrn": (lambda: vgg.vgg(vgg.lrn_features()), LARGE, 64),
    "vgg16_c": (lambda: vgg.vgg(vgg.c_features()), LARGE, 64),
    "cifar_vgg11_bn": (lambda: vgg.CifarVGG(vgg.torchvision_features("A", True)), SMALL, 32),
    "cifar_vgg16_bn": (lambda: vgg.CifarVGG(vgg.torchvision_features("D", True)), SMALL, 32),
    "googlenet": (lambda: googlenet.AllScores(aux_logits=True), LARGE, 96),
    "googlenet_paper": (googlenet.PaperGoogLeNet, LARGE, 224),
    "cifar_googlenet": (googlenet.CifarGoogLeNet, SMALL, 32),
    **{name: (tv(name), LARGE, 64) for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")},
    "resnet50_paper": (paper_bottleneck([3, 4, 6, 3]), LARGE, 64),
    "resnet101_paper": (paper_bottleneck([3, 4, 23, 3]), LARGE, 64),
    "resnet152_paper": (paper_bottleneck([3, 8, 36, 3]), LARGE, 64),
    "plain18": (resnet([2, 2, 2, 2], "plain", 64, True), LARGE, 64),
    "plain34": (resnet([3, 4, 6, 3], "plain", 64, True), LARGE, 64),
    **{f"resnet{6 * n + 2}": (resnet([n, n, n]), SMALL, 32) for n in (3, 5, 7, 9, 18)},
    **{f"plain{6 * n + 2}": (resnet([n, n, n], "plain"), SMALL, 32) for n in (3, 5, 7, 9)},
    "cifar_resnet18": (cifar_resnet(torchvision.models.resnet18), SMALL, 32),
    "cifar_resnet34": (cifar_resnet(torchvision.models.resnet34), SMALL, 32),
    "cifar_resnet50": (cifar_resnet(torchvision.models.resnet50), SMALL, 32),
}
# timm's names for the tensors of the same networks: imported, and compared in evaluation.
TIMM = ("resnet18", "resnet50", "vgg11", "vgg16_bn")


def randomize(model):
    """Weights that keep the signal up; statistics that are neither 0 nor 1."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.2)
            module.running_mean.normal_(0.0, 0.3)
            module.running_var.uniform_(0.5, 2.0)
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, 0.0, 0.1)
    for name, parameter in model.named_parameters():
        if "coefficient" in name or name == "c3.weight":
            nn.init.normal_(parameter, 0.25, 0.1)


def heads(scores, classes):
    """The scores of the main head, and those of the auxiliary ones behind it."""
    return scores.split(classes, 1)


def train(model, images, labels, classes):
    """Gradients of one step, and by how many values each batch norm normalised."""
    counts = {}

    def count(name):
        def hook(_module, inputs):
            counts[name] = inputs[0].numel() // inputs[0].shape[1]

        return hook

    hooks = [m.register_forward_pre_hook(count(n)) for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
    model.train()
    main, *aux = heads(model(images), classes)
    loss = F.cross_entropy(main, labels) + sum(0.3 * F.cross_entropy(scores, labels) for scores in aux)
    loss.backward()
    for hook in hooks:
        hook.remove()
    return {name: parameter.grad for name, parameter in model.named_parameters()}, counts


def prepare(name, seed):
    """Writes what the Rust half reads."""
    build, (channels, side), train_side = NETWORKS[name]
    torch.manual_seed(seed)
    model = build()
    with torch.no_grad():
        randomize(model)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    evaluate = torch.randn(4, channels, side, side)
    images = torch.randn(BATCH, channels, train_side, train_side)
    classes = classes_of(model)
    labels = torch.arange(BATCH) % classes
    torch.save(state, WORK / f"{name}.pth")
    evaluate.numpy().tofile(WORK / f"{name}.eval.f32")
    images.numpy().tofile(WORK / f"{name}.train.f32")
    case = {"model": name, "eval": evaluate.shape, "train": images.shape, "labels": labels.tolist(), "lr": LR}
    (WORK / f"{name}.json").write_text(json.dumps(case))
    return state, evaluate, images, labels, classes


def classes_of(model):
    """Rows of the last linear layer that is not of an auxiliary head."""
    if hasattr(model, "bitmaps"):
        return len(model.bitmaps)
    linear = [m for n, m in model.named_modules() if isinstance(m, nn.Linear) and not n.startswith("aux")]
    return linear[-1].out_features


def build(name, state, dtype):
    model = NETWORKS[name][0]()
    model.load_state_dict(state)
    model.to(dtype)
    if hasattr(model, "bitmaps"):
        model.bitmaps = model.bitmaps.to(dtype)
    return model


def apart(found, truth):
    """The norm of the difference over the norm."""
    return ((found - truth).norm() / truth.norm()).item()


def compare(name, prepared):
    """One line of the table, and what is wrong with it."""
    state, evaluate, images, labels, classes = prepared
    wrong = []

    truth = build(name, state, torch.float64).eval()
    with torch.no_grad():
        expected = truth(evaluate.double())
    found = torch.from_numpy(np.fromfile(WORK / f"{name}.logits.f32", dtype=np.float32)).reshape(expected.shape)
    logits = ((found.double() - expected).abs().max() / expected.abs().max()).item()
    if not logits <= 1e-4:
        wrong.append("logits")

    exported = build(name, state, torch.float32)
    exported.load_state_dict(load_file(WORK / f"{name}.export.safetensors"), strict=True)
    theirs = build(name, state, torch.float32)
    with torch.no_grad():
        if not torch.equal(exported.eval()(evaluate), theirs.eval()(evaluate)):
            wrong.append("export")

    step = load_file(WORK / f"{name}.step.safetensors")
    gradients, counts = train(truth, images.double(), labels, classes)
    worst, at = 0.0, ""
    largest = max(gradient.norm() for gradient in gradients.values())
    for key, gradient in gradients.items():
        # A bias before a batch norm has no gradient at all: what is there is rounding.
        if gradient.norm() < 1e-9 * largest:
            continue
        difference = apart((state[key].double() - step[key]) / LR, gradient)
        if difference > worst:
            worst, at = difference, key
        if not difference <= 1e-3:
            wrong.append(key)

    running = 0.0
    for layer, count in counts.items():
        module = truth.get_submodule(layer)
        momentum = module.momentum
        mean = step[f"{layer}.running_mean"].double()
        running = max(running, ((mean - module.running_mean).abs().max() / module.running_mean.abs().max()).item())
        old = state[f"{layer}.running_var"].double() * (1 - momentum)
        biased = old + (module.running_var - old) * (count - 1) / count
        var = step[f"{layer}.running_var"].double()
        running = max(running, ((var - biased).abs().max() / biased.abs().max()).item())
    if not running <= 1e-5:
        wrong.append("running statistics")

    line = f"{name:16} {logits:9.1e} {worst:10.1e} {running:9.1e}  {'ok' if not wrong else 'WRONG'}"
    return line, wrong, at


def compare_timm(seed):
    """timm's tensors, imported by name."""
    failures = []
    for name in TIMM:
        torch.manual_seed(seed)
        model = timm.create_model(name, pretrained=False, num_classes=10)
        with torch.no_grad():
            randomize(model)
        case = f"timm-{name}"
        evaluate = torch.randn(4, 3, 224, 224)
        torch.save({"state_dict": model.state_dict()}, WORK / f"{case}.pth")
        evaluate.numpy().tofile(WORK / f"{case}.eval.f32")
        torch.zeros(2, 3, 64, 64).numpy().tofile(WORK / f"{case}.train.f32")
        record = {"model": name, "eval": evaluate.shape, "train": [2, 3, 64, 64], "labels": [0, 1], "lr": LR}
        (WORK / f"{case}.json").write_text(json.dumps(record))
        failures.append((case, model.eval(), evaluate))
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to compare (default: all)")
    parser.add_argument("--binary", type=Path, help="the Rust half, where it is built already")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NETWORKS]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(NETWORKS)}")
    names = arguments.names or list(NETWORKS)
    binary = arguments.binary
    if binary is None:
        command = ["cargo", "build", "--release", "-p", "burn-zoo", "--example", "parity", "--features", "flex"]
        subprocess.run(command, cwd=ROOT, check=True)
        binary = ROOT / "target" / "release" / "examples" / "parity"

    WORK.mkdir(parents=True, exist_ok=True)
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}")
    print(f"{'model':16} {'logits':>9} {'gradients':>10} {'running':>9}")
    failed = []

    def run():
        subprocess.run([str(binary), str(WORK)], check=True)

    def clear():
        for file in WORK.iterdir():
            if file.is_file():
                file.unlink()

    # One at a time: the weights of all of them are ten gigabytes.
    for seed, name in enumerate(names):
        clear()
        prepared = prepare(name, seed)
        run()
        line, wrong, at = compare(name, prepared)
        print(line + (f": {', '.join(wrong[:4])}" if wrong else f"  (worst: {at})"), flush=True)
        failed += [name] if wrong else []
    clear()
    if not arguments.names:
        cases = compare_timm(len(names))
        run()
        for case, model, evaluate in cases:
            with torch.no_grad():
                expected = model.double()(evaluate.double())
            found = torch.from_numpy(np.fromfile(WORK / f"{case}.logits.f32", dtype=np.float32)).reshape(expected.shape)
            logits = ((found.double() - expected).abs().max() / expected.abs().max()).item()
            verdict = "ok" if logits <= 1e-4 else "WRONG"
            print(f"{case:16} {logits:9.1e} {'':10} {'':9}  {verdict}", flush=True)
            failed += [case] if verdict != "ok" else []
    clear()
    if failed:
        sys.exit(f"{len(failed)} of the networks differ from PyTorch: {', '.join(failed)}")
    print("all agree")


if __name__ == "__main__":
    main()
