"""A learned codec to compare times with: CompressAI's mean-scale hyperprior (Minnen et al. 2018), one quality.

Its weights are random: they take the same time as trained ones, and their files mean nothing. It is measured where the
package `compressai` is installed.
"""

import importlib.util
import io
import struct

import numpy as np
from PIL import Image


def is_installed() -> bool:
    """Tell whether CompressAI is there."""
    return importlib.util.find_spec("compressai") is not None


class Hyperprior:
    """The codec, on one thread."""

    def __init__(self) -> None:
        import torch
        from compressai.zoo import mbt2018_mean  # type: ignore[import-not-found]

        torch.set_num_threads(1)
        torch.manual_seed(0)
        self._torch = torch
        self._model = mbt2018_mean(quality=4, pretrained=False).eval()
        self._model.update()

    def encode(self, image: Image.Image) -> bytes:
        """Return the strings of an image, each with its length, after the size of their maps."""
        pixels = np.pad(np.asarray(image), [(0, -side % 64) for side in (image.height, image.width)] + [(0, 0)], "edge")
        x = self._torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
        with self._torch.inference_mode():
            found = self._model.compress(x)
        parts = [string for (string,) in found["strings"]]
        sizes = (image.height, image.width, *found["shape"], *map(len, parts))
        return struct.pack("<6I", *sizes) + b"".join(parts)

    def decode(self, data: bytes) -> Image.Image:
        """Return the image of an encoded one."""
        height, width, rows, columns, first, _ = struct.unpack_from("<6I", data)
        body = io.BytesIO(data[24:])
        with self._torch.inference_mode():
            found = self._model.decompress([[body.read(first)], [body.read()]], (rows, columns))["x_hat"][0]
        pixels = (found.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
        return Image.fromarray(np.ascontiguousarray(pixels[:height, :width]))
