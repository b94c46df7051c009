"""Compress a picture to a lossy .dvq file, at a quality or by a search for a target."""

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import TargetUnreachable
from ...image_io.floating_point import numpy_defaults
from ...image_io.images import Picture
from ...models.interface.hierarchy import Hierarchy
from ...models.interface.photo import PhotoModel
from ...progress import OnProgress, ignore
from ..bitstream import alpha
from ..bitstream.assembly import assemble
from ..bitstream.header import Header
from ..bitstream.properties import packed_metadata
from ..settings import DEFAULT_QUALITY, CompressSettings
from . import adaptive_filter, perceptual_score, search, symbol_chunks
from .counting import Trials

REVISION = 8
"""Increased when the same picture and settings give another file, so that cached measurements are taken anew."""

_TRIALS = 8
"""How many encodings a search for a target takes, about."""


@dataclass(frozen=True)
class Compressed:
    """A lossy file, and how it was made."""

    data: bytes
    quality: int
    """The quality in fixed point (1/256), as the file stores it."""
    chunks: int
    layer_bits: tuple[float, ...]
    """Bits of the symbols of each layer."""
    symbol_bytes: int
    """Bytes of the chunks; the rest is header, filter, alpha and metadata."""
    psnr: float | None
    """In dB; None unless it was the target."""
    ssimulacra2: float | None = None
    """None unless it was the target."""


@numpy_defaults
def compress(
    picture: Picture,
    hierarchy: Hierarchy,
    weights_id: bytes,
    settings: CompressSettings,
    on_progress: OnProgress = ignore,
) -> Compressed:
    """Compress a picture into a lossy file.

    Args:
        picture: 8-bit pixels, (H, W) or (H, W, 3), with or without alpha.
        hierarchy: The model of photographs.
        weights_id: The id of its weights, 8 bytes.
        settings: Quality or target, effort and tuning.
        on_progress: Called with the share that is done. How many trials a target takes is an estimate.

    Returns:
        The file, and how it was made.

    Raises:
        TargetUnreachable: If no quality reaches the target.
        UnsupportedImage: If the hierarchy cannot code such an image.
    """
    encoder = _PictureEncoder(picture, hierarchy, weights_id, settings, on_progress)
    if settings.target_psnr is not None:
        return _at_least(encoder, "psnr", "a PSNR", settings.target_psnr, " dB")
    if settings.target_ssimulacra2 is not None:
        return _at_least(encoder, "ssimulacra2", "a SSIMULACRA 2", settings.target_ssimulacra2)
    if settings.target_size is not None:
        return _at_most_bytes(encoder, settings.target_size)
    if settings.target_bpp is not None:
        pixels = picture.pixels.shape[0] * picture.pixels.shape[1]
        return _at_most_bytes(encoder, settings.target_bpp * pixels / 8)
    return encoder.at(round(256 * (DEFAULT_QUALITY if settings.quality is None else settings.quality)))


