"""Sizes and grids of the network of `raster`, which training and coding share."""

from __future__ import annotations

from dataclasses import dataclass

from .causal import ReceptiveField

FEATURE_SCALE = 16
"""Grey levels in a unit of the features, which lie on the signed 8-bit grid."""
START = (128, 0, 0)
"""The base of the first pixel, by plane."""


@dataclass(frozen=True)
class RasterConfig:
    """Sizes of the network.

    Args:
        receptive_field: The receptive field.
        features: Number of maps of features.
        hidden: Width of the hidden layer that the planes share.
        width: Width of each head's own hidden layer.
    """

    receptive_field: ReceptiveField
    features: int
    hidden: int = 96
    width: int = 32

    @property
    def inputs(self) -> int:
        """Number of inputs: the neighbours' differences to the base and the base itself, by plane, and the features."""
        return 3 * len(self.receptive_field.offsets()) + 3 + self.features
