"""Watches a top-down pass from outside: which symbols were chosen, under which integer priors."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dvcodec.codec import decoder
from dvcodec.codec.loaders import Loaders
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.interface.hierarchy import Hierarchy, LayerSpec, PassSettings, Residuals, Step, SymbolSource
from dvcodec.models.interface.photo import PhotoModel, Region
from dvcodec.progress import OnProgress, ignore


class _Watch:
    """Passes every step on to a symbol source and notes what that chose."""

    def __init__(self, source: SymbolSource, note: Callable[[Step, NDArray[np.int32]], None]) -> None:
        self._source, self._note = source, note

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return the inner source's symbols."""
        symbols = self._source.next(step)
        self._note(step, symbols)
        return symbols


class Recorder:
    """A hierarchy that is another one, watched. With `priors`, the hash covers the prior weights of every step too."""

    def __init__(self, hierarchy: Hierarchy, *, priors: bool = False) -> None:
        self._hierarchy, self._priors = hierarchy, priors
        self._hash = hashlib.sha256()
        self.asked: list[int] = []
        """The layer of every step, in order."""
        self.passes = 0
        """How many passes the last lookahead made."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        return self._hierarchy.name

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The layers in coding order."""
        return self._hierarchy.layers

    @property
    def residuals(self) -> Residuals | None:
        """How symbols that are whole numbers are coded."""
        return self._hierarchy.residuals

    def infer(self, pixels: NDArray[np.uint8], quality: int) -> object:
        """Pass on."""
        return self._hierarchy.infer(pixels, quality)

    def top_down_pass(self, settings: PassSettings, source: SymbolSource, targets: object | None = None) -> object:
        """Pass on, watching the symbol source."""
        return self._hierarchy.top_down_pass(settings, _Watch(source, self._note), targets)

    def render(self, state: object) -> NDArray[np.uint8]:
        """Pass on."""
        return self._hierarchy.render(state)

    def _note(self, step: Step, symbols: NDArray[np.int32]) -> None:
        self.asked.append(step.layer)
        self._hash.update(symbols.astype("<i4").tobytes())
        if self._priors:
            self._hash.update(step.weights().astype("<f4").tobytes())

    def digest(self) -> str:
        """SHA-256 of all symbols (int32, little-endian) in coding order, and of the priors if asked for."""
        return self._hash.hexdigest()


class PhotoRecorder(Recorder):
    """A model of photographs that is another one, watched."""

    def __init__(self, model: PhotoModel, *, priors: bool = False) -> None:
        super().__init__(model, priors=priors)
        self._model = model
        self.exact_pixels, self.filter_shape, self.filter_tables = (
            model.exact_pixels,
            model.filter_shape,
            model.filter_tables,
        )

    def lookahead_targets(
        self, pixels: NDArray[np.uint8], settings: PassSettings, passes: int, *, perceptual: bool
    ) -> object:
        """Pass on."""
        self.passes = passes
        return self._model.lookahead_targets(pixels, settings, passes, perceptual=perceptual)

    def saturation(self, state: object, targets: object) -> float:
        """Pass on."""
        return self._model.saturation(state, targets)

    def fit(self, state: object, pixels: NDArray[np.uint8], on_progress: OnProgress = ignore) -> ImageFilter | None:
        """Pass on."""
        return self._model.fit(state, pixels, on_progress)

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> NDArray[np.uint8]:
        """Pass on."""
        return self._model.render(state, image_filter, region, on_progress)

    def reduced_layers(self, denominator: int) -> int:
        """Pass on."""
        return self._model.reduced_layers(denominator)

    def render_reduced(self, state: object, denominator: int) -> NDArray[np.uint8]:
        """Pass on."""
        return self._model.render_reduced(state, denominator)


def watched(hierarchy: Hierarchy, *, priors: bool = False) -> Recorder:
    """A hierarchy that is this one, watched: a model of photographs if this one is."""
    if isinstance(hierarchy, PhotoModel):
        return PhotoRecorder(hierarchy, priors=priors)
    return Recorder(hierarchy, priors=priors)


def decoded(
    data: bytes,
    hierarchy: Hierarchy,
    *,
    priors: bool = False,
    loaders: Loaders = Loaders(),  # noqa: B008
) -> tuple[str, decoder.Decoded]:
    """The hash of a .dvq file's symbols as this hierarchy decodes them, and the picture."""
    recorder = watched(hierarchy, priors=priors)
    result = decoder.decompress(data, replace(loaders, hierarchy=lambda prefix: recorder))
    return recorder.digest(), result
