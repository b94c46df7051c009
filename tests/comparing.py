"""Small pictures and a small comparison for the tests of reports, measured once a process."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dvcodec.evaluation import Comparison, compare, published_curves
from dvcodec.evaluation.codecs.interface import QualityScale
from fake import photograph

HOSTILE = "<b>&\"'<svg onload=x>.png"
"""A file name that no page may take for markup."""
POINTS = {"jpeg": (10, 30, 50, 80, 95), "webp": (5, 40, 80, 95), "jpeg-444": (10, 40, 90)}


@dataclass(frozen=True)
class Coarse:
    """Raw pixels with an error of `100 - quality`, and `quality` bytes more a row: both figures are known."""

    name: str = "coarse"
    settings: str = "made up 1"
    qualities: tuple[float, ...] = (80, 90, 95)
    scale: ClassVar[QualityScale] = QualityScale(1, 100, 1)

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """The pixels raised by the error, then padding that makes the size depend on quality alone."""
        error = np.uint8(100 - quality)
        pixels = (np.asarray(image) + error).tobytes()
        return pixels + bytes(round(quality) * image.height)

    def decode(self, data: bytes) -> Image.Image:
        """The pixels again, out of a file of 16x8."""
        return Image.frombytes("RGB", (16, 8), data[: 16 * 8 * 3])


def pictures(folder: Path, count: int = 3, size: tuple[int, int] = (64, 48)) -> Path:
    """Write so many pictures, the second one under a hostile name."""
    folder.mkdir(exist_ok=True)
    for index in range(count):
        name = HOSTILE if index == 1 else f"picture{index}.png"
        Image.fromarray(textured(size[1], size[0], seed=index)).save(folder / name)
    return folder


def textured(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) with enough texture that every codec loses some: 26 to 36 dB at ordinary qualities."""
    noise = np.random.default_rng(seed).normal(0, 9, (height, width, 3))
    return np.clip(photograph(height, width, seed) + noise, 0, 255).astype(np.uint8)


@cache
def comparison() -> Comparison:
    """Six pictures through JPEG, WebP and JPEG 4:4:4, with everything a report can hold but our own codec and costs."""
    with TemporaryDirectory() as name:
        folder = pictures(Path(name) / "pictures", count=6)
        (folder / "broken.png").write_bytes(b"no picture")
        return compare(
            folder,
            codecs=list(POINTS),
            metrics=["psnr"],
            qualities=POINTS,
            lossless=True,
            ratio=20,
            published=published_curves()[:2],
            costs=False,
            command="dvcodec compare pictures -o report",
        )
