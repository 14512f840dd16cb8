"""Where the repository is, and a Python that has PyTorch. Imports nothing large itself."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "parity"


def has(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


def ensure_python():
    """Goes on in a virtual environment of its own where something is missing."""
    if has("safetensors", "timm", "torch", "torchvision"):
        return
    venv = WORK / "venv"
    python = venv / "bin" / "python"
    if Path(sys.prefix) == venv:
        sys.exit(f"{venv} lacks safetensors, timm, torch or torchvision: delete it, and it is made anew")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    packages = ["torch", "torchvision", "timm", "safetensors", "numpy"]
    index = ["--extra-index-url", "https://download.pytorch.org/whl/cpu"]
    subprocess.run([str(python), "-m", "pip", "install", "-q", *index, *packages], check=True)
    os.execv(str(python), [str(python), *sys.argv])
