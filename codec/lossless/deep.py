"""The method `deep`: samples of 9 to 16 bits, in strips, after the levels that occur where these are few."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...image_io.metadata import inflate
from ..bitstream import tiling
from ..bitstream.header import Header
from . import deep_strips
from .raw_samples import CHANNELS, Samples, deflated

_ALL, _LISTED = 0, 1
_ORDER = {1: (0,), 2: (0, 1), 3: (1, 0, 2), 4: (1, 0, 2, 3)}
"""The order in which channels are coded, by their number: green first."""
_SPARSE = 2
"""Levels are listed if at most one of so many between the lowest and the highest occurs."""


def encode(samples: Samples, white: int) -> tuple[bytes, ...]:
    """Return the sections of the method: the levels, and the strips.

    Args:
        samples: (H, W) or (H, W, channels), of type uint16.
        white: The largest value that a sample may have.
    """
    made = [(bytes([_ALL]), *_strips(samples))]
    present = np.zeros(white + 1, bool)
    present[samples.ravel()] = True
    levels = np.flatnonzero(present)
    if _SPARSE * len(levels) <= levels[-1] - levels[0] + 1:
        packed = deflated(np.packbits(present, bitorder="little").tobytes())
        ranks = (np.cumsum(present) - 1).astype(np.uint16)
        made.append((bytes([_LISTED]) + packed, *_strips(ranks.take(samples))))
    return min(made, key=lambda sections: sum(map(len, sections)))


def _strips(samples: Samples) -> list[bytes]:
    planes = samples.reshape(*samples.shape[:2], -1).transpose(2, 0, 1)
    ordered = planes[list(_ORDER[len(planes)])]
    return [deep_strips.encode(ordered[:, rows].astype(np.int64)) for rows in tiling.strips(*samples.shape[:2])]


def decode(sections: Sequence[bytes], header: Header) -> Samples:
    """Undo `encode`; raise FormatError if a section is not valid."""
    levels, channels = _levels(sections[0], header.white), CHANNELS[header.mode]
    found = np.empty((header.height, header.width, channels), np.uint16)
    order = list(_ORDER[channels])
    for section, rows in zip(sections[1:], tiling.strips(header.height, header.width), strict=True):
        planes = deep_strips.decode(section, rows.stop - rows.start, header.width, channels)
        if planes.max() >= len(levels):
            raise FormatError("the pixels are not valid: a level that the image does not have")
        found[rows][..., order] = np.moveaxis(levels.take(planes), 0, -1)
    return found if channels > 1 else found[:, :, 0]


def _levels(section: bytes, white: int) -> NDArray[np.uint16]:
    """Return the levels that samples may have, in ascending order."""
    form, body = section[0], section[1:]
    if form == _ALL and not body:
        return np.arange(white + 1, dtype=np.uint16)
    size = white // 8 + 1
    bits = inflate(body, size, "the levels of the pixels") if form == _LISTED else b""
    present = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")
    if len(bits) != size or not present.any() or present[white + 1 :].any():
        raise FormatError("the levels of the pixels are not valid")
    return np.flatnonzero(present).astype(np.uint16)
