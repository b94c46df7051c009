"""CPU time and fidelity of smaller pictures and regions of one photograph, beside the whole decode.

    python benchmarks/scale.py IMAGE [--size 1536x1024]

CPU time is that of all threads, after a warm-up; start-up and loading are not counted. PSNR is that of a smaller
picture against the whole decode, reduced by a box filter and by Lanczos resampling.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

import dvcodec
from dvcodec.evaluation.images import load_rgb

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return the result of some work and its CPU time."""
    start = time.process_time()
    return work(), time.process_time() - start


def psnr(shown: Image.Image, wanted: Image.Image) -> float:
    """Return the PSNR of a picture in dB."""
    error = np.square(np.asarray(shown, np.float64) - np.asarray(wanted, np.float64)).mean()
    return float(10 * np.log10(255**2 / error))


def main() -> None:
    """Measure and print a line for each scale, and one for a region."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--size", metavar="WxH", help="enlarge the image by Lanczos to this")
    options = parser.parse_args()
    image = load_rgb(options.image)
    if options.size:
        width, height = map(int, options.size.split("x"))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    corner = dvcodec.compress(image.crop((0, 0, 64, 64)))
    dvcodec.decompress(corner)
    dvcodec.decompress(corner, region=(0, 0, 1, 1))
    data = dvcodec.compress(image)
    whole, seconds = timed(lambda: dvcodec.decompress(data))
    print(f"whole  {seconds:.2f} s")
    for denominator in (2, 4, 8):
        small, share = timed(lambda: dvcodec.decompress(data, scale=1 / denominator))  # noqa: B023  # called at once
        box = whole.reduce(denominator)
        lanczos = whole.resize(small.size, Image.Resampling.LANCZOS)
        cost = f"{share:.2f} s  {share / seconds:.3f} of the whole"
        print(f"1/{denominator}  {cost}  {psnr(small, box):.1f} dB, {psnr(small, lanczos):.1f} dB")
    region = (image.width // 2, image.height // 2, 64, 64)
    part, share = timed(lambda: dvcodec.decompress(data, region=region))
    same = part.tobytes() == whole.crop((*region[:2], region[0] + 64, region[1] + 64)).tobytes()
    print(f"64 x 64 in the middle  {share:.2f} s  {share / seconds:.3f} of the whole  {'equal' if same else 'DIFFERS'}")


if __name__ == "__main__":
    main()
