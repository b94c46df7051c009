"""This project's codec, run through the functions that users call."""

from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from ...codec.settings import CompressSettings
from .accounting import ByteAccount
from .interface import QualityScale

QUALITIES: tuple[float, ...] = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)


@dataclass(frozen=True)
class Dvcodec:
    """dvcodec as an `ImageCodec`.

    Args:
        weights: name or path of the weights; None for the default ones.
        device: where the network runs: "auto", "cpu" or "cuda".
        name: name in the comparison.
        qualities: points of the rate-distortion curve.
        effort: 1 to 9; None for the default.
        tune: what the encoder optimises; None for the default.
    """

    weights: str | None = None
    device: str = "auto"
    name: str = "dvcodec"
    qualities: tuple[float, ...] = QUALITIES
    effort: int | None = None
    tune: str | None = None
    scale: ClassVar[QualityScale] = QualityScale(1, 100, 0.1)

    @property
    def settings(self) -> str:
        """One line for the record: version, weights, device, encoder, effort and tuning.

        Raises:
            WeightsNotFound: there are no weights of that name.
        """
        from ...codec.lossy.encoder import REVISION

        chosen = self._settings(None)
        ours = described(self.weights, self.device, perceptual=chosen.perceptual)
        tuning = "perceptual" if chosen.perceptual else "psnr"
        return f"{ours}, encoder {REVISION}, effort {chosen.passes}, {tuning}"

    def _settings(self, quality: float | None) -> CompressSettings:
        return CompressSettings(
            quality=quality,
            weights=self.weights,
            device=self.device,
            strip=True,
            effort=self.effort,
            tune=self.tune,
        )

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode as a .dvq file with a quality from 1 to 100, which may be fractional."""
        return self.account(image, quality)[0]

    def account(self, image: Image.Image, quality: float) -> tuple[bytes, ByteAccount]:
        """Encode as a .dvq file and report which parts of it the bytes go to."""
        from ...codec import api
        from ...image_io import images

        data, report = api.compress_picture(images.from_image(image), self._settings(quality))
        return data, ByteAccount(report.layer_bits, len(data) - report.overhead_bytes, report.overhead_bytes)

    def decode(self, data: bytes) -> Image.Image:
        """Decode a .dvq file to an RGB image."""
        from ... import decompress

        return decompress(data, device=self.device).convert("RGB")


def described(weights: str | None, device: str, *, perceptual: bool = False) -> str:
    """Return dvcodec's version, the weights with the start of their hash, and the device.

    Raises:
        WeightsNotFound: there are no weights of that name.
    """
    from ... import __version__
    from ...codec.loading import choose

    chosen = choose(weights, perceptual=perceptual)
    return f"dvcodec {__version__}, weights {chosen.name} ({chosen.sha256[:16]}), device {device}"
