"""Where the networks of an archive come from, so that nothing is loaded before it is needed."""

from collections.abc import Callable
from dataclasses import dataclass

from ...models.set_interface import SetModel
from ..decoder import Load, LoadPages, LoadPixels, decompress
from ..images import Picture


@dataclass(frozen=True)
class Loaders:
    """Give the networks for the weights ids that an archive names."""

    hierarchy: Load
    pixels: LoadPixels
    pages: LoadPages
    sets: Callable[[bytes], SetModel]

    def decompress(self, file: bytes) -> Picture:
        """Decode a complete file of one image."""
        return decompress(file, self.hierarchy, load_pixels=self.pixels, load_pages=self.pages).picture


def installed(device: str = "auto") -> Loaders:
    """Return loaders of installed weights. They raise WeightsNotFound for others."""
    from .. import engine

    return Loaders(
        lambda prefix: engine.hierarchy_by_id(prefix, device),
        lambda prefix: engine.pixel_model_by_id(prefix, device),
        lambda prefix: engine.page_model_by_id(prefix, device),
        lambda prefix: engine.set_model_by_id(prefix, device),
    )
