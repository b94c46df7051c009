"""Pack planes of 8 bits as the bare lossless bitstream of WebP (VP8L), without the 20 bytes around it in a file."""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError

if TYPE_CHECKING:
    from PIL import Image

SIDE = 16383
"""Largest width and height that the format holds."""
_SIGNATURE = 0x2F
_ROWS = 64
"""Rows of a decoded image that are converted at a time."""


def holds(samples: NDArray[np.uint8]) -> bool:
    """Tell whether the format holds an image of this size."""
    height, width = samples.shape[:2]
    return bool(max(height, width) <= SIDE)


def pack(samples: NDArray[np.uint8], *, method: int, quality: int = 100) -> bytes:
    """Return the bitstream of some samples. Colours of transparent pixels are kept.

    Args:
        samples: (H, W) grey, (H, W, 2) grey with alpha, (H, W, 3) RGB or (H, W, 4) RGBA.
        method: Effort of the search, 0 to 6.
        quality: Effort of the compression, 0 to 100.
    """
    from PIL import Image

    channels = 1 if samples.ndim == 2 else samples.shape[2]
    image = Image.fromarray(np.dstack([samples[:, :, :1]] * 3 + [samples[:, :, 1:]]) if channels == 2 else samples)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True, quality=quality, method=method, exact=True)
    return _bitstream(file.getvalue())


def _bitstream(file: bytes) -> bytes:
    """Return the VP8L chunk of a file: the first one, or, where alpha is announced, one after the extended header."""
    at = 12
    while file[at : at + 4] != b"VP8L":
        if file[at : at + 4] != b"VP8X":
            raise AssertionError("Pillow wrote an unexpected kind of WebP")
        at += 8 + int.from_bytes(file[at + 4 : at + 8], "little")
    return file[at + 8 : at + 8 + int.from_bytes(file[at + 4 : at + 8], "little")]


def unpack(bitstream: bytes | memoryview, height: int, width: int, channels: int, name: str) -> NDArray[np.uint8]:
    """Undo `pack`. The size in the bitstream is checked before a decoder allocates memory for it.

    Args:
        bitstream: The bytes.
        height: Rows that the image must have.
        width: Columns that the image must have.
        channels: 1 to 4.
        name: What the bytes are, for messages.

    Returns:
        (H, W) samples of one channel, or (H, W, channels).

    Raises:
        FormatError: If the bitstream is not valid or has another size.
    """
    from PIL.WebPImagePlugin import WebPImageFile

    from .opening import read_header

    size = int.from_bytes(bitstream[1:5], "little")
    claimed = ((size >> 14 & 0x3FFF) + 1, (size & 0x3FFF) + 1)
    if len(bitstream) < 5 or bitstream[0] != _SIGNATURE or claimed != (height, width):
        raise FormatError(f"{name}: the size is not that of the image")
    chunk = b"VP8L" + len(bitstream).to_bytes(4, "little") + bitstream + bytes(len(bitstream) % 2)
    data = b"RIFF" + (len(chunk) + 4).to_bytes(4, "little") + b"WEBP" + chunk
    try:
        with read_header(WebPImageFile, io.BytesIO(data)) as image:
            if image.size != (width, height):
                raise FormatError(f"{name}: the size is not that of the image")
            return _samples(image, channels)
    except (FormatError, MemoryError):
        raise
    except Exception as error:  # Pillow raises many kinds on broken data
        raise FormatError(f"{name}: the WebP data are not valid") from error


def _samples(image: "Image.Image", channels: int) -> NDArray[np.uint8]:
    """Return the channels of an image that hold samples, converting a few rows at a time: each copy takes memory."""
    mode, (width, height) = "RGBA" if channels in (2, 4) else "RGB", image.size
    chosen = {1: [1], 2: [1, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]
    samples = np.empty((height, width, channels), np.uint8)
    for top in range(0, height, _ROWS):
        rows = image.crop((0, top, width, min(top + _ROWS, height)))
        samples[top : top + _ROWS] = np.asarray(rows if rows.mode == mode else rows.convert(mode))[:, :, chosen]
    return samples[:, :, 0] if channels == 1 else samples
