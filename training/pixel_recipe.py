"""The preset of the model of lossless pixels: plain numbers, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from .recipes import Optimisation, Preset


@dataclass(frozen=True)
class PixelRecipe(Optimisation):
    """How the model of lossless pixels is trained."""

    rate: float = 3e-3
    warm_up: int = 50
    clip_norm: float = 5.0
    clip: float = 0.0
    ema: float = 0.995
    crop: int = 96
    """Side of the crops, a multiple of 8."""
    qualities: tuple[float, ...] = (5.0, 20.0)
    """Of the lossy images that the pixels are conditioned on."""
    hierarchy: str = ""
    """Weights that make these: a name or a path; empty for the default ones."""
    shares: tuple[float, ...] = (1.0, 0.5, 0.17)
    """Shares of the positions of each level that a step takes, coarse first."""
    other_transforms: float = 0.5
    """Share of the crops that are under any colour transform, not under the smoothest."""


PIXELS = {
    "pixels": Preset(
        "lossless pixels given what a hierarchy predicts: small networks on a lattice, exact",
        {"hidden": 96, "width": 32},
        PixelRecipe(),
    )
}
"""Presets of this kind, by name."""

PIXEL_SIZES: dict[str, type] = {"hidden": int, "width": int}
"""Network sizes that `--set` may change."""
