"""How the images of an archive are to be coded."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...models.interface.sets import SetModel
from ..lossless import methods


@dataclass(frozen=True)
class Coders:
    """How images are to be coded."""

    method: str
    """One of METHODS, AUTO or BITS_BACK."""
    load: methods.LoadModel
    load_bilevel: methods.LoadBilevel
    sets: Sequence[tuple[bytes, SetModel]] = ()
    """Models of sets and their ids; none where the method is one of METHODS."""
