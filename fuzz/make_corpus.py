"""Makes the seeds of the fuzz targets, small files of every kind: `python fuzz/make_corpus.py`. Needs pillow, numpy and pyarrow."""
import gzip
import io
import json
import struct
import tarfile
from pathlib import Path

import numpy
import pyarrow
from PIL import Image
from pyarrow import parquet

corpus = Path(__file__).parent / "corpus"
y, x = numpy.mgrid[0:11, 0:13]
pixels = numpy.stack([x * 19, y * 23, (x * y * 7) % 256], axis=-1).astype(numpy.uint8)
rgb = Image.fromarray(pixels)


def keep(target, name, content):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def saved(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def member(tar, name, content):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def shard(format, members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for name, content in members:
            member(tar, name, content)
    # Python fills up to 10 KiB; two blocks of zeros are the end.
    return out.getvalue().rstrip(b"\0").ljust(512, b"\0") + bytes(2048)


def images():
    for name, options in {
        "420": {}, "444": {"subsampling": 0}, "422": {"subsampling": 1}, "progressive": {"progressive": True},
        "optimized": {"optimize": True}, "coarse": {"quality": 5}, "restarts": {"restart_marker_blocks": 1},
    }.items():
        keep("jpeg", name, saved(rgb, "JPEG", **options))
    keep("jpeg", "grey", saved(rgb.convert("L"), "JPEG"))
    keep("jpeg", "cmyk", saved(rgb.convert("CMYK"), "JPEG"))
    exif = Image.Exif()
    exif[0x0112] = 6
    keep("jpeg", "sideways", saved(rgb, "JPEG", exif=exif))
    keep("png", "rgb", saved(rgb, "PNG"))
    keep("png", "palette", saved(rgb.quantize(16), "PNG", transparency=3))
    keep("png", "bits", saved(rgb.convert("1"), "PNG"))
    keep("png", "grey", saved(rgb.convert("L"), "PNG"))
    keep("png", "grey_alpha", saved(rgb.convert("LA"), "PNG"))
    keep("png", "alpha", saved(rgb.convert("RGBA"), "PNG", exif=exif))
    keep("png", "deep", saved(Image.fromarray((x * 4000).astype(numpy.uint16)), "PNG"))
    keep("webp", "lossy", saved(rgb, "WEBP", quality=60))
    keep("webp", "lossless", saved(rgb, "WEBP", lossless=True, exif=exif))
    keep("webp", "alpha", saved(rgb.convert("RGBA"), "WEBP"))
    keep("webp", "palette", saved(rgb.quantize(4).convert("RGB"), "WEBP", lossless=True))
    keep("webp", "moving", saved(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(90)]))
    keep("bmp", "rgb", saved(rgb, "BMP"))
    keep("bmp", "palette", saved(rgb.quantize(16), "BMP"))
    keep("bmp", "bits", saved(rgb.convert("1"), "BMP"))
    keep("bmp", "alpha", saved(rgb.convert("RGBA"), "BMP"))
    # Pillow writes no run lengths: 4×2 pixels of a palette of two, an escape, the end.
    palette, data = bytes([0, 0, 0, 0, 255, 255, 255, 0]), bytes([4, 1, 0, 0, 0, 4, 1, 0, 1, 0, 0, 1])
    head = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, len(data), 0, 0, 2, 0)
    start = 14 + len(head) + len(palette)
    file = struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start)
    keep("bmp", "run_lengths", file + head + palette + data)


def data_sets():
    idx3 = struct.pack(">4I", 0x803, 2, 3, 4) + bytes(range(24))
    keep("idx", "images", idx3)
    keep("idx", "labels", struct.pack(">2I", 0x801, 5) + bytes(range(5)))
    keep("idx", "gzipped", gzip.compress(idx3, mtime=0))
    keep("cifar", "ten", bytes([7]) + bytes(3072))
    keep("cifar", "hundred", bytes([3, 77]) + bytes(3072))
    keep("annotations", "lists", b"n01\nn02\nn03\n%\nn01\tgoldfish, carp\nn02\tcrane\nn03\tcrane, bird\n%\n"
         b"val_0.JPEG\tn01\t0\t0\t62\t62\nval_1.JPEG\tn03\t1\t2\t3\t4\n")
    png = saved(rgb.resize((2, 2)), "PNG")
    long = "folder/" + "x" * 120
    samples = [("0.png", png), ("0.cls", b"3"), ("1.json", b'{"label": "cat"}'), ("1.jpg", b"?"), ("note.txt", b"-")]
    keep("shard", "gnu", shard(tarfile.GNU_FORMAT, [(long + ".png", png), (long + ".cls", b"1")]))
    keep("shard", "pax", shard(tarfile.PAX_FORMAT, [(long + "ü.png", png), (long + "ü.cls", b"1")]))
    keep("shard", "ustar", shard(tarfile.USTAR_FORMAT, samples))
    keep("index", "two", b"burn-zoo-shard-index 1 10240 2\n512\t100\t3\t0.png\n2048\t100\ttabby cat\ta/1.jpg\n")
    manifest = {
        "burn_zoo_shards": 1, "name": "cifar10", "classes": ["a", "b"], "channels": 3, "size": [32, 32],
        "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2],
        "train": [{"file": "train-000000.tar", "samples": 2, "bytes": 10240}], "valid": [],
    }
    keep("manifest", "one", json.dumps(manifest).encode())


def table(name, columns, features=None, **options):
    """A Parquet file as Hugging Face's `datasets` writes one: `features` says what the columns are."""
    made = pyarrow.table(columns)
    if features:
        about = json.dumps({"info": {"features": features}})
        made = made.replace_schema_metadata({"huggingface": about})
    out = io.BytesIO()
    parquet.write_table(made, out, **options)
    keep("parquet", name, out.getvalue())


def tables():
    files = sorted(path for kind in ("png", "webp") for path in (corpus / kind).iterdir() if "49" not in path.name)
    content = [path.read_bytes() for path in files]
    count = len(content)
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    images = pyarrow.array([{"bytes": file, "path": path.name} for file, path in zip(content, files)], kind)
    numbers = pyarrow.array([row % 3 for row in range(count)], pyarrow.int64())
    image, classes = {"_type": "Image"}, {"_type": "ClassLabel", "names": ["cat", "dog, hound", "bird"]}
    both = {"image": image, "label": classes}
    columns = {"image": images, "label": numbers}
    table("snappy", columns, both, row_group_size=5)
    table("zstd", columns, both, compression="zstd", data_page_version="2.0", use_dictionary=False)
    names = pyarrow.array([["cat", "dog, hound", "bird"][row % 3] for row in range(count)])
    table("names", {"label": names, "image": images}, compression="gzip")
    bare = pyarrow.array(content, pyarrow.binary())
    table("bare", {"pixels": bare, "label": numbers.cast(pyarrow.uint8()), "text": names}, compression="none")
    table("two_labels", {"img": images, "fine_label": numbers, "coarse_label": pyarrow.array([0] * count)},
          {"img": image, "fine_label": classes, "coarse_label": {"_type": "ClassLabel", "names": ["all"]}})
    table("held_back", {"image": images, "label": pyarrow.array([-1] * count)}, both)
    table("gaps", {"image": pyarrow.array([None] + images.to_pylist()[1:], kind), "label": numbers}, both)


images()
data_sets()
tables()
