"""A picture to the bytes of a .dvq file, at a quality or by search for a target."""

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real

import numpy as np

from ...errors import InvalidArgument, TargetUnreachable
from ...image_io import metadata
from ...image_io.images import Picture
from ...models.interface.adaptive_filter import Filtering
from ...models.interface.hierarchy import Hierarchy
from ..bitstream import alpha, container
from ..bitstream.container import Header
from . import adaptive_filter, search, symbol_chunks

DEFAULT_QUALITY = 50.0
DEFAULT_EFFORT = 4
MOST_EFFORT = 9
REVISION = 5
"""Raised when the same picture and settings give another file: measurements that are kept go by it."""


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
    """Bytes of the chunks; the rest is header, filter, alpha and metadata."""
    psnr: float | None
    """Only measured where it was the goal."""


def quality_code(quality: float) -> int:
    """Return the fixed-point code of a quality in [1, 100]. InvalidArgument outside that, and for what is no number."""
    if not isinstance(quality, Real) or not 1 <= quality <= 100:  # also refuses NaN
        raise InvalidArgument(f"quality {quality!r} is out of range", "a number from 1 to 100")
    return round(quality * 256)


TUNINGS = ("psnr", "perceptual")


def perceptual_of(tune: str | None) -> bool:
    """Return whether a tuning, one of TUNINGS or None for the first, is for the eye. InvalidArgument for others."""
    if tune is not None and tune not in TUNINGS:
        raise InvalidArgument(f"no tuning {tune!r}", f"there are {', '.join(TUNINGS)}")
    return tune == TUNINGS[1]


def effort_of(effort: int | None) -> int:
    """Return an effort from 1 to 9, or the default one for None. InvalidArgument for anything else."""
    if effort is None:
        return DEFAULT_EFFORT
    if isinstance(effort, bool) or not isinstance(effort, Integral) or not 1 <= effort <= MOST_EFFORT:
        raise InvalidArgument(f"effort {effort!r} is out of range", f"a whole number from 1 to {MOST_EFFORT}")
    return int(effort)


def compress(
    picture: Picture,
    hierarchy: Hierarchy,
    weights_id: bytes,
    goal: Goal,
    *,
    strip: bool = False,
    effort: int = DEFAULT_EFFORT,
    perceptual: bool = False,
) -> Compressed:
    """Compress a picture with a hierarchy whose weights have this id; `strip` drops the metadata.

    `effort`, `perceptual`: as of `lossy.encode`.
    """
    given = [value for value in (goal.quality, goal.bpp, goal.size, goal.psnr) if value is not None]
    if len(given) > 1:
        raise InvalidArgument("more than one of quality, target bpp, target size and target PSNR", "choose one")
    if goal.quality is None and any(not 0 < value < math.inf for value in given):
        raise InvalidArgument(f"the target {given[0]} is not positive and finite")
    encode = partial(symbol_chunks.encode, perceptual=perceptual)
    attempt = _Attempts(picture, hierarchy, weights_id, strip, encode, effort, measure_psnr=goal.psnr is not None)
    if goal.psnr is not None:
        return _at_least_psnr(attempt, goal.psnr)
    if goal.bpp is not None or goal.size is not None:
        pixels = picture.pixels.shape[0] * picture.pixels.shape[1]
        return _at_most_bytes(attempt, goal.size if goal.size is not None else (goal.bpp or 0) * pixels / 8)
    return attempt(quality_code(DEFAULT_QUALITY if goal.quality is None else goal.quality))


