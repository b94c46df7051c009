"""The test images of a data set as one archive, compared with other codecs and with the model's own bound.

    python benchmarks/archives.py mnist-static --root DIR [--count N] [--weights NAME|PATH] [--json FILE]

Every archive is decoded again and compared with the images. Bits are those of real files, without the images' names,
divided by the number of dimensions: pixels for black-and-white sets, pixels times channels for others. "Each" is the
sum over one file per image; "mosaic" is one file of all images in rows of 100.
"""

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

import dvcodec
from dvcodec.evaluation.likelihood.family_bound import measure
from dvcodec.models import load_bits_back, load_network
from dvcodec.models.families.hierarchy import FamilyHierarchy
from dvcodec.training.data import load
from dvcodec.weights import BITS_BACK, find, of_kind

Save = Callable[[Image.Image], bytes]
COLUMNS = 100
"""Number of images in a row of a mosaic."""


@dataclass(frozen=True)
class Row:
    """One way to store all images."""

    way: str
    size: int
    """Size in bytes; for a bound, the bytes that correspond to it."""
    bits_per_dim: float
    seconds: float


def saver(format: str, **settings: object) -> Save:
    """Return a function that encodes an image with one of Pillow's writers."""

    def save(image: Image.Image) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, format, **settings)
        return buffer.getvalue()

    return save


def savers(*, binary: bool) -> dict[str, Save]:
    """Return the other codecs at their strongest lossless settings; JPEG XL and WebP get black and white as grey."""
    import pillow_jxl  # noqa: F401  registers JPEG XL

    def grey(save: Save) -> Save:
        return lambda image: save(image.convert("L" if image.mode == "1" else image.mode))

    found = {
        "PNG": saver("PNG", optimize=True),
        "WebP": grey(saver("WEBP", lossless=True, quality=100, method=6, exact=True)),
        "JPEG XL": grey(saver("JXL", lossless=True, effort=9)),
    }
    return found | ({"TIFF G4": saver("TIFF", compression="group4")} if binary else {})


def pictures(data: str, root: Path, count: int) -> NDArray[np.uint8]:
    """Load the test images: (n, H, W) of 0 and 255, or (n, H, W, C)."""
    loaded = load(data, root)
    batches = list(loaded.split("test").batches(1000))
    levels = torch.cat(batches)[:count].permute(0, 2, 3, 1).numpy() * (255 if loaded.binary else 1)
    values: NDArray[np.uint8] = levels.astype(np.uint8)
    return values[..., 0] if values.shape[3] == 1 else values


def image_of(values: NDArray[np.uint8], *, binary: bool) -> Image.Image:
    """Convert to a Pillow image in mode 1, L or RGB."""
    image = Image.fromarray(np.ascontiguousarray(values))
    return image.convert("1", dither=Image.Dither.NONE) if binary else image


def mosaic(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Arrange all images in rows; the last row is filled up with black."""
    rows = -(-len(images) // COLUMNS)
    whole = np.zeros((rows * COLUMNS, *images.shape[1:]), np.uint8)
    whole[: len(images)] = images
    grid = whole.reshape(rows, COLUMNS, *images.shape[1:]).swapaxes(1, 2)
    return grid.reshape(rows * images.shape[1], COLUMNS * images.shape[2], *images.shape[3:])


def others(images: NDArray[np.uint8], *, binary: bool) -> list[Row]:
    """Measure the other codecs on single images and on the mosaic."""
    rows = []
    for name, save in savers(binary=binary).items():
        for way, parts in (("each", images), ("mosaic", [mosaic(images)])):
            start = time.perf_counter()
            size = sum(len(save(image_of(part, binary=binary))) for part in parts)
            rows.append(Row(f"{name}, {way}", size, 8 * size / images.size, time.perf_counter() - start))
    return rows


def ours(images: NDArray[np.uint8], method: str | None, weights: str | None, *, binary: bool) -> list[Row]:
    """Write an archive with one method and read it back.

    Raises:
        AssertionError: an image has changed.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "all.dvq"
        start = time.perf_counter()
        pillow = (image_of(part, binary=binary) for part in images)
        dvcodec.compress_archive(pillow, target, method=method, weights=weights, lossless=True)
        written = time.perf_counter()
        for unpacked in dvcodec.decompress_archive(target):
            found = np.asarray(unpacked.image.convert("L") if binary else unpacked.image)
            assert np.array_equal(found, images[unpacked.position]), unpacked.position
        read, size = time.perf_counter(), target.stat().st_size
    name = method or "auto"
    return [
        Row(f"dvcodec archive, {name}", size, 8 * size / images.size, written - start),
        Row(f"  and back, {name}", size, 8 * size / images.size, read - written),
    ]


def bound(images: NDArray[np.uint8], path: Path, *, binary: bool) -> Row:
    """Measure -ELBO of the integer model."""
    model = load_network(path)
    assert isinstance(model, FamilyHierarchy)
    x = torch.from_numpy(images.astype(np.float32))
    x = (x / 255)[:, None] if binary else x.permute(0, 3, 1, 2)
    start = time.perf_counter()
    found = measure(model.network, torch.split(x, 250))
    bits = found.bits_per_dim * images.size
    return Row("-ELBO of the model", round(bits / 8), found.bits_per_dim, time.perf_counter() - start)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--weights", help="a bits-back model; default: the shipped one that suits")
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    images = pictures(arguments.data, arguments.root, arguments.count)
    binary = images.ndim == 3 and bool(np.isin(images, (0, 255)).all())
    mode = "1" if binary else "RGB"
    candidates = [find(arguments.weights)] if arguments.weights else of_kind(BITS_BACK)
    suiting = [one for one in candidates if load_bits_back(one.path).suits(mode, *images.shape[1:3])]
    rows = [bound(images, one.path, binary=binary) for one in suiting]
    for method in ("bits-back", None):
        rows += ours(images, method, arguments.weights, binary=binary)
    if not arguments.only_ours:
        rows += ours(images, "webp", None, binary=binary) + others(images, binary=binary)
    table = Table("way", "bytes", "bits/dim", "seconds", title=f"{arguments.data}: {len(images)} images")
    for row in rows:
        table.add_row(row.way, f"{row.size:,}", f"{row.bits_per_dim:.4f}", f"{row.seconds:.1f}")
    Console(width=100).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
