"""Decode the segments of an archive to pictures and verify every checksum."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import DvcodecError, FormatError, LimitExceeded
from ...image_io.bounds import DEFAULT, Bounds
from ...image_io.images import Picture
from ...image_io.suffixes import suffix_of_data
from ..bitstream.container import parse
from ..decoder import decode
from ..loaders import Loaders
from ..lossless import raw_samples
from . import mosaics, names
from .layout import FILES, MOSAIC, ArchiveHead
from .places import runs_of
from .reader import Archive, Loss, Segment
from .splitting import split_files

_NONE = memoryview(b"")


@dataclass(frozen=True)
class Member:
    """One image of an archive."""

    position: int
    """Its place in the order in which the images went in, from 0 on."""
    name: str
    """Its name; empty if it has none."""
    picture: Picture
    kept: memoryview = _NONE
    """The image file that was kept as it is; empty if the pixels were coded."""

    @property
    def target(self) -> str:
        """The file that extraction writes, as a relative path."""
        return names.target(self.name, self.position, suffix_of_data(self.kept) or names.SUFFIX)


Wanted = Callable[[int, str], bool]
"""A function that tells, by the place and the name of an image, whether to decode it."""


def members(
    archive: Archive, loaders: Loaders, wanted: Wanted | None = None, bounds: Bounds = DEFAULT
) -> Iterator[Member | Loss]:
    """Decode the images of an archive, segment after segment.

    Args:
        archive: An open archive.
        loaders: Where the models come from.
        wanted: Which images to decode; all if it is None.
        bounds: How large each image, and all that are decoded together, may be.

    Yields:
        Every image that is wanted and whole, and the losses by damage.

    Raises:
        LimitExceeded: If all images together are larger than the bounds allow.
    """
    work = Work(loaders, bounds, bounds.pixels_of_archive(archive.size))
    for part in archive.parts():
        if isinstance(part, Loss):
            yield part
            continue
        places = list(zip(part.head.positions, part.names, strict=True))
        if part.names_fault:
            yield Loss(f"{part.names_fault}: {len(places)} images get numbers instead")
        chosen = [wanted is None or wanted(*place) for place in places]
        if any(chosen):
            yield from _of_segment(part, work, chosen)


@dataclass
class Work:
    """What the decoding of all segments of an archive shares."""

    loaders: Loaders
    bounds: Bounds
    most: float
    """The most pixels of all images together."""
    pixels: int = 0
    """Those of the images so far."""

    def count(self, count: int, height: int, width: int) -> None:
        """Count images of a size before they are decoded. LimitExceeded if one, or all together, are too large."""
        self.bounds.check_pixels(height, width)
        self.pixels += count * height * width
        if self.pixels > self.most:
            raise ArchiveTooLarge(
                f"the images of the archive have more than {self.most} pixels in all", "set `max_pixels` higher"
            )


class ArchiveTooLarge(LimitExceeded):
    """All images of an archive together are larger than the bounds allow."""


def _of_segment(segment: Segment, work: Work, chosen: list[bool]) -> Iterator[Member | Loss]:
    """Yield the chosen images of one segment; those that cannot be decoded become a loss."""
    lost: list[int] = []
    reason = ""
    decoded = _found_in(segment, work)
    for index, wanted in enumerate(chosen):
        if not wanted:
            continue
        found = decoded(index)
        if not isinstance(found, DvcodecError):
            yield Member(segment.head.positions[index], segment.names[index], *found)
        else:
            reason = reason or _in_an_archive(found)
            lost.append(index)
    if lost:
        places = runs_of(segment.head.positions[index] for index in lost)
        own = tuple(segment.names[index] for index in lost)
        yield Loss(f"segment {segment.number} cannot be decoded: {reason}", places, own)


def _in_an_archive(error: DvcodecError) -> str:
    """Return an error of an image of an archive as text, without what a preview would show: archives have none."""
    return error.reason if "`preview=" in error.hint else str(error)


_Found = tuple[Picture, memoryview] | DvcodecError
"""An image and the file that was kept of it, or the reason why it cannot be decoded."""


def pictures_of(segment: Segment, work: Work) -> Callable[[int], Picture | DvcodecError]:
    """Return a function that gives each image of a segment by its place, or the reason why it cannot be decoded."""
    found = _found_in(segment, work)

    def picture(index: int) -> Picture | DvcodecError:
        one = found(index)
        return one if isinstance(one, DvcodecError) else one[0]

    return picture


def _found_in(segment: Segment, work: Work) -> Callable[[int], _Found]:
    """Return a function that gives each image of a segment by its place, with its file if one was kept."""
    try:
        if segment.head.kind == FILES:
            files = split_files(segment.payload, len(segment.head.positions))
            return lambda index: _file(memoryview(segment.payload)[files[index]], work)
        decoded = _together(segment, work)
    except ArchiveTooLarge:
        raise
    except DvcodecError as error:
        failed = error
        return lambda index: failed
    return lambda index: (decoded[index], _NONE)


def _file(data: memoryview, work: Work) -> _Found:
    try:
        file = parse(data)
        work.count(1, file.header.height, file.header.width)
        return decode(file, work.loaders, bounds=work.bounds).picture, file.kept
    except ArchiveTooLarge:
        raise
    except DvcodecError as error:
        return error


def _together(segment: Segment, work: Work) -> list[Picture]:
    head, loaders = segment.head, work.loaders
    work.count(len(head.positions), head.height, head.width)
    if head.kind == MOSAIC:
        return mosaics.decode(segment.payload, head, loaders, work.bounds)
    if not segment.weights_id:
        raise FormatError("the id of its weights is lost")
    values = loaders.bits_back(segment.weights_id).decode(segment.payload, len(head.positions))
    _check_set(values, head)
    return [raw_samples.picture(tile, head.mode, None) for tile in values]


def _check_set(values: NDArray[np.uint8], head: ArchiveHead) -> None:
    channels = raw_samples.CHANNELS[head.mode]
    shape = (len(head.positions), head.height, head.width, *((channels,) if channels > 1 else ()))
    if values.shape != shape or values.dtype != np.uint8:
        raise FormatError("the images of a set do not have the size in its head")
    if raw_samples.checksum(values) != head.samples_crc:
        raise FormatError("the decoded pixels do not match their checksum")
