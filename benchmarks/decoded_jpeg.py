"""Photographs that were decoded from JPEG files, without loss: complete files beside the JPEG file and JPEG XL.

python benchmarks/decoded_jpeg.py FOLDER [--quality 90] [--subsampling 2]
"""

import argparse
import io
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec.errors import UnsupportedImage


def own(pixels: NDArray[np.uint8]) -> int | None:
    """Return the size in bytes of dvcodec's file, which gives the pixels back; None where no JPEG is recognised."""
    try:
        data = dvcodec.compress_array(pixels, lossless=True, method="jpeg")
    except UnsupportedImage:
        return None
    assert np.array_equal(dvcodec.decompress_array(data), pixels)
    return len(data)


def jpeg_xl(pixels: NDArray[np.uint8]) -> int | None:
    """Return the size in bytes of a lossless JPEG XL file, or None where Pillow cannot write it."""
    file = io.BytesIO()
    with suppress(KeyError, OSError):
        Image.fromarray(pixels).save(file, "JXL", lossless=True, effort=7)
        return len(file.getvalue())
    return None


def main() -> None:
    """Print a line for each image: bits a pixel of dvcodec, the JPEG file and JPEG XL."""
    parser = argparse.ArgumentParser(description="Bits a pixel of decoded JPEG files without loss.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quality", type=int, default=90)
    parser.add_argument("--subsampling", type=int, default=2, help="0 for 4:4:4, 1 for 4:2:2, 2 for 4:2:0 (2)")
    args = parser.parse_args()
    with suppress(ImportError):
        import pillow_jxl  # noqa: F401  # lets Pillow write JPEG XL
    for path in sorted(args.folder.glob("*.png")):
        file = io.BytesIO()
        with Image.open(path) as image:
            image.convert("RGB").save(file, "JPEG", quality=args.quality, subsampling=args.subsampling)
        with Image.open(file) as image:
            pixels = np.asarray(image)
        sizes = own(pixels), len(file.getvalue()), jpeg_xl(pixels)
        area = pixels.shape[0] * pixels.shape[1]
        print(path.name, *("-" if size is None else f"{8 * size / area:.3f}" for size in sizes), flush=True)


if __name__ == "__main__":
    main()
