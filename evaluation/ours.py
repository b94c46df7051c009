"""This project's codec in the shape that the measurements take, through the same public face that users call."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

QUALITIES: tuple[float, ...] = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


@dataclass(frozen=True)
class Dvcodec:
    """dvcodec with the weights called `weights` (a name or a path; None: the default ones) on `device`."""

    weights: str | None = None
    device: str = "auto"
    qualities: tuple[float, ...] = QUALITIES
    name: ClassVar[str] = "dvcodec"

    @property
    def settings(self) -> str:
        """Version, weights and device, for the record."""
        from .. import __version__
        from ..weights import default, find

        weights = find(self.weights) if self.weights else default()
        return f"dvcodec {__version__}, weights {weights.name} ({weights.sha256[:16]}), device {self.device}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A complete .dvq file; quality 1-100, continuous."""
        from .. import compress

        return compress(image, quality, weights=self.weights, device=self.device, strip=True)

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in a .dvq file."""
        from .. import decompress

        return decompress(data, device=self.device).convert("RGB")
