"""Encode pixels as chunks of symbols and decode them: the two symbol sources of the lossy codec."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError, UnsupportedImage
from ...models.interface.adaptive_filter import ImageFilter
from ...models.interface.hierarchy import Hierarchy, PassSettings, PixelStep, Residuals, Step, UnsuitableImage
from ...models.interface.photo import PhotoModel, Region
from ...progress import OnProgress, ignore, part
from ..bitstream.assembly import Chunk
from ..entropy import ans, residual_coding
from ..entropy.chunks import ChunkDecoder, Recorder
from .counting import Counting

FULL_CHUNK = 8192
"""A chunk of at least so many bytes ends where its layer ends. A chunk costs about ten bytes, header and coder."""
SCALE_CHUNK = 1024
"""A chunk of at least so many bytes ends where its scale ends, so that a preview up to there looks whole."""

_INFERRED, _CODED = 0.1, 0.6
"""Shares of the time of one pass after which the targets are known and the symbols are coded, about."""
_LOOKAHEAD = 2
"""Time of a pass that looks ahead, about, in passes that do not."""


@dataclass(frozen=True)
class Encoded:
    """An image as chunks of symbols, and what else the encoder found."""

    chunks: tuple[Chunk, ...]
    layer_bits: tuple[float, ...]
    """For each layer the bits of its symbols, the sum of -log2 p; 0 for layers that a grey image skips."""
    state: object
    """The state of the top-down pass, from which `render` makes the pixels that a decoder will show."""
    saturation: float = 0.0
    """How far the image exceeds the range of the codebooks, see PhotoModel.saturation; 0 if not measured."""
    image_filter: ImageFilter | None = None
    """The adaptive filter, with which a decoder corrects the image; None if it would cost more than it saves."""


class _Encoder:
    """The symbol source of compress: takes the posterior's mode and gathers the coder's intervals in chunks."""

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.layers = hierarchy.layers
        self.layer_bits = [0.0] * len(self.layers)
        self.chunks: list[Chunk] = []
        self._shared = _Shared(hierarchy.residuals) if hierarchy.residuals is not None else None
        self._recorder, self._bits = Recorder(), 0.0
        self._first = self._current = 0  # first layer of the open chunk, layer last asked for

    def next(self, step: Step | PixelStep) -> NDArray[np.int32]:
        """Return the posterior's mode, and keep where each symbol lies in the prior's cumulative frequencies."""
        if step.layer != self._current:
            self._enter(step.layer)
        symbols, cost = self._taken(step)
        self._bits += cost
        self.layer_bits[step.layer] += cost
        return symbols

    def _taken(self, step: Step | PixelStep) -> tuple[NDArray[np.int32], float]:
        """Return the posterior's mode and its cost in bits, and record its intervals."""
        if self._shared is not None:
            return self._shared.taken(self._recorder, cast(PixelStep, step))
        step = cast(Step, step)
        symbols = step.posterior_mode()
        left, frequencies = ans.intervals(step.weights(), symbols)
        self._recorder.take((left, frequencies), symbols)
        return symbols, ans.bits(frequencies)

    def _enter(self, layer: int) -> None:
        """Begin a layer; close the open chunk first if it is full, or full enough at the end of a scale."""
        scale_ends = self.layers[layer].stride != self.layers[self._current].stride
        if self._bits >= 8 * (SCALE_CHUNK if scale_ends else FULL_CHUNK):
            self.close(layer)
        self._current = layer

    def close(self, end: int) -> None:
        """Close the open chunk, which holds the layers before `end`."""
        self.chunks.append(Chunk(end - self._first, self._recorder.bytes()))
        self._recorder, self._bits, self._first = Recorder(), 0.0, end

    def encoded(self, state: object, saturation: float = 0.0, image_filter: ImageFilter | None = None) -> Encoded:
        """Close the last chunk and return all of them, with the state that the pass has built."""
        self.close(len(self.layers))
        return Encoded(tuple(self.chunks), tuple(self.layer_bits), state, saturation, image_filter)


