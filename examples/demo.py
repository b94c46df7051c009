"""The demonstration of `make demo`: compress and decompress a photograph, and compare it with JPEG files no smaller.

    python examples/demo.py [PHOTOGRAPH]

It needs dvcodec and Pillow only. PSNR is over all three channels, in decibels.
"""

from __future__ import annotations

import io
import math
import sys
import time
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

import dvcodec

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "demo"
QUALITIES = (20, 50, 80)


def psnr(image: Image.Image, other: Image.Image) -> float:
    """Return the PSNR of two RGB images in dB: 10 log10(255^2 / mean squared error)."""
    squares = ImageStat.Stat(ImageChops.difference(image, other)).sum2
    error = sum(squares) / (3 * image.width * image.height)
    return 10 * math.log10(255**2 / error) if error else math.inf


def jpeg_of_size(image: Image.Image, size: int) -> bytes:
    """Return the smallest optimised JPEG (4:2:0) of at least `size` bytes, so that JPEG never has fewer bytes."""
    low, high = 1, 95
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(jpeg(image, middle)) >= size else (middle + 1, high)
    return jpeg(image, low)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """Encode an image as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def compare(image: Image.Image, quality: int) -> str:
    """Write the files of one quality and describe them in one line."""
    began = time.perf_counter()
    data = dvcodec.compress(image, quality=quality)
    halfway = time.perf_counter()
    decoded = dvcodec.decompress(data).convert("RGB")
    ended = time.perf_counter()
    other = jpeg_of_size(image, len(data))
    (OUT / f"q{quality}.dvq").write_bytes(data)
    (OUT / f"q{quality}.jpg").write_bytes(other)
    decoded.save(OUT / f"q{quality}.png")
    theirs = Image.open(io.BytesIO(other)).convert("RGB")
    return (
        f"{quality:7}  {len(data):7} B  {8 * len(data) / (image.width * image.height):5.3f} bpp  "
        f"{psnr(image, decoded):5.2f} dB  {halfway - began:4.1f} s  {ended - halfway:4.1f} s"
        f"  | {len(other):7} B  {psnr(image, theirs):5.2f} dB"
    )


def main() -> None:
    """Print one line per quality and the folder of the files."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "examples" / "kodim23.png"
    OUT.mkdir(parents=True, exist_ok=True)
    image = Image.open(source).convert("RGB")
    print(f"{source.name}: {image.width}x{image.height}, {source.stat().st_size} bytes\n")
    print("quality  dvcodec                          to     back    | JPEG of that size")
    for quality in QUALITIES:
        print(compare(image, quality), flush=True)
    print(f"\nThe files, and the decoded images as q*.png, are in {OUT}")
    print(f"Try it: {Path(sys.executable).parent / 'dvcodec'} compress PHOTO.png")


if __name__ == "__main__":
    main()
