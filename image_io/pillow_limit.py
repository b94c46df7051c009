"""Pillow's limit on pixels, raised to ours while an image is opened: it refuses half of today's cameras."""

import contextlib
import threading
import warnings
from collections.abc import Iterator

from PIL import Image

from .limits import MAX_AREA

_LIMIT = threading.RLock()


@contextlib.contextmanager
def photographs_allowed() -> Iterator[None]:
    """Raise the limit, and put it back afterwards. More pixels are Pillow's DecompressionBombWarning, as an error."""
    with _LIMIT, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = MAX_AREA
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
