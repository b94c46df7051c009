"""Sizes and times of lossless files; every decoded sample is checked against the original."""

import time
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from PIL import Image

from ...errors import DvcodecError
from ..codecs.interface import LosslessCodec
from .scores import bits_per_pixel


@dataclass(frozen=True)
class LosslessMeasurement:
    """One image by one lossless codec: bytes of the complete file and wall-clock seconds."""

    image: str
    width: int
    height: int
    size: int
    encode_seconds: float
    decode_seconds: float

    @property
    def bpp(self) -> float:
        """Bits per pixel of the complete file; raw RGB has 24."""
        return bits_per_pixel(self.size, self.width, self.height)

    def to_json(self) -> dict[str, object]:
        """Return plain values for JSON."""
        times = {"encoding_time": self.encode_seconds, "decoding_time": self.decode_seconds}
        return {"image": self.image, "bytes": self.size, "bpp": self.bpp, **times}


@dataclass(frozen=True)
class LosslessResult:
    """All images by one lossless codec."""

    name: str
    settings: str
    measurements: tuple[LosslessMeasurement, ...]

    @property
    def size(self) -> int:
        """Total bytes of all files."""
        return sum(m.size for m in self.measurements)

    @property
    def bpp(self) -> float:
        """Mean of the images' bits per pixel."""
        return fmean(m.bpp for m in self.measurements)

    @property
    def encode_seconds(self) -> float:
        """Mean seconds to encode an image."""
        return fmean(m.encode_seconds for m in self.measurements)

    @property
    def decode_seconds(self) -> float:
        """Mean seconds to decode an image."""
        return fmean(m.decode_seconds for m in self.measurements)

    def to_json(self) -> dict[str, object]:
        """Return plain values for JSON, including the single images."""
        return {
            "name": self.name,
            "description": self.settings,
            "bytes": self.size,
            "results": {"bpp": self.bpp},
            "images": [m.to_json() for m in self.measurements],
        }


def measure_lossless(codec: LosslessCodec, name: str, image: Image.Image) -> LosslessMeasurement:
    """Encode one image, decode it again and compare.

    Raises:
        DvcodecError: a sample of the decoded image differs.
    """
    started = time.perf_counter()
    data = codec.encode(image)
    encoded = time.perf_counter()
    decoded = codec.decode(data)
    times = encoded - started, time.perf_counter() - encoded
    if not np.array_equal(np.asarray(image), np.asarray(decoded)):
        raise DvcodecError("the decoded image is not the original")
    return LosslessMeasurement(name, image.width, image.height, len(data), *times)
