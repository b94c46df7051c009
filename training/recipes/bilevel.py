"""The recipe and the preset of the bilevel model: plain numbers, no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ...models.configs import BilevelPagesConfig, bounded, within
from .base import MOST_STEPS, Preset, Recipe

LARGEST_SIDE = 2**13
"""Most pixels of a side of a page."""


@dataclass(frozen=True)
class BilevelRecipe(Recipe):
    """How the bilevel model is trained. The pages are synthetic, and are made during the run."""

    steps: int = 20000
    batch: int = 8
    """Pages that a step's pixels are taken from."""
    rate: float = 3e-3
    warm_up: int = 100
    clip_norm: float = 5.0
    clip: float = 0.0
    ema: float = 0.998
    pixels: int = 1024
    """Pixels of each page in a step."""
    page_height: int = 1200
    page_width: int = 900
    pages: int = 64
    """Pages in memory."""
    renew: int = 16
    """Steps after which one of the pages is replaced by a new one."""
    halftones: float = 0.2
    """Share of the pages that are halftones of photographs."""
    fonts: str = ""
    """Folder of fonts; empty for the fonts of the system, or Pillow's own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        bounded({"pixels": (self.pixels, LARGEST_SIDE**2), "renew": (self.renew, MOST_STEPS)})
        bounded({name: (getattr(self, name), LARGEST_SIDE) for name in ("page_height", "page_width", "pages")})
        within({"halftones": (self.halftones, 1)})
        if not isinstance(self.fonts, str):
            raise ValueError("fonts is not a folder")


BILEVEL_PRESETS = {
    "bilevel": Preset(
        "Codes black and white images of any size without loss; it is trained on synthetic pages.",
        BilevelPagesConfig(),
        BilevelRecipe(),
    )
}
"""The presets by name."""
