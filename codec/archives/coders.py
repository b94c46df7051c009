"""The coders from which an archive chooses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...image_io.images import Picture
from ...models.interface.bits_back import BitsBackCoder
from ..lossless import methods


@dataclass(frozen=True)
class Coders:
    """The method of an archive, and the models that it may use."""

    method: str
    """One of METHODS, AUTO or BITS_BACK."""
    load: methods.LoadModel
    load_bilevel: methods.LoadBilevel
    bits_back: Sequence[tuple[bytes, BitsBackCoder]] = ()
    """Bits-back coders and the ids of their weights (8 bytes); none if the method is one of METHODS."""
    lossy: Callable[[Picture], bytes] | None = None
    """Codes each image as a lossy file; None in lossless archives. The fields above do not matter then."""
