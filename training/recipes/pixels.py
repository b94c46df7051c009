"""The recipe and the preset of the model of lossless pixels: plain numbers, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ...models.configs import WavefrontConfig, bounded, within
from .base import LARGEST_CROP, Preset, Recipe


@dataclass(frozen=True)
class PixelRecipe(Recipe):
    """How the model of lossless pixels is trained."""

    rate: float = 5e-3
    warm_up: int = 50
    clip_norm: float = 5.0
    clip: float = 0.0
    ema: float = 0.995
    crop: int = 48
    """Side of the crops."""
    quality: float = 30.0
    """Quality of the lossy images of half the size that the pixels are conditioned on, 1 to 100."""
    hierarchy: str = ""
    """Weights that give these images: a name or a path; empty for the default ones."""
    lossless_share: float = 0.5
    """Share of the crops from lossless files. Other images are halved, which hides their compression artefacts."""
    other_transforms: float = 0.5
    """Share of the crops under a random colour transform instead of the smoothest one."""
    grey: float = 0.03
    """Share of the crops that are made grey."""

    def __post_init__(self) -> None:
        super().__post_init__()
        bounded({"crop": (self.crop, LARGEST_CROP)})
        within({"quality": (self.quality, 100)}, 1)
        within({name: (getattr(self, name), 1) for name in ("lossless_share", "other_transforms", "grey")})
        if not isinstance(self.hierarchy, str):
            raise ValueError("hierarchy is neither a name nor a path")


PIXEL_PRESETS = {
    "pixels": Preset(
        "Codes the pixels of photographs without loss, given a lossy image of half the size by a photograph model.",
        WavefrontConfig(),
        PixelRecipe(),
    )
}
"""The presets by name."""
