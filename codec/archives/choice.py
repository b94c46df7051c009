"""Choose the smallest form of a group of like images: a bits-back set, a mosaic, or a file for each image."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...errors import UnsupportedImage
from ...image_io.images import Picture
from ...models.interface.bits_back import BitsBackCoder
from ..bitstream.header import FILE
from ..lossless import methods, raw_samples
from ..settings import AUTO, BITS_BACK
from . import mosaics
from .coders import Coders
from .grouping import Group, stands_alone
from .layout import MOSAIC, SET

_SMALLEST_FILE = 26
"""A lower bound of the bytes of a lossless file in a segment."""
_SEGMENT = 24
"""About the bytes of a segment beside its payload."""
_SAMPLES = 4
"""Number of images that are tried first to see whether files can be smaller."""


@dataclass(frozen=True)
class Together:
    """A group of images coded as one mosaic or one set."""

    kind: str
    """MOSAIC or SET."""
    payload: bytes
    samples_crc: int
    """CRC-32 of the samples of all images."""
    palette: bool = False
    """Whether a mosaic's payload begins with a palette."""
    weights_id: bytes = b""
    """The id of a set's weights, 8 bytes."""


def check(picture: Picture, coders: Coders, original: bytes = b"") -> None:
    """Raise UnsupportedImage if the method of an archive cannot code a picture."""
    if coders.method == BITS_BACK:
        if not _suiting(picture, coders):
            raise UnsupportedImage(
                f"no bits-back model suits {picture.pixels.shape[1]} x {picture.pixels.shape[0]} pixels of mode"
                f" {picture.mode}, or the image carries metadata",
                'use `method="auto"`',
            )
    elif coders.method != AUTO:
        methods.wanted(picture, coders.method, coders.method, original)


def _suiting(picture: Picture, coders: Coders) -> list[tuple[bytes, BitsBackCoder]]:
    """Return the bits-back coders that suit a picture; none for one with a palette or metadata."""
    height, width = picture.pixels.shape[:2]
    if picture.palette is not None or stands_alone(picture):
        return []
    return [(prefix, coder) for prefix, coder in coders.bits_back if coder.suits(picture.mode, height, width)]


def file(picture: Picture, coders: Coders, original: bytes = b"") -> methods.Coded:
    """Return a picture as a lossless file under the method of the archive, or the smallest for AUTO."""
    return methods.compress(picture, coders.method, coders.load, load_bilevel=coders.load_bilevel, original=original)


def code(group: Group, coders: Coders) -> Together | list[bytes]:
    """Code a group of images in the form that takes the fewest bytes.

    Args:
        group: Images of one size, mode and palette.
        coders: The method, and the models that it may use. BITS_BACK takes a set whatever its size.

    Returns:
        A mosaic or a set, or a list with the bytes of a file for each image.
    """
    made = list(_together(group, coders))
    best = min(made, key=lambda one: len(one.payload)) if made else None
    if coders.method == BITS_BACK and best is not None:
        return best
    files = _files(group, coders, None if best is None else len(best.payload) + _SEGMENT)
    if files is None:
        assert best is not None
        return best
    return files


def _together(group: Group, coders: Coders) -> Iterator[Together]:
    """Yield the group as a set by every bits-back coder that suits it, and as a mosaic."""
    crc = raw_samples.checksum(np.concatenate(group.tiles))
    for prefix, coder in _suiting(group.picture(0), coders):
        yield Together(SET, coder.encode(np.stack(group.tiles)), crc, weights_id=prefix)
    if coders.method not in (BITS_BACK, FILE) and len(group.tiles) > 1:
        payload, palette = mosaics.encode(group.stack(), coders)
        yield Together(MOSAIC, payload, crc, palette)


def _files(group: Group, coders: Coders, limit: int | None) -> list[bytes] | None:
    """Return the images as files, or None as soon as they will together take more than `limit` bytes.

    Models are slow, so they are tried for all images only if they are best for one of the first few.
    """
    count = len(group.tiles)
    if limit is not None and count * _SMALLEST_FILE >= limit:
        return None
    made: dict[int, bytes] = {}
    size, modelled = 0, False
    for index in _spread(count):
        coded = file(group.picture(index), coders, group.originals[index])
        made[index] = coded.data
        size, modelled = size + len(coded.data) + 1, modelled or coded.method in ("model", "bilevel")
        if len(made) < min(_SAMPLES, count):
            continue
        if limit is not None and size * count >= limit * len(made):
            return None
        if coders.method == AUTO and not modelled:
            coders = replace(coders, load=lambda: None, load_bilevel=lambda: None)
    return [made[index] for index in range(count)]


def _spread(count: int) -> Iterator[int]:
    """Yield the numbers 0 to count - 1 in an order in which the first few are far apart."""
    step = -(-count // _SAMPLES)
    for first in range(step):
        yield from range(first, count, step)
