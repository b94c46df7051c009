"""Watches a walk from outside: which symbols were chosen, under which integer priors."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dvcodec.codec import decoder
from dvcodec.codec.loaders import Loaders
from dvcodec.models.interface.adaptive_filter import Filtering, ImageFilter
from dvcodec.models.interface.hierarchy import Chooser, Foreseeing, Hierarchy, LayerSpec, Predictive, Step


class _Watch:
    """Passes every step on to a chooser and takes down what it chose."""

    def __init__(self, chooser: Chooser, note: Callable[[Step, NDArray[np.int32]], None]) -> None:
        self._chooser, self._note = chooser, note

    def choose(self, step: Step) -> NDArray[np.int32]:
        """Return the inner chooser's symbols."""
        symbols = self._chooser.choose(step)
        self._note(step, symbols)
        return symbols


class Recorder:
    """A hierarchy that is another one, watched. With `priors`, the hash covers the prior weights of every step too."""

    def __init__(self, hierarchy: Hierarchy, *, priors: bool = False) -> None:
        self._hierarchy, self._priors = hierarchy, priors
        self._hash = hashlib.sha256()
        self.asked: list[int] = []
        """The layer of every step, in order."""
        self.walks = 0
        """How many walks looked ahead, the last time."""

    @property
    def name(self) -> str:
        """Name of the weights."""
        return self._hierarchy.name

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The layers in coding order."""
        return self._hierarchy.layers

    def infer(self, pixels: NDArray[np.uint8], quality: int) -> object:
        """Pass on."""
        return self._hierarchy.infer(pixels, quality)

    def foresee(
        self, pixels: NDArray[np.uint8], quality: int, walks: int, *, grey: bool = False, perceptual: bool = False
    ) -> object:
        """Pass on."""
        if not isinstance(self._hierarchy, Foreseeing):
            return self._hierarchy.infer(pixels, quality)
        self.walks = walks
        return self._hierarchy.foresee(pixels, quality, walks, grey=grey, perceptual=perceptual)

    def walk(
        self,
        height: int,
        width: int,
        quality: int,
        chooser: Chooser,
        *,
        grey: bool = False,
        evidence: object | None = None,
        stop: int | None = None,
        exact: bool = False,
    ) -> object:
        """Pass on, watching the chooser."""
        watch = _Watch(chooser, self._note)
        asked: dict[str, Any] = {"grey": grey, "evidence": evidence, "stop": stop}
        if not exact:
            return self._hierarchy.walk(height, width, quality, watch, **asked)
        assert isinstance(self._hierarchy, Predictive)
        return self._hierarchy.walk(height, width, quality, watch, **asked, exact=True)

    def predict(self, state: object) -> NDArray[np.uint8]:
        """Pass on."""
        assert isinstance(self._hierarchy, Predictive)
        return self._hierarchy.predict(state)

    @property
    def filter_shape(self) -> tuple[int, int]:
        """Pass on."""
        return self._filtering.filter_shape

    @property
    def filter_tables(self) -> NDArray[np.float32]:
        """Pass on."""
        return self._filtering.filter_tables

    def fit(self, state: object, pixels: NDArray[np.uint8]) -> ImageFilter | None:
        """Pass on."""
        return self._filtering.fit(state, pixels)

    def render(self, state: object, image_filter: ImageFilter | None = None) -> NDArray[np.uint8]:
        """Pass on."""
        if image_filter is None:
            return self._hierarchy.render(state)
        return self._filtering.render(state, image_filter)

    @property
    def _filtering(self) -> Filtering:
        """The hierarchy, if it filters; without it, nor does this one."""
        if not isinstance(self._hierarchy, Filtering):
            raise AttributeError
        return self._hierarchy

    def _note(self, step: Step, symbols: NDArray[np.int32]) -> None:
        self.asked.append(step.layer)
        self._hash.update(symbols.astype("<i4").tobytes())
        if self._priors:
            self._hash.update(step.weights().astype("<f4").tobytes())

    def digest(self) -> str:
        """SHA-256 of all symbols (int32, little-endian) in coding order, and of the priors if asked for."""
        return self._hash.hexdigest()


def decoded(
    data: bytes,
    hierarchy: Hierarchy,
    *,
    priors: bool = False,
    loaders: Loaders = Loaders(),  # noqa: B008
) -> tuple[str, decoder.Decoded]:
    """The hash of a .dvq file's symbols as this hierarchy decodes them, and the picture."""
    recorder = Recorder(hierarchy, priors=priors)
    result = decoder.decompress(data, replace(loaders, hierarchy=lambda prefix: recorder))
    return recorder.digest(), result