class _Decoder:
    """The symbol source of decompress: decodes the symbols of the chunks."""

    def __init__(self, chunks: tuple[Chunk, ...], residuals: Residuals | None) -> None:
        self._chunks, self._shared = chunks, None if residuals is None else _Shared(residuals)
        self._next = self._end = 0  # next chunk to open, end of the open one's layers
        self._open: ChunkDecoder | None = None

    def next(self, step: Step | PixelStep) -> NDArray[np.int32]:
        """Return the decoded symbols of a block."""
        while step.layer >= self._end:
            self._advance()
        assert self._open is not None
        if self._shared is not None:
            return self._shared.decoded(self._open, cast(PixelStep, step))
        return self._open.decode(cast(Step, step).weights())

    def _advance(self) -> None:
        """Check the chunk that ends and open the next one."""
        if self._open is not None:
            self._open.finish()
        chunk = self._chunks[self._next]
        self._open = ChunkDecoder(chunk.payload)
        self._end += chunk.layers
        self._next += 1

    def finish(self, stop: int) -> None:
        """Check the last chunk, unless it has layers from `stop` on; chunks before `stop` must hold no more symbols."""
        while self._end < stop:
            self._advance()
        if self._open is not None and self._end == stop:
            self._open.finish()


class _Shared:
    """Codes symbols that are whole numbers, by distributions that many of them share."""

    def __init__(self, residuals: Residuals) -> None:
        self._residuals, self._tables = residuals, ans.Tables(residuals.tables)

    def taken(self, recorder: Recorder, step: PixelStep) -> tuple[NDArray[np.int32], float]:
        """Return the posterior's mode and its cost in bits, and record its intervals."""
        encoder = residual_coding.Encoder(self._residuals, self._tables, recorder=recorder)
        symbols = encoder.next(step)
        return symbols, encoder.bits

    def decoded(self, chunk: ChunkDecoder, step: PixelStep) -> NDArray[np.int32]:
        """Return the next symbols of a chunk."""
        return residual_coding.Decoder(chunk, self._residuals, self._tables).next(step)


def encode(
    pixels: NDArray[np.uint8],
    hierarchy: Hierarchy,
    quality: int,
    *,
    passes: int = 1,
    perceptual: bool = False,
    on_progress: OnProgress = ignore,
) -> Encoded:
    """Encode an image as symbols; of a colour image, also fit the adaptive filter to the decoded pixels.

    Args:
        pixels: (H, W) grey or (H, W, 3) colour.
        hierarchy: The model of photographs.
        quality: Fixed point, 256 to 25600.
        passes: How many passes to make. The symbols of the last one are coded. The passes before it are lookahead:
            they measure what each choice costs in later layers, which gives better quality at about the same size.
        perceptual: Whether errors count more where they are visible.
        on_progress: Called with the share that is done.

    Raises:
        UnsupportedImage: If the hierarchy cannot code such an image, or does not support perceptual weights.
    """
    colour, grey = _in_colour(pixels), pixels.ndim == 2
    encoder, (height, width) = _Encoder(hierarchy), pixels.shape[:2]
    settings = PassSettings(height, width, quality, grey=grey, perceptual=perceptual)
    photo = hierarchy if isinstance(hierarchy, PhotoModel) else None
    if perceptual and photo is None:
        raise UnsupportedImage(f"the weights {hierarchy.name} do not support perceptual tuning", "leave out `tune`")
    with _suitable():
        if photo is not None and (passes > 1 or perceptual):
            targets = photo.lookahead_targets(colour, settings, passes - 1, perceptual=perceptual)
        else:
            targets = hierarchy.infer(colour, quality)
        began = _LOOKAHEAD * (passes - 1) / (1 + _LOOKAHEAD * (passes - 1))
        coded, fitted = (began + (1 - began) * share for share in (_INFERRED, _CODED))
        on_progress(coded)
        state = hierarchy.top_down_pass(
            settings, Counting(encoder, settings, hierarchy, part(on_progress, coded, fitted)), targets
        )
    if photo is None:
        return encoder.encoded(state)
    found = None if grey else photo.fit(state, colour, part(on_progress, fitted, 1.0))
    return encoder.encoded(state, photo.saturation(state, targets), found)


