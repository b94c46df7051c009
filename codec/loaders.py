"""The functions that give a decoder its models, one for each kind, so that models are loaded only when needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ..errors import WeightsNotFound
from ..models.interface.bits_back import BitsBackCoder
from ..models.interface.hierarchy import BilevelModel, Hierarchy, PixelModel


def _none(weights_id: bytes) -> NoReturn:
    """Raise WeightsNotFound for a kind of model that was not given."""
    raise WeightsNotFound(f"the file needs weights {weights_id.hex()}, of a kind that was not given")


@dataclass(frozen=True, kw_only=True)
class Loaders:
    """Functions that return the model for a weights id of 8 bytes, or raise WeightsNotFound."""

    hierarchy: Callable[[bytes], Hierarchy] = _none
    """Models of photographs, also for the symbols of lossless images of the method `model`."""
    pixels: Callable[[bytes], PixelModel] = _none
    """Models of lossless pixels, for the method `model`."""
    bilevel: Callable[[bytes], BilevelModel] = _none
    """Models of bilevel images, for the method `bilevel`."""
    bits_back: Callable[[bytes], BitsBackCoder] = _none
    """Bits-back coders of small images, for the sets of an archive."""


def installed(device: str = "auto") -> Loaders:
    """Return loaders of the installed weights. Hierarchies run on `device`: "auto", "cpu" or "cuda"."""
    from . import loading

    return Loaders(
        hierarchy=lambda weights_id: loading.hierarchy_by_id(weights_id, device),
        pixels=loading.pixel_model_by_id,
        bilevel=loading.bilevel_model_by_id,
        bits_back=loading.bits_back_coder_by_id,
    )