class _PictureEncoder:
    """Encodes one picture at several fixed-point qualities. Parts that do not depend on the quality are packed once.

    Codebooks have a limited range, in units of sigma, and sigma shrinks as the quality rises. A picture of extreme
    contrast (noise, hard edges everywhere) exceeds that range from some quality on, and its PSNR falls again. It is
    then coded at the lower quality whose PSNR is highest (`ceiling`), so that a higher setting never gives a worse one.
    """

    def __init__(
        self,
        picture: Picture,
        hierarchy: Hierarchy,
        weights_id: bytes,
        settings: CompressSettings,
        on_progress: OnProgress,
    ) -> None:
        searches = settings.quality is None and bool(settings.aims())
        self.trials = Trials(on_progress, _TRIALS if searches else 1)
        self.picture, self.hierarchy, self.weights_id = picture, hierarchy, weights_id
        self.passes = settings.passes
        self.perceptual = settings.perceptual and (settings.tune is not None or isinstance(hierarchy, PhotoModel))
        self.measure_psnr = settings.target_psnr is not None
        self.measure_ssimulacra2 = settings.target_ssimulacra2 is not None
        if self.measure_ssimulacra2:
            perceptual_score.check(*picture.pixels.shape[:2])
        self.pixels = picture.pixels if picture.alpha is None else alpha.conceal(picture.pixels, picture.alpha)
        packed_alpha = b"" if picture.alpha is None else alpha.pack(picture.alpha)
        self.parts = replace(packed_metadata(picture.metadata), alpha=packed_alpha)
        self.ceiling: Compressed | None = None
        self.still_rising = 0
        """Highest quality known to have the best PSNR of all up to it, though its codebooks are saturated."""

    def searched(
        self, value: Callable[[Compressed], float], target: float, *, close: float, wanted_above: bool
    ) -> tuple[Compressed | None, Compressed | None]:
        """Return the files on either side of a target (`search.crossing`). The first search is made with one pass."""

        def measure(quality: int) -> tuple[float, Compressed]:
            result = self.at(quality)
            return value(result), result

        start = None
        if self.passes > 1:
            quick = copy(self)
            quick.passes = 1
            start = search.start_of(lambda quality: value(quick.at(quality)), target, close=close)
        return search.crossing(measure, target, close=close, above=wanted_above, start=start)

    def at(self, quality: int) -> Compressed:
        """Return the file at a quality, or at the ceiling if that is lower."""
        if self.ceiling is not None and self.ceiling.quality < quality:
            return self.ceiling
        encoded = self._encode(quality)
        if encoded.saturation > SATURATED and self.ceiling is None and quality > self.still_rising:
            best, encoded = self._best(quality, encoded)
            if best < quality:
                self.ceiling = self._pack(best, encoded)
                return self.ceiling
            self.still_rising = quality
        return self._pack(quality, encoded)

    def _best(self, quality: int, encoded: symbol_chunks.Encoded) -> tuple[int, symbol_chunks.Encoded]:
        """Return the quality with the highest PSNR, of this one and the whole numbers below it, and its symbols."""
        best = (-math.inf, quality, encoded)

        def value(whole: int) -> float:
            nonlocal best
            fixed = min(whole * 256, quality)
            found = encoded if fixed == quality else self._encode(fixed)
            psnr = self._psnr(found)
            if (psnr, fixed) > best[:2]:
                best = psnr, fixed, found
            return psnr

        # `value` keeps the best symbols that it sees, so the number that the search returns is not needed.
        search.peak(value, max(1, self.still_rising // 256), -(-quality // 256))
        return best[1:]

    def _encode(self, quality: int) -> symbol_chunks.Encoded:
        return symbol_chunks.encode(
            self.pixels,
            self.hierarchy,
            quality,
            passes=self.passes,
            perceptual=self.perceptual,
            on_progress=self.trials.next(),
        )

    def _psnr(self, encoded: symbol_chunks.Encoded) -> float:
        return psnr_of(self.pixels, self._shown(encoded))

    def _shown(self, encoded: symbol_chunks.Encoded) -> NDArray[np.uint8]:
        grey = self.pixels.ndim == 2
        return symbol_chunks.render(encoded.state, self.hierarchy, grey=grey, image_filter=encoded.image_filter)

    def _pack(self, quality: int, encoded: symbol_chunks.Encoded) -> Compressed:
        height, width = self.pixels.shape[:2]
        grey = self.pixels.ndim == 2
        mode = ("L" if grey else "RGB") + ("A" if self.picture.alpha is not None else "")
        header = Header(
            width=width, height=height, mode=mode, quality=quality, perceptual=self.perceptual, weights=self.weights_id
        )
        parts = replace(self.parts, chunks=encoded.chunks, adaptive_filter=self._filter(encoded))
        data = assemble(header, parts)
        size = sum(len(chunk.payload) for chunk in encoded.chunks)
        psnr = self._psnr(encoded) if self.measure_psnr else None
        score = None
        if self.measure_ssimulacra2:
            score = perceptual_score.ssimulacra2(self.pixels, self._shown(encoded))
        return Compressed(data, quality, len(encoded.chunks), encoded.layer_bits, size, psnr, score)

    def _filter(self, encoded: symbol_chunks.Encoded) -> bytes:
        if encoded.image_filter is None:
            return b""
        assert isinstance(self.hierarchy, PhotoModel)
        return adaptive_filter.pack(encoded.image_filter, self.hierarchy)


SATURATED = 1.0
"""Saturation above which lower qualities are tried: one of them may have a higher PSNR."""


def psnr_of(original: np.ndarray, decoded: np.ndarray) -> float:
    """Return the PSNR in dB over all channels of 8-bit pixels; infinite where they are equal."""
    total = 0.0
    for first in range(0, len(original), 256):  # in strips, to spare memory
        rows = slice(first, first + 256)
        difference = original[rows].astype(np.float32) - decoded[rows].astype(np.float32)
        total += float(np.square(difference).sum(dtype=np.float64))
    return 10 * math.log10(255**2 * original.size / total) if total else math.inf


def _at_most_bytes(encoder: _PictureEncoder, limit: float) -> Compressed:
    """Return the best quality whose file has at most `limit` bytes."""
    below, above = encoder.searched(
        lambda made: math.log(len(made.data)), math.log(limit), close=0.005, wanted_above=False
    )
    if below is None:
        least = len(above.data) if above else 0
        raise TargetUnreachable(
            f"no quality gives a file of at most {limit:.0f} bytes", f"quality 1 takes {least} bytes"
        )
    return below


def _at_least(encoder: _PictureEncoder, name: str, what: str, target: float, unit: str = "") -> Compressed:
    """Return the lowest quality whose score is at least a target.

    Args:
        encoder: The encoder, which measures the score.
        name: The field of Compressed that holds it.
        what: What messages call it.
        target: The least score.
        unit: Its unit in messages.
    """

    def score(made: Compressed) -> float:
        found: float = getattr(made, name)
        return found

    below, above = encoder.searched(score, target, close=0.02, wanted_above=True)
    if above is None:
        most = score(below) if below else 0.0
        raise TargetUnreachable(f"no quality gives {what} of {target:.2f}{unit}", f"quality 100 gives {most:.2f}{unit}")
    return above
