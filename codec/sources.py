"""What callers may give: a path, bytes or an open file; for compression also a Pillow image, an array or a tensor.

Reading a .dvq file this way needs neither numpy nor Pillow.
"""

import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, TypedDict

from ..errors import FormatError, InvalidArgument
from ..image_io.bounds import Bounds
from .bitstream.header import MAGIC
from .settings import CompressSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from ..image_io.images import Picture


class Tensor(Protocol):
    """A tensor of torch, as far as it is used: torch itself is not imported."""

    def detach(self) -> Any:
        """Return the tensor without its gradient."""

    def cpu(self) -> Any:
        """Return the tensor in the CPU's memory."""

    def numpy(self) -> Any:
        """Return the tensor as an array."""


class _How(TypedDict):
    """How images are read."""

    keep_mode: bool
    convert: bool
    bounds: Bounds


FileSource = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
"""The path of a file, its bytes, or a file that is open in binary mode, which is read from where it stands."""


def picture_and_file(
    source: "FileSource | Image.Image | NDArray[np.uint8 | np.uint16] | Tensor", settings: CompressSettings
) -> "tuple[Picture, bytes]":
    """Return the picture that a caller gives, and the bytes of its image file.

    Args:
        source: A Pillow image; an array of 8 bits, (H, W) or (H, W, 1 to 4); a tensor of 8 bits as torchvision has
            them, (H, W) or (1 to 4, H, W); or an image file.
        settings: How it will be compressed: without loss or not, what is converted, and how large it may be.

    Returns:
        The picture. The bytes, where the caller gives a file and the mode is kept; none otherwise.

    Raises:
        LimitExceeded: If the image is larger than the bounds allow.
        InvalidArgument: If this is none of them.
        UnsupportedImage: If the image cannot be read or coded.
    """
    from PIL import Image

    from ..image_io import images

    how = _How(keep_mode=settings.lossless, convert=settings.convert, bounds=settings.bounds)
    if isinstance(source, Image.Image):
        return images.from_image(source, **how), b""
    if isinstance(source, str | os.PathLike):
        picture = images.read(path_of(source), **how)
        return picture, read_path(path_of(source)) if settings.lossless else b""
    if isinstance(source, bytes | bytearray | memoryview) or callable(getattr(source, "read", None)):
        content = _content(source)
        return images.read(content, **how), content if settings.lossless else b""
    return images.from_array(array_of(source)), b""


def pictures_of(sources: object, settings: CompressSettings) -> "Iterator[tuple[str, Picture, bytes]]":
    """Yield name, picture and image file of each image that a caller gives, one at a time; the file may be empty.

    The name of a path is what the command line makes of it: the path where it is relative and safe, else its last part.
    Other images without a name have an empty one.

    Args:
        sources: An iterable of images as `picture_and_file` takes them, or of pairs of a name and an image, or images
            by their names.
        settings: As for `picture_and_file`.

    Raises:
        InvalidArgument: If this is no iterable, or an item is none of these.
        UnsupportedImage: If an image cannot be read or coded.
    """
    if isinstance(sources, Mapping):
        sources = sources.items()
    if isinstance(sources, str | bytes | bytearray) or not isinstance(sources, Iterable):
        raise InvalidArgument(f"{type(sources).__name__} is not an iterable of images", "give a list of them")
    for item in sources:
        name, source = item if isinstance(item, tuple) and len(item) == 2 else (_name_of(item), item)
        if not isinstance(name, str):
            raise InvalidArgument(
                f"the name of an image is a {type(name).__name__}", "give pairs of a str and an image"
            )
        yield name, *picture_and_file(source, settings)


def _name_of(source: object) -> str:
    """Return the name that a path has in an archive; an empty one for what is no path."""
    from .archives import names

    return names.made_safe(path_of(source).as_posix()) if isinstance(source, str | os.PathLike) else ""


def array_of(source: object) -> "NDArray[np.uint8 | np.uint16]":
    """Return an array as it is and a tensor as an array, channels last; raise InvalidArgument if it is neither."""
    import numpy as np

    if isinstance(source, np.ndarray):
        return source
    if not all(callable(getattr(source, name, None)) for name in ("detach", "cpu", "numpy")):
        raise InvalidArgument(
            f"{type(source).__name__} is not an image",
            "give a Pillow image, an array, a tensor, a path, bytes or a file that is open in binary mode",
        )
    return _channels_last(source)


def _channels_last(tensor: Any) -> "NDArray[np.uint8 | np.uint16]":
    """Return a tensor as an array; raise InvalidArgument if its type of numbers is unknown to numpy."""
    import numpy as np

    try:
        array = np.asarray(tensor.detach().cpu().numpy())
    except (TypeError, RuntimeError, ValueError) as error:  # bfloat16, sparse tensors, tensors without data
        raise InvalidArgument(f"the tensor cannot be read: {' '.join(str(error).split())}") from error
    return np.ascontiguousarray(np.moveaxis(array, 0, -1)) if array.ndim == 3 else array


def file_bytes(source: FileSource) -> bytes:
    """Return the bytes of a .dvq file that a caller gives.

    Raises:
        InvalidArgument: If this is neither bytes, nor a path, nor a file that is open in binary mode.
        FormatError: If the file cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        return read_path(path_of(source), own=True)
    return _content(source)


def _content(source: Any) -> bytes:
    """Return the bytes, or those of an open file; a file cannot be read twice, so it is read whole."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if not callable(getattr(source, "read", None)):
        kind = type(source).__name__
        raise InvalidArgument(f"{kind} is not a file", "give a path, bytes or a file that is open in binary mode")
    try:
        data = read_open(source)
    except UnicodeError:
        data = ""  # it was decoded as text
    except (OSError, ValueError) as error:  # closed files raise ValueError
        raise FormatError(f"cannot read the file: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InvalidArgument("the file is not open in binary mode", 'open it with the mode "rb"')
    return bytes(data)


def read_open(file: Any) -> Any:
    """Return what an open file has left.

    A buffered file that is read up to its end joins what it has buffered with the rest, which takes twice the memory.
    So here it is read by its size.
    """
    if not isinstance(file, io.BufferedReader) or not file.seekable():
        return file.read()
    at = file.tell()
    size = file.seek(0, os.SEEK_END) - at
    file.seek(at)
    return file.read(size if size > 0 else -1)  # files of devices have no size


def path_of(source: object) -> Path:
    """Return a caller's path; raise InvalidArgument if it is none."""
    if not isinstance(source, str | os.PathLike):
        raise InvalidArgument(f"{type(source).__name__} is not a path", "give a str or a pathlib.Path")
    try:
        return Path(os.fsdecode(source))
    except TypeError as error:  # what it says of its path is no text
        raise InvalidArgument(f"{type(source).__name__} is not a path: {error}") from error


def read_path(source: Path, *, own: bool = False) -> bytes:
    """Return the bytes of a file; raise FormatError if it cannot be read.

    With `own`, a file that does not begin as a .dvq file does is read no further: the parser refuses it by its first
    bytes.
    """
    try:
        with source.open("rb", buffering=0) as file:  # a buffer would be joined with the rest: twice the memory
            if not own:
                return file.readall()
            start = file.read(len(MAGIC))
            if start != MAGIC or not file.seekable():
                return start if start != MAGIC else start + file.readall()
            file.seek(0)
            return file.readall()
    except (OSError, ValueError) as error:  # paths with a zero byte raise ValueError
        raise FormatError(f"cannot read the file: {getattr(error, 'strerror', None) or error}") from error
