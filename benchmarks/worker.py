"""One command of another codec, for speed.py: what a program around numpy and Pillow takes.

worker.py CODEC compress QUALITY IMAGE CODED
worker.py CODEC decompress QUALITY IMAGE CODED    writes the pixels to IMAGE
worker.py enlarge PHOTOGRAPH OUT
"""

import sys
from pathlib import Path

from hyperprior import Hyperprior
from PIL import Image

from dvcodec.evaluation.codecs.baselines import baseline

LARGE = 4248, 2832
"""Width and height of the enlarged photograph: 12 megapixels."""


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    if arguments[0] == "enlarge":
        with Image.open(arguments[1]) as photograph:
            photograph.resize(LARGE, Image.Resampling.LANCZOS).save(arguments[2], compress_level=1)
        return
    name, operation, quality, image, coded = arguments
    if operation == "compress":
        with Image.open(image) as pixels:
            Path(coded).write_bytes(_encoded(name, pixels, float(quality)))
        return
    data = Path(coded).read_bytes()
    shown = Hyperprior().decode(data) if name == "hyperprior" else baseline(name).decode(data)
    shown.save(image)


def _encoded(name: str, pixels: Image.Image, quality: float) -> bytes:
    return Hyperprior().encode(pixels) if name == "hyperprior" else baseline(name).encode(pixels, quality)


if __name__ == "__main__":
    main(sys.argv[1:])
