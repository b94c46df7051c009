"""What the pixels of coefficients miss, where coefficients could not be recovered: differences in a few blocks."""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...image_io.metadata import inflate
from .raw_samples import deflated

Pixels = NDArray[np.uint8]
_SIDE = 8
_NONE, _SOME = 0, 1


def wrong_blocks(pixels: Pixels, made: Pixels) -> NDArray[np.bool_]:
    """Return which blocks of 8 x 8 pixels differ, (R, C)."""
    wrong = pixels != made if pixels.ndim == 2 else (pixels != made).any(axis=2)
    height, width = wrong.shape
    full = np.pad(wrong, ((0, -height % _SIDE), (0, -width % _SIDE)))
    tiles = full.reshape(-1, _SIDE, full.shape[1] // _SIDE, _SIDE)
    found: NDArray[np.bool_] = np.logical_or.reduce(tiles, axis=(1, 3))
    return found


def encode(pixels: Pixels, made: Pixels, wrong: NDArray[np.bool_]) -> bytes:
    """Return the section: which blocks differ, and the differences of their pixels."""
    if not wrong.any():
        return bytes([_NONE])
    lacking = _planes(pixels - made)[:, _inside(wrong, pixels)]
    return bytes([_SOME]) + deflated(np.packbits(wrong, bitorder="little").tobytes() + lacking.tobytes())


def _inside(wrong: NDArray[np.bool_], pixels: Pixels) -> NDArray[np.bool_]:
    """Return which pixels (H, W) are in wrong blocks."""
    return wrong.repeat(_SIDE, axis=0).repeat(_SIDE, axis=1)[: pixels.shape[0], : pixels.shape[1]]


def _planes(differences: Pixels) -> NDArray[np.uint8]:
    """Return differences mod 256, (planes, H, W): grey, or green, red less green and blue less green."""
    if differences.ndim == 2:
        return differences[None]
    red, green, blue = np.moveaxis(differences, 2, 0)
    return np.stack([green, red - green, blue - green])


def corrected(made: Pixels, section: bytes) -> Pixels:
    """Return the pixels, given those of the coefficients; raise FormatError if the section is not valid."""
    if section == bytes([_NONE]):
        return made
    if section[0] != _SOME:
        raise FormatError("the corrections of the pixels are not valid")
    rows, columns = (-(-side // _SIDE) for side in made.shape[:2])
    size = -(-rows * columns // 8)
    body = inflate(section[1:], size + made.size, "the corrections of the pixels")
    bits = np.unpackbits(np.frombuffer(body[:size], np.uint8), bitorder="little")
    if len(body) < size or bits[rows * columns :].any():
        raise FormatError("the corrections of the pixels are not valid")
    inside = _inside(bits[: rows * columns].astype(bool).reshape(rows, columns), made)
    planes = 1 if made.ndim == 2 else 3
    if len(body) != size + planes * int(inside.sum()):
        raise FormatError("the corrections of the pixels are not valid")
    lacking = np.frombuffer(body[size:], np.uint8).reshape(planes, -1)
    if planes == 1:
        made[inside] += lacking[0]
    else:
        green, red, blue = lacking
        made[inside] += np.stack([red + green, green, blue + green], axis=1)
    return made
