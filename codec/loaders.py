"""Where a decoder gets its models from: one function for each kind, so that nothing is loaded before it is needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from ..errors import WeightsNotFound
from ..models.interface.hierarchy import BilevelModel, Hierarchy, PixelModel
from ..models.interface.sets import SetModel


def _none(weights_id: bytes) -> NoReturn:
    """Say that there is no model."""
    raise WeightsNotFound(f"the file needs weights {weights_id.hex()}, of a kind that was not given")


@dataclass(frozen=True, kw_only=True)
class Loaders:
    """Functions that return the model for a weights id of 8 bytes, or raise WeightsNotFound."""

    hierarchy: Callable[[bytes], Hierarchy] = _none
    """Of photographs, and of the symbols of lossless images of the method `model`."""
    pixels: Callable[[bytes], PixelModel] = _none
    """Of lossless pixels under the method `model`."""
    bilevel: Callable[[bytes], BilevelModel] = _none
    """Of black and white pixels."""
    bits_back: Callable[[bytes], SetModel] = _none
    """Of sets of small images in an archive."""


def installed(device: str = "auto") -> Loaders:
    """Return loaders of the installed weights, hierarchies onto `device`: "auto", "cpu" or "cuda"."""
    from . import loading

    return Loaders(
        hierarchy=lambda weights_id: loading.hierarchy_by_id(weights_id, device),
        pixels=loading.pixel_model_by_id,
        bilevel=loading.bilevel_model_by_id,
        bits_back=loading.bits_back_model_by_id,
    )
