"""What one environment sees of a lossless file: run as a program, `lossless_probe.py HIERARCHY PIXELS FILE OUT on|off`.

Prints JSON: hashes of the decoded pixels, of the predicted image and of every pixel's context, the same for one and two
threads; and writes a lossless file of its own. The last argument turns oneDNN on or off.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import small_light
import small_model
import small_pixels
import torch
from numpy.typing import NDArray

from dvcodec.codec.lossless import methods
from dvcodec.image_io.images import from_array
from dvcodec.models.interface import hierarchy as interface
from dvcodec.models.interface.photo import PhotoModel


class Watched:
    """A model of pixels whose contexts are hashed on the way."""

    def __init__(self, inner: interface.PixelModel) -> None:
        self.inner, self.hash = inner, hashlib.sha256()
        self.name, self.tables, self.transforms = inner.name, inner.tables, inner.transforms
        self.split, self.extra_bits, self.join = inner.split, inner.extra_bits, inner.join
        self.transform = inner.transform

    def autoregressive_pass(
        self,
        predicted: NDArray[np.uint8],
        source: interface.PlaneSource,
        *,
        transform: int,
        grey: bool,
        pixels: NDArray[np.uint8] | None,
    ) -> NDArray[np.uint8]:
        """Pass on, watching."""
        note, self.source = self.hash.update, source
        note(predicted.tobytes())
        return self.inner.autoregressive_pass(predicted, self, transform=transform, grey=grey, pixels=pixels)

    def next(self, step: interface.PlaneStep) -> NDArray[np.int32]:
        """Hash a step's contexts."""
        self.hash.update(step.contexts.astype("<i4").tobytes())
        return self.source.next(step)


def report(data: bytes, hierarchy: PhotoModel, pixels: interface.PixelModel) -> dict[str, str]:
    """What is decoded, with one and with two threads."""
    seen = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        watched = Watched(pixels)
        picture = small_pixels.decoded(data, model=small_pixels.network(hierarchy, watched)).picture
        digest = hashlib.sha256(picture.pixels.tobytes()).hexdigest()
        seen.append({"pixels": digest, "contexts": watched.hash.hexdigest()})
    assert seen[0] == seen[1], "two threads see other contexts than one"
    return seen[0]


def main() -> None:
    """Probe and print."""
    weights, pixel_weights, file, written, onednn = sys.argv[1:]
    with torch.backends.mkldnn.flags(enabled=onednn == "on"):
        hierarchy = small_light.load(Path(weights).read_bytes())
        pixels = small_pixels.load(Path(pixel_weights).read_bytes())
        print(json.dumps(report(Path(file).read_bytes(), hierarchy, pixels)))
        picture, model = from_array(small_model.picture(40, 56, seed=1)), small_pixels.network(hierarchy, pixels)
        Path(written).write_bytes(methods.compress(picture, "model", lambda: model).data)


if __name__ == "__main__":
    main()
