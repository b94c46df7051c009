"""An archive as a sequence of images, each of which is decoded when it is asked for."""

import math
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, overload

from ...errors import DvcodecError, ImageNotFound, InvalidArgument
from ...image_io.bounds import DEFAULT, Bounds
from ..settings import Device, one_of
from .index import Index, index_of

if TYPE_CHECKING:
    from PIL import Image

    from ...image_io.images import Picture

_SEGMENTS = 4
"""How many segments are kept in memory, so that images that were coded together are decoded together."""


class _Source:
    """What an archive and its slices share: the index, the segments read last, and whether it is closed."""

    def __init__(self, path: Path, device: str, bounds: Bounds) -> None:
        """Index an archive."""
        self.path, self.device, self.bounds, self.closed = path, device, bounds, False
        self.index: Index = index_of(path)
        # The cache of the standard library is safe with threads, and holds no lock that a fork could copy.
        self.pictures: Callable[[int], Callable[[int], Picture | DvcodecError]] = lru_cache(_SEGMENTS)(self._pictures)

    def _pictures(self, number: int) -> "Callable[[int], Picture | DvcodecError]":
        """Return a function that gives each image of a segment."""
        from ..loaders import installed
        from .members import Work, pictures_of

        # Each image is bounded, not all together: a caller reads as many as he likes, some of them twice.
        return pictures_of(self.index.segment(number), Work(installed(self.device), self.bounds, math.inf))

    def image(self, position: int) -> "Image.Image":
        """Decode one image."""
        from ...image_io import images

        if self.closed:
            raise InvalidArgument("the archive is closed", "open it again")
        found = self.pictures(self.index.segments[position])(self.index.places[position])
        if isinstance(found, DvcodecError):
            raise found.with_traceback(None)  # it is kept, and would grow with every access
        return images.to_image(found)

    @cached_property
    def positions(self) -> dict[str, int]:
        """The positions of the images by their names."""
        return {self.index.name(position): position for position in range(len(self.index.segments))}


class ImageArchive:
    """An archive as a sequence of Pillow images, in the order in which they went in: see `dvcodec.open_archive`.

    Indexing and iteration decode one image at a time; a slice is an archive of fewer images and decodes nothing. The
    file is opened for each access, so that threads may share the object and processes may inherit it. A pickled archive
    holds its path, and reads the file where it is unpickled.
    """

    def __init__(
        self, path: Path, device: str = "auto", *, places: range | None = None, bounds: Bounds = DEFAULT
    ) -> None:
        """Open an archive.

        Args:
            path: The archive.
            device: "auto", "cpu" or "cuda".
            places: The positions of the images that are part of it; all if it is None.
            bounds: How large each image may be.

        Raises:
            FormatError: If the file cannot be read, is not an archive, or is damaged.
            InvalidArgument: If there is no such device.
        """
        one_of("device", device, Device)
        self._source = _Source(path.absolute(), device, bounds)
        self._places = range(len(self._source.index.segments)) if places is None else places

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the images, in order; for those without a name the file that extraction writes."""
        return tuple(map(self._source.index.name, self._places))

    def read(self, name: str) -> "Image.Image":
        """Decode the image of a name.

        Raises:
            ImageNotFound: If there is no such image.
            FormatError: If the image is damaged.
            InvalidArgument: If the archive is closed.
        """
        position = self._source.positions.get(name) if isinstance(name, str) else None
        if position is None or position not in self._places:
            raise ImageNotFound(f"the archive does not contain {name!r}", "`names` lists its images")
        return self._source.image(position)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._places)

    @overload
    def __getitem__(self, key: int) -> "Image.Image": ...

    @overload
    def __getitem__(self, key: slice) -> "ImageArchive": ...

    def __getitem__(self, key: int | slice) -> "Image.Image | ImageArchive":
        """Decode the image of an index, or return the images of a slice as an archive of their own.

        Raises:
            ImageNotFound: If there is no such image; also an IndexError.
            InvalidArgument: If the key is neither a whole number nor a slice, or the archive is closed.
            FormatError: If the image is damaged.
        """
        try:
            places = self._places[key]
        except IndexError:
            raise ImageNotFound(f"the archive has {len(self)} images, and none of index {key}") from None
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"{key!r} is not an index", "give a whole number or a slice") from error
        return self._part(places) if isinstance(places, range) else self._source.image(places)

    def _part(self, places: range) -> "ImageArchive":
        part = ImageArchive.__new__(ImageArchive)
        part._source, part._places = self._source, places
        return part

    def __iter__(self) -> "Iterator[Image.Image]":
        """Decode the images one after the other."""
        return map(self._source.image, self._places)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is an image of a name."""
        return isinstance(name, str) and self._source.positions.get(name, -1) in self._places

    def __repr__(self) -> str:
        """Return the path and the number of images."""
        return f"<dvcodec archive {str(self._source.path)!r}, {len(self)} images>"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the path, the device, the positions and the bounds."""
        return _restored, (self._source.path, self._source.device, self._places, self._source.bounds)

    def close(self) -> None:
        """Forget the decoded images. Reading from the archive or its slices fails from now on."""
        self._source.closed = True
        self._source.pictures.cache_clear()  # type: ignore[attr-defined]

    def __enter__(self) -> "ImageArchive":
        """Return the archive."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the archive."""
        self.close()


def _restored(path: Path, device: str, places: range, bounds: Bounds) -> ImageArchive:
    """Return an unpickled archive; raise InvalidArgument if the file has fewer images by now."""
    archive = ImageArchive(path, device, places=places, bounds=bounds)
    if places and max(places) >= len(archive._source.index.segments):
        raise InvalidArgument(f"the archive {path} has changed since it was pickled")
    return archive
