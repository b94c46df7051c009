"""Lossless coding of a folder of photographs: bits per pixel and megapixels per second, with WebP and JPEG XL.

    python benchmarks/lossless.py DIR [--jobs 2] [--method auto]

dvcodec runs as a command, `compress` and `decompress` of all files at once, including start-up and the writing of PNG
files; every decoded image is compared with the original. The others encode one image after another through Pillow, in
this process, with their libraries' default number of threads.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from dvcodec.evaluation.codecs.interface import LosslessCodec
from dvcodec.evaluation.codecs.lossless import LosslessJxl, LosslessWebP
from dvcodec.evaluation.images import load_rgb


@dataclass(frozen=True)
class Row:
    """All images by one codec: bytes, and wall-clock seconds of encoding and decoding."""

    codec: str
    size: int
    encode_seconds: float
    decode_seconds: float


def timed(*arguments: str) -> float:
    """Run a dvcodec command and return the seconds it took."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "dvcodec", *arguments, "--quiet"], check=True)
    return time.perf_counter() - started


def as_commands(images: list[Path], jobs: int, method: str) -> Row:
    """Measure `dvcodec compress --lossless` and `dvcodec decompress` on all images.

    Raises:
        RuntimeError: a pixel differs.
    """
    with tempfile.TemporaryDirectory() as name:
        folder, width = Path(name), ["--jobs", str(jobs)]
        chosen = ["--lossless", "--method", method, "--output-dir", str(folder / "coded")]
        encoding = timed("compress", *map(str, images), *chosen, *width)
        coded = sorted((folder / "coded").iterdir())
        decoding = timed("decompress", *map(str, coded), "--output-dir", str(folder / "back"), *width)
        for image in images:
            if not (np.asarray(load_rgb(folder / "back" / f"{image.stem}.png")) == np.asarray(load_rgb(image))).all():
                raise RuntimeError(f"{image} does not come back")
        return Row(f"dvcodec, {method}", sum(file.stat().st_size for file in coded), encoding, decoding)


def through_pillow(images: list[Image.Image], codec: LosslessCodec) -> Row:
    """Measure another codec, one image after another."""
    started = time.perf_counter()
    coded = [codec.encode(image) for image in images]
    encoded = time.perf_counter()
    for data in coded:
        codec.decode(data).load()
    return Row(codec.name, sum(map(len, coded)), encoded - started, time.perf_counter() - encoded)


def table(rows: list[Row], pixels: int) -> Table:
    """Return the measurements as a table."""
    found = Table(
        "codec", "bytes", "bits per pixel", "Mpixel/s to encode", "to decode", title=f"{pixels / 1e6:.1f} Mpixel"
    )
    for row in rows:
        speeds = (f"{pixels / 1e6 / seconds:.2f}" for seconds in (row.encode_seconds, row.decode_seconds))
        found.add_row(row.codec, str(row.size), f"{8 * row.size / pixels:.3f}", *speeds)
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Lossless bits per pixel and speed on a folder of photographs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2, help="files that dvcodec codes at a time (default 2)")
    parser.add_argument("--method", default="auto", help="of dvcodec's lossless files (default auto)")
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.iterdir() if path.suffix.lower() in (".png", ".webp", ".ppm"))
    images = [load_rgb(path) for path in paths]
    others = [codec for codec in (LosslessWebP(), LosslessJxl()) if codec.missing() is None]
    rows = [as_commands(paths, options.jobs, options.method), *(through_pillow(images, codec) for codec in others)]
    Console().print(table(rows, sum(image.width * image.height for image in images)))


if __name__ == "__main__":
    main()
