"""Which models and images can be coded: plain values, no torch."""

from __future__ import annotations

from ..interface.hierarchy import UnsuitableImage
from .config import FamilyConfig

LARGEST_MAP = 2**25
"""Numbers in one map of an image, or in one layer's table of scores."""


def check_coding(config: FamilyConfig) -> None:
    """Check that models of a configuration can code images: exactly, and with maps that fit into memory.

    Raises:
        ValueError: They cannot.
    """
    if not config.categorical or not config.exact:
        raise ValueError("its configuration has no exact form")
    tables = max(plan.variables * plan.side**2 * plan.symbols for plan in config.plans())
    width = max(config.width, config.pixel_width if config.likelihood == "scales" else 0)
    if max(width * config.image**2, config.mixtures * config.image**2, tables) > LARGEST_MAP:
        raise ValueError("the maps of its configuration are too large")


def refuse_size(config: FamilyConfig, height: int, width: int) -> None:
    """Refuse an image that does not have the model's one size.

    Raises:
        UnsuitableImage: If the size differs.
    """
    if (height, width) != (config.image, config.image):
        size = f"{config.image} x {config.image}"
        raise UnsuitableImage(f"these weights code images of {size} pixels, not {width} x {height}")
