"""A picture to the bytes of a .dvq file, at a quality or by search for a target."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from ..models.interface import Hierarchy
from . import alpha, container, lossy, metadata, search
from .container import Header
from .errors import InvalidArgument, TargetUnreachable
from .images import Picture

DEFAULT_QUALITY = 50.0


@dataclass(frozen=True)
class Goal:
    """What to encode for; at most one is set, none means DEFAULT_QUALITY."""

    quality: float | None = None
    bpp: float | None = None
    """File bits per pixel, at most."""
    size: int | None = None
    """File bytes, at most."""
    psnr: float | None = None
    """dB over the colour channels, at least."""


@dataclass(frozen=True)
class Compressed:
    """A .dvq file and how it came about."""

    data: bytes
    quality: int
    """Fixed point, as the file stores it."""
    chunks: int
    layer_bits: tuple[float, ...]
    symbol_bytes: int
    """Bytes of the chunks; the rest is header, alpha and metadata."""
    psnr: float | None
    """Only measured where it was the goal."""


def quality_code(quality: float) -> int:
    """Return the fixed-point code of a quality in [1, 100]. InvalidArgument outside that, and for what is no number."""
    if not isinstance(quality, Real) or not 1 <= quality <= 100:  # also refuses NaN
        raise InvalidArgument(f"quality {quality!r} is out of range", "a number from 1 to 100")
    return round(quality * 256)


def compress(
    picture: Picture, hierarchy: Hierarchy, weights_id: bytes, goal: Goal, *, strip: bool = False
) -> Compressed:
    """Compress a picture with a hierarchy whose weights have this id; `strip` drops the metadata."""
    given = [value for value in (goal.quality, goal.bpp, goal.size, goal.psnr) if value is not None]
    if len(given) > 1:
        raise InvalidArgument("more than one of quality, target bpp, target size and target PSNR", "choose one")
    if goal.quality is None and any(not value > 0 for value in given):
        raise InvalidArgument(f"the target {given[0]} is not positive")
    attempt = _attempts(picture, hierarchy, weights_id, strip, measure_psnr=goal.psnr is not None)
    if goal.psnr is not None:
        return _at_least_psnr(attempt, goal.psnr)
    if goal.bpp is not None or goal.size is not None:
        pixels = picture.pixels.shape[0] * picture.pixels.shape[1]
        return _at_most_bytes(attempt, goal.size if goal.size is not None else (goal.bpp or 0) * pixels / 8)
    return attempt(quality_code(DEFAULT_QUALITY if goal.quality is None else goal.quality))


def _attempts(
    picture: Picture, hierarchy: Hierarchy, weights_id: bytes, strip: bool, *, measure_psnr: bool
) -> Callable[[int], Compressed]:
    """Return a function that encodes at a fixed-point quality; what does not depend on quality is packed once."""
    height, width = picture.pixels.shape[:2]
    grey = picture.pixels.ndim == 2
    pixels = picture.pixels if picture.alpha is None else alpha.conceal(picture.pixels, picture.alpha)
    kept = metadata.NO_METADATA if strip else picture.metadata
    icc, exif, xmp = (metadata.pack(raw) for raw in (kept.icc, kept.exif, kept.xmp))
    packed_alpha = b"" if picture.alpha is None else alpha.pack(picture.alpha)

    def attempt(quality: int) -> Compressed:
        encoded = lossy.encode(pixels, hierarchy, quality)
        header = Header(width, height, grey, picture.alpha is not None, quality, weights_id)
        data = container.pack(header, encoded.chunks, icc=icc, alpha=packed_alpha, exif=exif, xmp=xmp)
        psnr = None
        if measure_psnr:
            psnr = psnr_of(pixels, lossy.render(encoded.state, hierarchy, grey=grey))
        size = sum(len(chunk.payload) for chunk in encoded.chunks)
        return Compressed(data, quality, len(encoded.chunks), encoded.layer_bits, size, psnr)

    return attempt


def psnr_of(original: np.ndarray, decoded: np.ndarray) -> float:
    """Return the PSNR in dB over all channels of 8-bit pixels; infinite where they are equal."""
    total = 0.0
    for first in range(0, len(original), 256):  # in strips, to spare memory
        rows = slice(first, first + 256)
        difference = original[rows].astype(np.float32) - decoded[rows].astype(np.float32)
        total += float(np.square(difference).sum(dtype=np.float64))
    return 10 * math.log10(255**2 * original.size / total) if total else math.inf


def _at_most_bytes(attempt: Callable[[int], Compressed], limit: float) -> Compressed:
    """Return the best quality whose file has at most `limit` bytes."""

    def measure(quality: int) -> tuple[float, Compressed]:
        result = attempt(quality)
        return math.log(len(result.data)), result

    below, above = search.crossing(measure, math.log(limit), close=0.005, above=False)
    if below is None:
        least = len(above.data) if above else 0
        raise TargetUnreachable(f"no quality gives a file of {limit:.0f} bytes", f"quality 1 takes {least} bytes")
    return below


def _at_least_psnr(attempt: Callable[[int], Compressed], target: float) -> Compressed:
    """Return the lowest quality whose PSNR is at least `target` dB."""

    def measure(quality: int) -> tuple[float, Compressed]:
        result = attempt(quality)
        assert result.psnr is not None
        return result.psnr, result

    below, above = search.crossing(measure, target, close=0.01, above=True)
    if above is None:
        most = below.psnr if below and below.psnr is not None else 0.0
        raise TargetUnreachable(f"no quality gives {target:.2f} dB", f"quality 100 gives {most:.2f} dB")
    return above
