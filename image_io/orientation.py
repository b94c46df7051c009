"""Turn pixels as the orientation in their metadata asks for, where the metadata are to go."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import exif, xmp
from .images import Picture
from .metadata import NO_METADATA, Metadata

_TURNS = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False)}
"""Of each orientation: quarter turns to the left, and whether the columns are mirrored after them."""


def of(kept: Metadata) -> int:
    """Return the orientation that metadata give, 1 to 8: that of EXIF, or else that of XMP, as Pillow reads them."""
    return exif.orientation(kept.exif) if holder(kept) == "EXIF" else xmp.orientation(kept.xmp)


def holder(kept: Metadata) -> str:
    """Return which of "EXIF" and "XMP" gives the orientation."""
    return "EXIF" if exif.has_orientation(kept.exif) else "XMP"


def turned(picture: Picture) -> Picture:
    """Return a picture that is shown the same way and has the orientation 1."""
    kept = picture.metadata
    number = of(kept)
    if number == 1:
        return picture
    alpha = None if picture.alpha is None else oriented(picture.alpha, number)
    resolution = kept.resolution[::-1] if kept.resolution and number >= 5 else kept.resolution
    upright = replace(kept, exif=exif.upright(kept.exif), xmp=xmp.upright(kept.xmp), resolution=resolution)
    return replace(picture, pixels=oriented(picture.pixels, number), alpha=alpha, metadata=upright)


def stripped(picture: Picture) -> Picture:
    """Return a picture without metadata, turned as they ask for."""
    return replace(turned(picture), metadata=NO_METADATA, left_out=())


def oriented(pixels: NDArray[Any], number: int) -> NDArray[Any]:
    """Return (H, W) or (H, W, C) pixels turned and mirrored as an orientation from 1 to 8 asks for."""
    quarters, mirrored = _TURNS.get(number, (0, False))
    turned = np.rot90(pixels, quarters)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)
