"""The interfaces that codecs implement in order to be measured."""

from typing import NamedTuple, Protocol, runtime_checkable

from PIL import Image

from .accounting import ByteAccount


class QualityScale(NamedTuple):
    """The qualities that a codec accepts: from `low` to `high`, distinguishable in steps of `step`."""

    low: float
    high: float
    step: float


class ImageCodec(Protocol):
    """A lossy codec for RGB images with 8 bits per sample."""

    @property
    def name(self) -> str:
        """Short name without spaces, unique within a comparison."""

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""

    @property
    def qualities(self) -> tuple[float, ...]:
        """Default points of the rate-distortion curve."""

    @property
    def scale(self) -> QualityScale:
        """The qualities that `encode` accepts."""

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Encode an RGB image as a complete file.

        Args:
            image: the image, of mode RGB.
            quality: a quality within `scale`.

        Returns:
            The bytes of the file.
        """

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file that `encode` wrote to an RGB image.

        Args:
            data: the bytes of the file.

        Returns:
            The image, of mode RGB.
        """


@runtime_checkable
class AccountingCodec(Protocol):
    """A codec that also reports which parts of the file its bytes go to."""

    def account(self, image: Image.Image, quality: float) -> tuple[bytes, ByteAccount]:
        """Return the same bytes as `encode`, with their account.

        Args:
            image: the image, of mode RGB.
            quality: a quality within the codec's scale.

        Returns:
            The bytes of the file, and which of its parts they belong to.
        """


class LosslessCodec(Protocol):
    """A codec that reproduces every sample of the image."""

    @property
    def name(self) -> str:
        """Short name without spaces."""

    @property
    def settings(self) -> str:
        """One line for the record: library, version and options."""

    def missing(self) -> str | None:
        """Return why the codec cannot run here, or None if it can."""

    def encode(self, image: Image.Image) -> bytes:
        """Encode an image as a complete file.

        Args:
            image: the image, of any mode that the codec takes.

        Returns:
            The bytes of the file.
        """

    def decode(self, data: bytes) -> Image.Image:
        """Decode a file that `encode` wrote; the result equals the original.

        Args:
            data: the bytes of the file.

        Returns:
            The image, sample by sample that of `encode`.
        """
