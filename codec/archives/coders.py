"""The coders from which an archive chooses."""

from collections.abc import Sequence
from dataclasses import dataclass

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
