"""Where the networks of an archive come from, so that nothing is loaded before it is needed."""

from collections.abc import Callable
from dataclasses import dataclass

from ...image_io.images import Picture
from ...models.interface.sets import SetModel
from ..decoder import Load, LoadPages, LoadPixels, decompress


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
    from .. import loading

    return Loaders(
        lambda prefix: loading.hierarchy_by_id(prefix, device),
        lambda prefix: loading.pixel_model_by_id(prefix, device),
        lambda prefix: loading.page_model_by_id(prefix, device),
        lambda prefix: loading.set_model_by_id(prefix, device),
    )