class _Attempts:
    """Encodes one picture at fixed-point qualities; what does not depend on the quality is packed once.

    Codebooks span a number of the quality's own units: a picture beyond them (noise, hard edges everywhere) gets worse
    again from some quality on. Nothing is coded above that one, so that a higher quality never gives a worse picture.
    """

    def __init__(
        self,
        picture: Picture,
        hierarchy: Hierarchy,
        weights_id: bytes,
        strip: bool,
        encode: Callable[..., symbol_chunks.Encoded],
        effort: int,
        *,
        measure_psnr: bool,
    ) -> None:
        self.picture, self.hierarchy, self.weights_id, self.measure_psnr = picture, hierarchy, weights_id, measure_psnr
        self.encode, self.effort = encode, effort
        kept = metadata.NO_METADATA if strip else picture.metadata
        self.pixels = picture.pixels if picture.alpha is None else alpha.conceal(picture.pixels, picture.alpha)
        packed = (metadata.pack(raw) for raw in (kept.icc, kept.exif, kept.xmp))
        self.sections = dict(zip(("icc", "exif", "xmp"), packed, strict=True))
        self.sections["alpha"] = b"" if picture.alpha is None else alpha.pack(picture.alpha)
        self.ceiling: Compressed | None = None
        self.risen = 0
        """A strained quality below which none looks better."""

    def searched(
        self, value: Callable[[Compressed], float], target: float, *, close: float, above: bool
    ) -> tuple[Compressed | None, Compressed | None]:
        """The files on either side of a target (`search.crossing`), which is looked for with the least effort first."""

        def measure(quality: int) -> tuple[float, Compressed]:
            result = self(quality)
            return value(result), result

        start = None
        if self.effort > 1:
            quick = copy(self)
            quick.effort = 1
            start = search.start_of(lambda quality: value(quick(quality)), target, close=close)
        return search.crossing(measure, target, close=close, above=above, start=start)

    def __call__(self, quality: int) -> Compressed:
        """The file at a quality, or at the ceiling where that is lower."""
        if self.ceiling is not None and self.ceiling.quality < quality:
            return self.ceiling
        encoded = self._encode(quality)
        if encoded.strain > STRAINED and self.ceiling is None and quality > self.risen:
            best, encoded = self._best(quality, encoded)
            if best < quality:
                self.ceiling = self._pack(best, encoded)
                return self.ceiling
            self.risen = quality
        return self._pack(quality, encoded)

    def _best(self, quality: int, encoded: symbol_chunks.Encoded) -> tuple[int, symbol_chunks.Encoded]:
        """The quality that looks best, of the whole numbers below this one and itself, and the symbols there."""
        best = (-math.inf, quality, encoded)

        def value(whole: int) -> float:
            nonlocal best
            code = min(whole * 256, quality)
            found = encoded if code == quality else self._encode(code)
            psnr = self._psnr(found)
            if (psnr, code) > best[:2]:
                best = psnr, code, found
            return psnr

        search.peak(value, max(1, self.risen // 256), -(-quality // 256))
        return best[1:]

    def _encode(self, quality: int) -> symbol_chunks.Encoded:
        return self.encode(self.pixels, self.hierarchy, quality, effort=self.effort)

    def _psnr(self, encoded: symbol_chunks.Encoded) -> float:
        grey = self.pixels.ndim == 2
        shown = symbol_chunks.render(encoded.state, self.hierarchy, grey=grey, image_filter=encoded.image_filter)
        return psnr_of(self.pixels, shown)

    def _pack(self, quality: int, encoded: symbol_chunks.Encoded) -> Compressed:
        height, width = self.pixels.shape[:2]
        grey = self.pixels.ndim == 2
        header = Header(width, height, grey, self.picture.alpha is not None, quality, self.weights_id)
        data = container.pack(header, encoded.chunks, image_filter=self._filter(encoded), **self.sections)
        size = sum(len(chunk.payload) for chunk in encoded.chunks)
        psnr = self._psnr(encoded) if self.measure_psnr else None
        return Compressed(data, quality, len(encoded.chunks), encoded.layer_bits, size, psnr)

    def _filter(self, encoded: symbol_chunks.Encoded) -> bytes:
        if encoded.image_filter is None:
            return b""
        assert isinstance(self.hierarchy, Filtering)
        return adaptive_filter.pack(encoded.image_filter, self.hierarchy)


STRAINED = 1.0
"""Strain above which it is tried whether a lower quality looks better."""


def psnr_of(original: np.ndarray, decoded: np.ndarray) -> float:
    """Return the PSNR in dB over all channels of 8-bit pixels; infinite where they are equal."""
    total = 0.0
    for first in range(0, len(original), 256):  # in strips, to spare memory
        rows = slice(first, first + 256)
        difference = original[rows].astype(np.float32) - decoded[rows].astype(np.float32)
        total += float(np.square(difference).sum(dtype=np.float64))
    return 10 * math.log10(255**2 * original.size / total) if total else math.inf


def _at_most_bytes(attempt: _Attempts, limit: float) -> Compressed:
    """Return the best quality whose file has at most `limit` bytes."""
    below, above = attempt.searched(lambda made: math.log(len(made.data)), math.log(limit), close=0.005, above=False)
    if below is None:
        least = len(above.data) if above else 0
        raise TargetUnreachable(f"no quality gives a file of {limit:.0f} bytes", f"quality 1 takes {least} bytes")
    return below


def _at_least_psnr(attempt: _Attempts, target: float) -> Compressed:
    """Return the lowest quality whose PSNR is at least `target` dB."""

    def psnr(made: Compressed) -> float:
        assert made.psnr is not None
        return made.psnr

    below, above = attempt.searched(psnr, target, close=0.02, above=True)
    if above is None:
        most = below.psnr if below and below.psnr is not None else 0.0
        raise TargetUnreachable(f"no quality gives {target:.2f} dB", f"quality 100 gives {most:.2f} dB")
    return above
