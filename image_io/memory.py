"""Turn a lack of memory, in Python, numpy or torch, into an error that names the image."""

import contextlib
from collections.abc import Iterator

from ..errors import DvcodecError

_WORDS = ("can't allocate memory", "out of memory")
"""Words in the RuntimeErrors of torch's allocators."""


@contextlib.contextmanager
def enough_memory(height: int, width: int) -> Iterator[None]:
    """Raise DvcodecError if the work on an image of this size runs out of memory."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error) for words in _WORDS):
            raise
        hint = "work on fewer images at a time, or cut the image into parts"
        raise DvcodecError(f"not enough memory for {width} x {height} pixels", hint) from error
