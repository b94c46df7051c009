"""Tensors and probabilities: the hierarchies, their latent layers and their exact inference.

Importing this package loads no torch; the functions below do. `expected` is the identity that the weights must have
(`weights_file.identity`); every function raises ValueError for a file that is not a weights file of its kind, is
damaged or holds other weights, and OSError for one that cannot be read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .interface.bits_back import BitsBackModel
    from .interface.hierarchy import BilevelModel, Hierarchy, PixelModel


def load(path: Path, device: str = "cpu", *, expected: str | None = None) -> Hierarchy:
    """Return the hierarchy of a weights file, ready for top-down passes on "cpu" or "cuda", which needs torch."""
    from .loading import hierarchy

    return hierarchy(path, device, expected)


def load_network(path: Path, device: str = "cpu", *, expected: str | None = None) -> Hierarchy:
    """Return the hierarchy of a weights file as a network of torch, from which training can start."""
    from .loading import network

    return network(path, device, expected)


def load_pixels(path: Path, *, expected: str | None = None) -> PixelModel:
    """Return the model of lossless pixels of a weights file, on the CPU: the entropy coder alternates with it."""
    from .loading import pixel_model

    return pixel_model(path, expected)


def load_bits_back(path: Path, *, expected: str | None = None) -> BitsBackModel:
    """Return the bits-back model of a weights file, on the CPU like that of lossless pixels."""
    from .loading import bits_back_model

    return bits_back_model(path, expected)


def load_bilevel(path: Path, *, expected: str | None = None) -> BilevelModel:
    """Return the model of black and white images of a weights file, on the CPU like that of lossless pixels."""
    from .loading import bilevel_model

    return bilevel_model(path, expected)


def bits_back_suits(config: dict[str, Any], mode: str, height: int, width: int) -> bool:
    """Tell whether a bits-back model of this configuration, as JSON holds it, takes images of a Pillow mode and size.

    It loads no torch. ValueError if the configuration is not valid.
    """
    from .families.config import from_fields

    return from_fields(config).suits(mode, height, width)
