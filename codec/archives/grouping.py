"""Group images of one size, mode and palette. Few groups and few pixels wait for more images at a time."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...image_io import webp
from ...image_io.colour import is_srgb
from ...image_io.images import Palette, Picture
from ...image_io.metadata import NO_METADATA
from ..lossless import raw_samples
from .layout import MAX_COUNT

LARGE = 2**16
"""Pixels of an image above which coding it together with others saves nothing."""
OPEN_GROUPS = 16
"""The largest number of groups that wait for more images."""
OPEN_PIXELS = 2**22
"""The largest number of pixels of all images that wait."""


@dataclass(frozen=True)
class Alike:
    """What the images of a group have in common."""

    mode: str
    height: int
    width: int
    palette: bytes
    """The palette as bytes; empty if there is none."""


@dataclass
class Group:
    """Images that are coded together, and their places and names in the archive."""

    alike: Alike
    palette: Palette | None
    positions: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    tiles: list[NDArray[np.uint8]] = field(default_factory=list)
    originals: list[bytes] = field(default_factory=list)
    """The image files of the images; empty where there is none, or it is larger than the samples."""

    @property
    def pixels(self) -> int:
        """The number of pixels of all images."""
        return len(self.tiles) * self.alike.height * self.alike.width

    @property
    def full(self) -> bool:
        """Whether no further image fits a segment, or the stack that lossless WebP holds."""
        height = self.alike.height
        return len(self.tiles) == MAX_COUNT or (len(self.tiles) + 1) * height > max(height, webp.SIDE)

    def picture(self, index: int) -> Picture:
        """Return one of the images."""
        return raw_samples.picture(self.tiles[index], self.alike.mode, self.palette)

    def stack(self) -> Picture:
        """Return all images below each other, as one."""
        return raw_samples.picture(np.concatenate(self.tiles), self.alike.mode, self.palette)


def stands_alone(picture: Picture) -> bool:
    """Tell whether an image is coded by itself, because it is large or deep or carries metadata.

    A profile of sRGB does not count: images without one are sRGB.
    """
    kept = picture.metadata
    if is_srgb(kept.icc):
        kept = replace(kept, icc=b"")
    return picture.deep or kept != NO_METADATA or picture.pixels.shape[0] * picture.pixels.shape[1] > LARGE


class Waiting:
    """The groups that wait for more images, in the order of their last changes."""

    def __init__(self) -> None:
        """Start without groups."""
        self._groups: dict[Alike, Group] = {}
        self._pixels = 0

    def add(self, position: int, name: str, picture: Picture, original: bytes = b"") -> list[Group]:
        """Put an image into its group.

        Args:
            position: Its place in the archive, from 0 on.
            name: Its name, or an empty one.
            picture: The image, without metadata.
            original: The image file that it was read from.

        Returns:
            The groups that are to be coded now: full ones, and the oldest if there are too many.
        """
        height, width = picture.pixels.shape[:2]
        alike = Alike(picture.mode, height, width, raw_samples.pack_palette(picture.palette))
        group = self._groups.pop(alike, None) or Group(alike, picture.palette)
        self._groups[alike] = group
        group.positions.append(position)
        group.names.append(name)
        group.tiles.append(raw_samples.of(picture))
        group.originals.append(original if len(original) <= group.tiles[-1].size else b"")
        self._pixels += height * width
        ready = [self._take(alike)] if group.full else []
        while len(self._groups) > OPEN_GROUPS or self._pixels > OPEN_PIXELS:
            ready.append(self._take(next(iter(self._groups))))
        return ready

    def rest(self) -> list[Group]:
        """Return and remove all groups that still wait."""
        return [self._take(alike) for alike in list(self._groups)]

    def _take(self, alike: Alike) -> Group:
        group = self._groups.pop(alike)
        self._pixels -= group.pixels
        return group
