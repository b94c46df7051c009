"""Raise Pillow's limit on pixels while an image is opened: it refuses photographs of many of today's cameras."""

import contextlib
import threading
import warnings
from collections.abc import Iterator

from PIL import Image

from .limits import MAX_AREA

_LIMIT = threading.RLock()


@contextlib.contextmanager
def photographs_allowed() -> Iterator[None]:
    """Raise the limit and restore it afterwards. More pixels raise Pillow's DecompressionBombWarning as an error."""
    with _LIMIT, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = MAX_AREA
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
