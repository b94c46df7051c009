"""The smallest way to hold a group of like images: a set, a mosaic, or files one by one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...errors import UnsupportedImage
from ...image_io.images import Picture
from ...models.interface.sets import SetModel
from ..lossless import methods, raw_samples
from ..settings import AUTO, BITS_BACK
from . import mosaics
from .coders import Coders
from .grouping import Group, stands_alone
from .layout import MOSAIC, SET

_SMALLEST_FILE = 26
"""Bytes below which no lossless file in a segment gets."""
_SEGMENT = 24
"""Bytes of a segment beside its payload, about."""
_SAMPLES = 4


@dataclass(frozen=True)
class Together:
    """A group coded as one mosaic or set."""

    kind: str
    payload: bytes
    samples_crc: int
    palette: bool = False
    weights_id: bytes = b""


def check(picture: Picture, coders: Coders) -> None:
    """Refuse a picture that the method cannot hold. UnsupportedImage."""
    if coders.method == BITS_BACK:
        if not _suiting(picture, coders):
            raise UnsupportedImage(
                f"no model of sets suits {picture.pixels.shape[1]} x {picture.pixels.shape[0]} pixels of mode"
                f" {picture.mode}, or there are metadata",
                'use `method="auto"`',
            )
    elif coders.method != AUTO:
        methods.wanted(picture, coders.method, coders.method)


def _suiting(picture: Picture, coders: Coders) -> list[tuple[bytes, SetModel]]:
    height, width = picture.pixels.shape[:2]
    if picture.palette is not None or stands_alone(picture):
        return []
    return [(prefix, model) for prefix, model in coders.sets if model.suits(picture.mode, height, width)]


def file(picture: Picture, coders: Coders) -> methods.Coded:
    """Return a picture as a lossless file."""
    return methods.compress(picture, coders.method, coders.load, load_bilevel=coders.load_bilevel)


def code(group: Group, coders: Coders) -> Together | list[bytes]:
    """Return a group as a mosaic, as a set, or as files, whichever is smallest."""
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
    """Code the group under every model of sets that suits, and as a mosaic."""
    crc = raw_samples.checksum(np.concatenate(group.tiles))
    for prefix, model in _suiting(group.picture(0), coders):
        yield Together(SET, model.encode(np.stack(group.tiles)), crc, weights_id=prefix)
    if coders.method != BITS_BACK and len(group.tiles) > 1:
        payload, palette = mosaics.encode(group.stack(), coders)
        yield Together(MOSAIC, payload, crc, palette)


def _files(group: Group, coders: Coders, limit: int | None) -> list[bytes] | None:
    """Code the images as files; return None as soon as it shows that all together take more than `limit` bytes.

    A model, which takes its time, is tried for all only if it is best for one of the first few.
    """
    count = len(group.tiles)
    if limit is not None and count * _SMALLEST_FILE >= limit:
        return None
    made: dict[int, bytes] = {}
    size, modelled = 0, False
    for index in _spread(count):
        coded = file(group.picture(index), coders)
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
    """Give the numbers 0 to count - 1 in an order in which the first few are far apart."""
    step = -(-count // _SAMPLES)
    for first in range(step):
        yield from range(first, count, step)
