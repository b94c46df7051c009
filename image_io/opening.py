"""Open image files under the limits of this package, whatever Pillow's limit on pixels is in the host's process.

`Image.open` compares every image with the process-wide `Image.MAX_IMAGE_PIXELS`, which refuses photographs of many of
today's cameras, or anything that a host chose to refuse. Here the classes that Pillow registers are called without it;
callers compare the size with limits of their own before they load the pixels. Only where a class itself makes that
comparison, and refuses, is the limit raised while the class looks at the header.
"""

import contextlib
import struct
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from ..processes.locks import PILLOW, fork_safe_lock
from . import plugins
from .limits import MAX_AREA
from .plugins import Reader

_READERS = r"(PIL|pillow_jxl|pillow_heif|dvcodec\.image_io)(\.|$)"
_LOCK = fork_safe_lock(PILLOW)
_SILENCE = contextlib.ExitStack()
_inside = 0


@contextlib.contextmanager
def opened(source: BinaryIO | Path) -> Iterator[ImageFile.ImageFile]:
    """Open an image file in any format that Pillow reads. Warnings of its readers are not shown.

    Args:
        source: A file that can seek, or the path of one.

    Yields:
        The image, not loaded. It and a file opened here are closed when the block ends.

    Raises:
        UnidentifiedImageError: If no reader knows the file.
        UnsupportedImage: If a plug-in reads such files that is not installed.
        OSError, ValueError and others: If the file cannot be opened or is broken.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings_ignored())
        file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        yield stack.enter_context(_identified(file))


def _identified(file: BinaryIO) -> ImageFile.ImageFile:
    """Return the image that the first of Pillow's readers makes of a file: those of common formats are tried first."""
    file.seek(0)
    prefix = file.read(16)
    plugins.refuse_large_jxl(file, prefix)
    plugins.refuse_programs(prefix)
    tried: set[str] = set()
    for import_readers in (Image.preinit, Image.init):
        import_readers()
        for name in [name for name in Image.ID if name not in tried]:
            tried.add(name)
            if (image := _made_by(name, file, prefix)) is not None:
                return image
    if (reader := plugins.reader_of(prefix)) is None:
        raise UnidentifiedImageError("not an image that Pillow can read")
    return read_header(reader, file)


def _made_by(name: str, file: BinaryIO, prefix: bytes) -> ImageFile.ImageFile | None:
    """Return the image that one reader makes of a file, or None if the file is not of its format."""
    reader, accepts = Image.OPEN[name]
    try:
        accepted = accepts is None or accepts(prefix)
        if not accepted or isinstance(accepted, str):  # a text says why not
            return None
        return read_header(reader, file)
    except (SyntaxError, IndexError, TypeError, struct.error):  # by these a reader says that the format is another
        return None


def read_header(reader: Reader, file: BinaryIO) -> ImageFile.ImageFile:
    """Return the image, not loaded, that a class of Pillow makes of a file, whatever Pillow's limit on pixels is.

    Args:
        reader: The class, or a function that takes a file and its name.
        file: A file that can seek.

    Raises:
        Image.DecompressionBombError: If the class itself finds more than twice MAX_AREA pixels.
        SyntaxError, OSError and others: If the file is not of the format or is broken.
    """
    try:
        file.seek(0)
        return reader(file, "")
    except Image.DecompressionBombError:
        with _LOCK:
            before = Image.MAX_IMAGE_PIXELS
            Image.MAX_IMAGE_PIXELS = MAX_AREA
            try:
                file.seek(0)
                return reader(file, "")
            finally:
                Image.MAX_IMAGE_PIXELS = before


@contextlib.contextmanager
def warnings_ignored() -> Iterator[None]:
    """Ignore the warnings of readers of images in this block, and no others.

    Filters belong to the process unless Python keeps them by thread. The first of several threads sets the filter and
    the last removes it, so that none waits for another's image.
    """
    if getattr(sys.flags, "context_aware_warnings", False):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=_READERS)
            yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside
    with _LOCK:
        if not _inside:
            _SILENCE.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=_READERS)
        _inside += 1


def _leave() -> None:
    global _inside
    with _LOCK:
        _inside -= 1
        if not _inside:
            _SILENCE.close()