def encode_unfiltered(
    pixels: NDArray[np.uint8], hierarchy: PhotoModel, quality: int, on_progress: OnProgress = ignore
) -> Encoded:
    """Encode an image as symbols in one pass for the least squared error, without a filter: see `encode`."""
    encoder, (height, width) = _Encoder(hierarchy), pixels.shape[:2]
    settings = PassSettings(height, width, quality, grey=pixels.ndim == 2)
    with _suitable():
        targets = hierarchy.infer(_in_colour(pixels), quality)
        state = hierarchy.top_down_pass(settings, Counting(encoder, settings, hierarchy, on_progress), targets)
    return encoder.encoded(state)


def _in_colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return grey or colour pixels as (H, W, 3)."""
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels


@contextmanager
def _suitable() -> Iterator[None]:
    """Turn a model's refusal of an image into UnsupportedImage."""
    try:
        yield
    except UnsuitableImage as error:
        raise UnsupportedImage(str(error), "choose other weights") from error


def decode(
    chunks: tuple[Chunk, ...], hierarchy: Hierarchy, settings: PassSettings, on_progress: OnProgress = ignore
) -> object:
    """Decode the symbols of a file's first chunks; fewer than all give a preview.

    Args:
        chunks: The first chunks of the file.
        hierarchy: The model that the file names.
        settings: Of the pass, as the header has them. All layers of the chunks are visited unless `stop` is less.
        on_progress: Called with the share that is done.

    Returns:
        The state of the pass over them.

    Raises:
        FormatError: If the chunks are not valid, or do not fit the hierarchy.
    """
    held = sum(chunk.layers for chunk in chunks)
    if held > len(hierarchy.layers):
        raise FormatError(f"the file has {held} layers, its weights have {len(hierarchy.layers)}")
    stop = held if settings.stop is None else min(settings.stop, held)
    decoder, settings = _Decoder(chunks, hierarchy.residuals), replace(settings, stop=stop)
    try:
        state = hierarchy.top_down_pass(settings, Counting(decoder, settings, hierarchy, on_progress))
    except UnsuitableImage as error:
        raise FormatError(f"the header does not fit its weights: {error}") from error
    decoder.finish(stop)
    return state


def render(
    state: object,
    hierarchy: Hierarchy,
    *,
    grey: bool,
    image_filter: ImageFilter | None = None,
    region: Region | None = None,
    on_progress: OnProgress = ignore,
) -> NDArray[np.uint8]:
    """Return the pixels of a top-down pass.

    Args:
        state: What the pass has built.
        hierarchy: The model of the pass.
        grey: Whether to return the rounded mean of the three channels.
        image_filter: The adaptive filter of the image, or None.
        region: The rows and columns to return; all if it is None.
        on_progress: Called with the share that is rendered.

    Returns:
        (H, W) grey or (H, W, 3) RGB pixels.
    """
    if isinstance(hierarchy, PhotoModel):
        return shown(hierarchy.render(state, image_filter, region, on_progress), grey=grey)
    assert image_filter is None
    pixels = hierarchy.render(state)
    return shown(pixels if region is None else pixels[region], grey=grey)


def shown(pixels: NDArray[np.uint8], *, grey: bool) -> NDArray[np.uint8]:
    """Return RGB pixels (H, W, 3) as they are, or the rounded mean of their channels, (H, W), if `grey`."""
    if not grey:
        return pixels
    total = pixels.astype(np.uint16).sum(axis=2, dtype=np.uint16)
    mean: NDArray[np.uint8] = ((total + 1) // 3).astype(np.uint8)
    return mean
