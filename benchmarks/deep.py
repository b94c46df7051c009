"""Deep samples without loss: complete files beside PNG, JPEG 2000 and JPEG XL, all decoded and compared.

    python benchmarks/deep.py [--size 384x256]

Images of a camera are made from the bundled photograph: linear light in 12 bits, with the noise of photons and reading.
"""

import argparse
import io
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from speed import PHOTOGRAPH

import dvcodec

Samples = NDArray[np.uint16]
OTHERS: dict[str, dict[str, Any]] = {
    "PNG": {"optimize": True},
    "JPEG2000": {"irreversible": False},
    "JXL": {"lossless": True, "effort": 7},
}
"""Pillow's names of the other formats, and what makes them lossless and small."""


def images(width: int, height: int) -> dict[str, Samples]:
    """Return grey images (H, W) and one of three colours (H, W, 3) by their names."""
    rng = np.random.default_rng(0)
    with Image.open(PHOTOGRAPH) as photograph:
        levels = np.asarray(photograph.convert("RGB"))[:height, :width] / 255.0
    light = 4000 * levels**2.2
    camera = np.clip(np.rint(rng.normal(light, np.sqrt(0.5 * light + 9)) + 64), 0, 4095).astype(np.uint16)
    y, x = np.mgrid[:height, :width] / max(width, height)
    smooth = 20000 * np.exp(-8 * ((x - 0.4) ** 2 + (y - 0.3) ** 2)) + 9000 * np.sin(5 * x + 3 * y) + 12000
    smooth = np.rint(smooth + rng.normal(0, 6, smooth.shape))
    return {
        "camera, 12 bits": camera[..., 1],
        "camera, 12 bits in the upper ones of 16": camera[..., 1] << 4,
        "smooth, 16 bits": smooth.astype(np.uint16),
        "ramp, 16 bits": np.rint(65535 * x / x.max()).astype(np.uint16),
        "noise, 16 bits": rng.integers(0, 2**16, (height, width), dtype=np.uint16),
        "camera in colours, 12 bits": camera,
    }


def own(samples: Samples) -> int:
    """Return the size in bytes of dvcodec's file, which gives the samples back."""
    data = dvcodec.compress(samples, lossless=True)
    assert np.array_equal(dvcodec.decompress_array(data), samples)
    return len(data)


def other(samples: Samples, name: str) -> int | None:
    """Return the size in bytes of another format's file, or None where Pillow cannot write such samples."""
    if samples.ndim == 3:
        return None
    file = io.BytesIO()
    try:
        Image.fromarray(samples).save(file, name, **OTHERS[name])
        with Image.open(io.BytesIO(file.getvalue())) as back:
            same = np.array_equal(np.asarray(back).astype(np.uint16), samples)
    except (OSError, ValueError, KeyError):
        return None
    return len(file.getvalue()) if same else None


def main() -> None:
    """Print the table of bits a pixel."""
    parser = argparse.ArgumentParser(description="Bits a pixel of deep samples without loss.")
    parser.add_argument("--size", default="384x256", help="of the images (384x256)")
    width, height = map(int, parser.parse_args().size.split("x"))
    with suppress(ImportError):
        import pillow_jxl  # noqa: F401  # lets Pillow write JPEG XL
    table = Table("image", "dvcodec", *OTHERS, title=f"Bits a pixel, {width}x{height}")
    for name, samples in images(width, height).items():
        sizes = [own(samples), *(other(samples, each) for each in OTHERS)]
        table.add_row(name, *("-" if size is None else f"{8 * size / (width * height):.3f}" for size in sizes))
    Console().print(table)


if __name__ == "__main__":
    main()
