"""Lossless codecs compared on black-and-white images: `python -m dvcodec.evaluation.comparison.bilevel FILES`.

Prints one line per file with the bytes of each codec's complete file; every decoded pixel is checked. Files in other
modes than "1" are skipped. The last column estimates JBIG2's generic region coding, for which no encoder is available
in Python.
"""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...image_io.opening import opened
from ..codecs.bilevel import BILEVEL_CODECS
from ..metrics.lossless_size import LosslessMeasurement, measure_lossless

TEMPLATE = tuple((-2, dx) for dx in range(-2, 3)) + tuple((-1, dx) for dx in range(-3, 4))
TEMPLATE += tuple((0, dx) for dx in range(-4, 0))
"""Offsets (dy, dx) of the 16 neighbours in JBIG2's first template, adaptive pixels at their default positions."""


def jbig2_estimate(image: Image.Image) -> int:
    """Estimate the bytes that JBIG2's generic region coding needs for a bilevel image.

    Each context of 16 neighbours has an adaptive coder of its own. Its code length is the Krichevsky-Trofimov
    estimator's, which does not depend on the order of the pixels. No header is counted.
    """
    pixels = np.asarray(image).astype(np.int64)
    padded = np.pad(pixels, ((2, 0), (4, 4)), constant_values=1)
    height, width = pixels.shape
    contexts = np.zeros_like(pixels)
    for dy, dx in TEMPLATE:
        contexts = contexts << 1 | padded[2 + dy : 2 + dy + height, 4 + dx : 4 + dx + width]
    counts = np.bincount((contexts << 1 | pixels).ravel(), minlength=2 ** (len(TEMPLATE) + 1)).reshape(-1, 2)
    black, white = torch.from_numpy(counts).double().unbind(1)
    log = torch.lgamma(black + 0.5) + torch.lgamma(white + 0.5) - torch.lgamma(black + white + 1)
    return round(float((math.log(math.pi) - log).sum()) / math.log(2) / 8)


def measure(files: Iterable[Path]) -> Iterator[tuple[tuple[LosslessMeasurement, ...], int]]:
    """Yield the measurements of all available codecs, and JBIG2's estimate, for every file in mode "1"."""
    codecs = [codec for codec in BILEVEL_CODECS if codec.missing() is None]
    for path in files:
        with opened(path) as image:
            image.load()
        if image.mode == "1":
            yield tuple(measure_lossless(codec, path.name, image) for codec in codecs), jbig2_estimate(image)


def line(found: Sequence[LosslessMeasurement], estimate: int) -> str:
    """Format one image as a line: bytes of each codec, then dvcodec's seconds."""
    first = found[0]
    sizes = "".join(f"{one.size:>11}" for one in found)
    times = f"{first.encode_seconds:8.1f}{first.decode_seconds:8.1f}"
    return f"{first.image[:24]:<25}{first.width:>5} x {first.height:<5}{sizes}{estimate:>11}{times}"


def main(names: Sequence[str]) -> None:
    """Print the table."""
    columns = "".join(f"{codec.name:>11.10}" for codec in BILEVEL_CODECS if codec.missing() is None)
    print(f"{'image':<38}{columns}    (jbig2)  encode s decode s")
    for found, estimate in measure(Path(name) for name in names):
        print(line(found, estimate), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
