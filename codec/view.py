"""Which part of an image to decode, and how large: the arguments `scale` and `region`, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypedDict

from ..errors import InvalidArgument
from ..image_io.bounds import Bounds
from ..progress import OnProgress
from .settings import Preview

DENOMINATORS = (1, 2, 4, 8)
"""What the sides of an image may be divided by."""
SCALES: dict[Any, int] = {
    **{1 / denominator: denominator for denominator in DENOMINATORS},
    **{f"1/{denominator}": denominator for denominator in DENOMINATORS},
    "1": 1,
}
"""The denominator of every scale that a user may ask for."""


def enough(side: int, wanted: float) -> int:
    """Return the denominator of the smallest picture whose sides, of which one has `side` pixels, are large enough."""
    return max((each for each in DENOMINATORS if side >= each * wanted), default=1)


Box = tuple[int, int, int, int]
"""Left and upper edge, width and height, in pixels of the image as it is shown."""
Slices = tuple[slice, slice]
"""Rows and columns of stored pixels."""

_TURNED = {  # EXIF orientation -> whether rows and columns are exchanged, rows run upwards, columns run leftwards
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}


@dataclass(frozen=True)
class View:
    """A smaller picture of an image, or a region of it, or all of it.

    Args:
        denominator: What the sides are divided by, rounded up: 1, 2, 4 or 8.
        region: A region of the image as it is shown; None for all of it.

    Raises:
        InvalidArgument: If a region is to be scaled.
    """

    denominator: int = 1
    region: Box | None = None

    def __post_init__(self) -> None:
        """Refuse a region that is to be scaled."""
        if self.region is not None and self.denominator != 1:
            raise InvalidArgument("`scale` and `region` exclude each other", "choose one")

    def stored(self, height: int, width: int, orientation: int = 1) -> Slices | None:
        """Return the rows and columns of the region among the pixels as they are stored; None for all.

        Args:
            height: Of the stored image, as is the width.
            width: In pixels.
            orientation: EXIF's number, 1 to 8, of how the stored pixels are turned when they are shown.

        Raises:
            InvalidArgument: If the region is not inside the image.
        """
        if self.region is None:
            return None
        exchanged, upwards, leftwards = _TURNED[orientation]
        shown = (width, height) if exchanged else (height, width)
        left, top, across, down = self.region
        if left + across > shown[1] or top + down > shown[0]:
            given = ",".join(map(str, self.region))
            raise InvalidArgument(f"the region {given} is not inside the image of {shown[1]} x {shown[0]} pixels")
        rows, columns = slice(top, top + down), slice(left, left + across)
        if exchanged:
            rows, columns = columns, rows
        return _mirrored(rows, height, upwards), _mirrored(columns, width, leftwards)


WHOLE = View()


class DecodeOptions(TypedDict, total=False):
    """The options of `api.decompress_picture`, as keyword arguments for type checkers."""

    preview: Preview
    view: View
    device: str
    on_progress: OnProgress | None
    bounds: Bounds


def view_of(scale: str | float | None = None, region: Sequence[int] | None = None) -> View:
    """Return the view that a user asks for.

    Args:
        scale: 1/2, 1/4 or 1/8, as a number or a text; None or 1 for the full size.
        region: Left and upper edge, width and height in pixels of the image as it is shown; None for all of it.

    Raises:
        InvalidArgument: If they are not valid, or both are given.
    """
    return View(_denominator(scale), None if region is None else _box(region))


def parse_region(text: str) -> View:
    """Return the view of a region that is written as X,Y,W,H; raise InvalidArgument if it is not valid."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() and len(part) <= 9 for part in parts):
        raise InvalidArgument(f"{text!r} is not a region", "X,Y,W,H: left, top, width and height in pixels")
    return View(region=_box([int(part) for part in parts]))


def _denominator(scale: str | float | None) -> int:
    valid = scale is None or (isinstance(scale, str | Real) and not isinstance(scale, bool))
    found = SCALES.get(1.0 if scale is None else scale) if valid else None
    if found is None:
        raise InvalidArgument(f"scale {scale!r} is not valid", "one of 1/2, 1/4, 1/8")
    return found


def _box(region: Sequence[int]) -> Box:
    values = tuple(region) if isinstance(region, Iterable) and not isinstance(region, str | bytes) else ()
    whole = all(isinstance(value, Integral) and not isinstance(value, bool) for value in values)
    if len(values) != 4 or not whole or min(values) < 0 or min(values[2:]) < 1:
        raise InvalidArgument(f"region {region!r} is not valid", "left, top, width and height in pixels")
    left, top, width, height = (int(value) for value in values)
    return left, top, width, height


def _mirrored(part: slice, count: int, reverse: bool) -> slice:
    return slice(count - part.stop, count - part.start) if reverse else part
