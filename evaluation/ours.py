"""This project's codec in the shape that the measurements take, through the same functions that users call."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from .accounting import Account
from .baselines import Scale

QUALITIES: tuple[float, ...] = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


@dataclass(frozen=True)
class Dvcodec:
    """dvcodec with the weights called `weights` (a name or a path; None: the default ones) on `device`."""

    weights: str | None = None
    device: str = "auto"
    name: str = "dvcodec"
    qualities: tuple[float, ...] = QUALITIES
    effort: int | None = None
    tune: str | None = None
    scale: ClassVar[Scale] = Scale(1, 100, 0.1)

    @property
    def settings(self) -> str:
        """Version, weights, device, encoder, effort, tuning. WeightsNotFound where no weights have that name."""
        from ..codec.lossy.encoder import REVISION, TUNINGS, effort_of, perceptual_of

        tuning = f", {TUNINGS[1]}" if perceptual_of(self.tune) else ""
        return f"{described(self.weights, self.device)}, encoder {REVISION}, effort {effort_of(self.effort)}{tuning}"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """A complete .dvq file; quality 1-100, continuous."""
        return self.account(image, quality)[0]

    def account(self, image: Image.Image, quality: float) -> tuple[bytes, Account]:
        """The file and where its bytes go."""
        from ..codec import api
        from ..image_io import images

        settings = api.Settings(
            quality=quality,
            weights=self.weights,
            device=self.device,
            strip=True,
            effort=self.effort,
            tune=self.tune,
        )
        data, report = api.compress_picture(images.from_image(image), settings)
        return data, Account(report.layer_bits, len(data) - report.overhead_bytes, report.overhead_bytes)

    def decode(self, data: bytes) -> Image.Image:
        """The RGB image in a .dvq file."""
        from .. import decompress

        return decompress(data, device=self.device).convert("RGB")


def described(weights: str | None, device: str) -> str:
    """Version, weights with the start of their SHA-256, and device. WeightsNotFound where there are none."""
    from .. import __version__
    from ..codec.loading import choose

    chosen = choose(weights)
    return f"dvcodec {__version__}, weights {chosen.name} ({chosen.sha256[:16]}), device {device}"
