"""One measurement in a process of its own, for speed.py.

worker.py CODEC compress|decompress QUALITY IMAGE CODED RUNS    RUNS = 0: once, as a plain command, untimed
worker.py enlarge PHOTOGRAPH OUT
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from dvcodec.evaluation.codecs.baselines import baseline
from dvcodec.evaluation.codecs.dvcodec import Dvcodec
from dvcodec.evaluation.codecs.interface import ImageCodec
from dvcodec.evaluation.comparison.cost import peak_bytes, repeated
from dvcodec.evaluation.images import load_rgb

LARGE_WIDTH, LARGE_HEIGHT = 6000, 4000


def enlarge(photograph: Path, out: Path) -> None:
    """Make 24 megapixels from a small photograph by mirroring it at its right and lower edges."""
    pixels = np.asarray(load_rgb(photograph))
    height, width, _ = pixels.shape
    padding = ((0, LARGE_HEIGHT - height), (0, LARGE_WIDTH - width), (0, 0))
    Image.fromarray(np.pad(pixels, padding, mode="symmetric")).save(out, compress_level=1)


def compress(codec: ImageCodec, quality: float, image: Path, coded: Path, runs: int) -> list[float]:
    """Write `coded` from `image`, and return the encoder's seconds, without file access and decoding of the input."""
    pixels = Image.open(image)
    pixels.load()  # nothing more: every copy of 24 megapixels would count in the peak
    coded.write_bytes(codec.encode(pixels, quality))
    return repeated(lambda: codec.encode(pixels, quality), runs)


def decompress(codec: ImageCodec, image: Path, coded: Path, runs: int) -> list[float]:
    """Decode `coded` and return the decoder's seconds; as a plain command, write the pixels to `image`."""
    data = coded.read_bytes()
    if not runs:
        codec.decode(data).save(image)
        return []
    codec.decode(data)
    return repeated(lambda: codec.decode(data), runs)


def main(arguments: list[str]) -> None:
    """Run the measurement that the arguments name, and print its result as one line of JSON."""
    if arguments[0] == "enlarge":
        enlarge(Path(arguments[1]), Path(arguments[2]))
        return
    name, operation, quality, image, coded, runs = arguments
    codec: ImageCodec = Dvcodec() if name == "dvcodec" else baseline(name)
    if operation == "compress":
        seconds = compress(codec, float(quality), Path(image), Path(coded), int(runs))
    else:
        seconds = decompress(codec, Path(image), Path(coded), int(runs))
    if seconds:
        print(json.dumps({"seconds": seconds, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main(sys.argv[1:])
