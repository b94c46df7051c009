"""Bounds that a user sets: how many pixels an image or an archive may have, and how much memory its work may take.

They are compared with what a header claims, before anything is allocated. A file of a few bytes can claim any size.
"""

import os
import re
from dataclasses import dataclass
from numbers import Integral

from ..errors import InvalidArgument, LimitExceeded
from . import memory

MOST_PIXELS = 3 * 2**26
"""The default of `max_pixels`: 201 megapixels, 16384 x 12288, the most that today's cameras take."""
PIXELS_PER_BYTE = 4096
"""By default, an archive may have this many more pixels in all for each of its bytes."""
PIXELS_VARIABLE, MEMORY_VARIABLE = "DVCODEC_MAX_PIXELS", "DVCODEC_MAX_MEMORY"
"""Environment variables that stand for `max_pixels` and `max_memory` where these are not given."""
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_AMOUNT = re.compile(r"(\d{1,18})([KMGT]?)(?:B?)", re.IGNORECASE | re.ASCII)


def amount(text: str, name: str) -> int:
    """Return the number that a text such as `500000000`, `500M` or `2GB` stands for; units are powers of 1000.

    Raises:
        InvalidArgument: If it is none, or 0.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise InvalidArgument(f"{name} {text[:40]!r} is not a positive whole number", "such as 500000000, 500M or 2G")
    return int(found[1]) * _UNITS[found[2].upper()]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The bounds of one piece of work. None takes the environment variable, or else the default.

    Raises:
        InvalidArgument: If a bound is not a positive whole number.
    """

    max_pixels: int | None = None
    """The most pixels of an image, and of all images of an archive together. Default: MOST_PIXELS for an image."""
    max_memory: int | None = None
    """The most bytes of memory. Default: half of what is available."""

    def __post_init__(self) -> None:
        """Refuse what is not a positive whole number."""
        for name in ("max_pixels", "max_memory"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < 1):
                raise InvalidArgument(f"`{name}` {value!r} is not a positive whole number")

    @property
    def pixels(self) -> int:
        """The most pixels of an image."""
        chosen = self.chosen_pixels
        return MOST_PIXELS if chosen is None else chosen

    @property
    def memory(self) -> int:
        """The most bytes of memory that work may take."""
        chosen = self.chosen_memory
        return memory.available() // 2 if chosen is None else chosen

    @property
    def chosen_pixels(self) -> int | None:
        """The most pixels, as given or in the environment; None if neither says."""
        return _chosen(self.max_pixels, PIXELS_VARIABLE)

    @property
    def chosen_memory(self) -> int | None:
        """The most bytes of memory, as given or in the environment; None if neither says."""
        return _chosen(self.max_memory, MEMORY_VARIABLE)

    def pixels_of_archive(self, size: int) -> int:
        """Return the most pixels that all images of an archive of `size` bytes may have together."""
        chosen = self.chosen_pixels
        return MOST_PIXELS + PIXELS_PER_BYTE * size if chosen is None else chosen

    def check_pixels(self, height: int, width: int) -> None:
        """Raise LimitExceeded for an image of too many pixels."""
        if height * width > self.pixels:
            raise LimitExceeded(
                f"{width} x {height} pixels are more than the limit of {self.pixels}", "set `max_pixels` higher"
            )

    def check_memory(self, needed: int, what: str, most: int | None = None) -> None:
        """Raise LimitExceeded if work needs too many bytes of memory.

        Args:
            needed: The bytes, as far as they can be estimated.
            what: What needs them, in the plural.
            most: What `memory` was before the work began; None for what it is now.
        """
        if needed > (most := self.memory if most is None else most):
            raise LimitExceeded(
                f"{what} need about {_in_words(needed)} of memory; the limit is {_in_words(most)}",
                "set `max_memory` higher",
            )


DEFAULT = Bounds()
"""The bounds where none are given."""


def _chosen(given: int | None, variable: str) -> int | None:
    """Return a bound that was given, or that of the environment; None if there is neither."""
    if given is not None:
        return given
    text = os.environ.get(variable, "")
    return amount(text, variable) if text else None


def _in_words(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 10**9 else f"{max(1, round(count / 1e6))} MB"
