#!/usr/bin/env python3
"""images/s of the data pipelines that PyTorch's users have: an epoch at a time, as JSON, for data.py.

    python3 xtask/parity/data_peers.py pil FOLDER --workers 2 --batch 64 --epochs 1          # as evaluation wants them
    python3 xtask/parity/data_peers.py v2 FOLDER --workers 2 --batch 64 --epochs 1 --train

pil: torchvision's ImageFolder, with Pillow. v2: torchvision's decode_jpeg and its v2 transforms of tensors. opencv: OpenCV's
imread and resize, INTER_AREA where a side shrinks, which is its antialiased one, and numpy. All three end in normalised
batches of floats, in a DataLoader whose workers stay; an epoch before the first does not count.
"""

import argparse
import json
import random
import time

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, io, transforms
from torchvision.transforms import v2

SIZE, SHORTER = 224, 256
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def pil():
    common = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    if arguments.train:
        own = [transforms.RandomResizedCrop(SIZE), transforms.RandomHorizontalFlip()]
    else:
        own = [transforms.Resize(SHORTER), transforms.CenterCrop(SIZE)]
    return datasets.folder.default_loader, transforms.Compose(own + common)


def tensors():
    common = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    if arguments.train:
        own = [v2.RandomResizedCrop(SIZE, antialias=True), v2.RandomHorizontalFlip()]
    else:
        own = [v2.Resize(SHORTER, antialias=True), v2.CenterCrop(SIZE)]

    def load(path):
        return io.decode_jpeg(io.read_file(path), mode=io.ImageReadMode.RGB)

    return load, v2.Compose(own + common)


def opencv():
    import cv2
    import numpy as np

    # The DataLoader's workers are the threads.
    cv2.setNumThreads(0)
    mean, scale = np.float32(MEAN) * 255, 1 / (np.float32(STD) * 255)

    def resized(image, height, width):
        shrinks = image.shape[0] > height or image.shape[1] > width
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return cv2.resize(image, (width, height), interpolation=how)

    def tensor(image):
        values = (image.astype(np.float32) - mean) * scale
        return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))

    def train(image):
        # get_params reads the size of a tensor, and nothing else of it.
        like = torch.empty(3, *image.shape[:2], device="meta")
        top, left, height, width = transforms.RandomResizedCrop.get_params(like, (0.08, 1.0), (3 / 4, 4 / 3))
        image = resized(image[top : top + height, left : left + width], SIZE, SIZE)
        return tensor(cv2.flip(image, 1) if random.random() < 0.5 else image)

    def evaluate(image):
        height, width = image.shape[:2]
        if height < width:
            height, width = SHORTER, SHORTER * width // height
        else:
            height, width = SHORTER * height // width, SHORTER
        image = resized(image, height, width)
        top, left = (height - SIZE) // 2, (width - SIZE) // 2
        return tensor(image[top : top + SIZE, left : left + SIZE])

    def load(path):
        return cv2.imread(path, cv2.IMREAD_COLOR_RGB)

    return load, train if arguments.train else evaluate


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = {"pil": pil, "v2": tensors, "opencv": opencv}
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("folder")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--train", action="store_true")
    arguments = parser.parse_args()
    load, transform = kinds[arguments.kind]()
    images = datasets.ImageFolder(arguments.folder, transform, loader=load)
    loader = DataLoader(
        images,
        arguments.batch,
        shuffle=arguments.train,
        num_workers=arguments.workers,
        persistent_workers=arguments.workers > 0,
    )
    speeds = []
    for _ in range(arguments.epochs + 1):
        start, count = time.perf_counter(), 0
        for images, _labels in loader:
            count += len(images)
        speeds.append(count / (time.perf_counter() - start))
    print(json.dumps({"images_per_second": speeds[1:]}))
