"""The top-down pass in integers: stage by stage, the source decides the symbols of each group."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ...interface.hierarchy import LayerSpec, PassSettings, SymbolSource
from ...photo.layout import COEFFICIENTS
from ...photo.runtime.windows import grid_sizes
from ...slices import slices
from ..config import STRIDES, LightConfig
from ..grids import ENCODING
from ..layout import light_layout
from ..tables import ALPHABET
from .group_coding import Choice, GroupCoding
from .groups import LightGroup, encoding
from .maps import LightMap, activation, bounded, stream
from .networks import STRIP_POSITIONS, Entry
from .posterior import LightTargets

Symbols = dict[int, NDArray[np.int16]]
"""Symbols by stride: (COEFFICIENTS[stride], positions), those of no group are 0."""


@dataclass(frozen=True)
class LightState:
    """What a pass has built.

    Args:
        symbols: by stride.
        size: height and width in pixels.
        quality: the network quality.
        perceptual: whether the image is coded for the eye.
    """

    symbols: Symbols
    size: tuple[int, int]
    quality: int
    perceptual: bool


class StageMaps:
    """The maps of a stage."""

    def __init__(self, tensors: Any, config: LightConfig, stride: int, stage: int, *, neighbours: bool) -> None:
        stages = light_layout()[stride]
        groups, last = stages[stage], stride == STRIDES[-1] and stage + 1 == len(stages)
        width = config.widths[stride]
        self.entry = Entry(tensors, width, config.blocks)
        self.head = LightMap(tensors.below("head"), width, config.hidden)
        self.groups = [
            LightGroup(tensors.below(f"groups.{i}"), channels, config, last=i + 1 == len(groups), neighbours=neighbours)
            for i, channels in enumerate(groups)
        ]
        self.close = None if last else LightMap(tensors.below("close"), ENCODING * sum(map(len, groups)), width)
        """None in the last stage, since nothing needs the state after it."""


class Closing:
    """Collects what the symbols of a stage's groups change in the state, group after group.

    Args:
        close: the map from the encodings of all groups to the state.
        state: (C, n), changed in place at the end.
    """

    def __init__(self, close: LightMap, state: Float32[NDArray[np.float32], "C n"]) -> None:
        self.map, self.state = close, state
        self._sums = np.empty_like(state)
        self._sums[:] = close.bias[:, None]

    def add(self, encoded: Float32[NDArray[np.float32], "some n"], inputs: slice, positions: slice) -> None:
        """Add some inputs, the encodings of a group, at some positions."""
        weight = self.map.weight[:, inputs]
        self._sums[:, positions] += np.ascontiguousarray(weight) @ encoded

    def close(self) -> None:
        """Change the state."""
        for some in slices(self.state.shape[1], STRIP_POSITIONS):
            self.state[:, some] = stream(self.state[:, some], self.map.rounded(self._sums[:, some]))


class TopDownMaps:
    """All maps that probabilities depend on.

    Args:
        config: sizes.
        tensors: those of the weights file.

    Raises:
        ValueError: they do not fit, or a sum could round.
    """

    def __init__(self, config: LightConfig, tensors: Any) -> None:
        self.config = config
        self.stages: dict[int, list[StageMaps]] = {}
        count = 0
        for stride, stages in light_layout().items():
            self.stages[stride] = []
            for i in range(len(stages)):
                below = tensors.below(f"stages.{stride}.{i}")
                near = count < config.neighbours
                self.stages[stride].append(StageMaps(below, config, stride, i, neighbours=near))
                count += 1
        widths = [config.widths[stride] for stride in STRIDES]
        self.grow = [
            LightMap(tensors.below(f"grow.{i}"), a, 4 * b) for i, (a, b) in enumerate(itertools.pairwise(widths))
        ]

    def layers(self) -> tuple[LayerSpec, ...]:
        """Return a description of each group in coding order."""
        return tuple(
            LayerSpec(f"{stride}/{i}.{j}", stride, ALPHABET.size, _chroma(stride, group), ALPHABET.size // 2)
            for stride, stages in self.stages.items()
            for i, stage in enumerate(stages)
            for j, group in enumerate(stage.groups)
        )

    def run(
        self, settings: PassSettings, quality: int, source: SymbolSource, targets: LightTargets | None = None
    ) -> LightState:
        """Run the pass over an image.

        Args:
            settings: of the pass.
            quality: the network quality.
            source: decides the symbols.
            targets: what an encoder codes.
        """
        return _Pass(self, settings, quality, source, targets).run()


def _chroma(stride: int, group: LightGroup) -> bool:
    """Tell whether a group holds coefficients of colour only."""
    return not any(colour_of(stride, int(channel)) == 0 for channel in group.channels)


def colour_of(stride: int, channel: int) -> int:
    """Return the colour of a coefficient: 0 luminance, 1 and 2 chrominance."""
    return channel // 64 if stride == STRIDES[-1] else channel % 3


class _Pass:
    """One pass: the symbols and the state so far."""

    def __init__(
        self,
        networks: TopDownMaps,
        settings: PassSettings,
        quality: int,
        source: SymbolSource,
        targets: LightTargets | None,
    ) -> None:
        self.networks, self.settings, self.quality = networks, settings, quality
        self.perceptual, self.choice = settings.perceptual, Choice(source, targets, quality, settings.perceptual)
        size = settings.height, settings.width
        self.sizes = grid_sizes(size)
        self.symbols: Symbols = {
            s: np.zeros((COEFFICIENTS[s], rows * columns), np.int16) for s, (rows, columns) in self.sizes.items()
        }
        self.layer = 0
        self.layers = networks.layers()
        stop = len(self.layers) if settings.stop is None else settings.stop
        self.stop = min(stop, len(self.layers))

    def run(self) -> LightState:
        """Run all stages."""
        rows, columns = self.sizes[STRIDES[0]]
        state = np.zeros((1, self.networks.config.widths[STRIDES[0]], rows, columns), np.float32)
        for i, stride in enumerate(STRIDES):
            if self.settings.partial and self.layer >= self.stop:
                break
            if i:
                state = self._finer(i - 1, state, self.sizes[stride])
            for stage in self.networks.stages[stride]:
                if self.settings.partial and self.layer >= self.stop:
                    break
                state = self._stage(stride, stage, state)
        size = self.settings.height, self.settings.width
        return LightState(self.symbols, size, self.quality, self.perceptual)

    def _finer(self, index: int, state: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the state of the next finer stride."""
        _, channels, rows, columns = state.shape
        flat, grow = state.reshape(channels, -1), self.networks.grow[index]
        grown = np.empty((grow.outputs, flat.shape[1]), np.float32)
        for some in slices(flat.shape[1], STRIP_POSITIONS):
            grown[:, some] = bounded(grow(activation(flat[:, some])))
        parts = grown.reshape(-1, 2, 2, rows, columns).transpose(0, 3, 1, 4, 2).reshape(-1, 2 * rows, 2 * columns)
        return np.ascontiguousarray(parts[None, :, : size[0], : size[1]])

    def _stage(self, stride: int, stage: StageMaps, state: NDArray[np.float32]) -> NDArray[np.float32]:
        """Code a stage; return the state after it."""
        state = stage.entry(state, self.quality, self.perceptual)
        _, channels, rows, columns = state.shape
        flat = state.reshape(channels, -1)
        features = np.empty((self.networks.config.hidden, flat.shape[1]), np.float32)
        for some in slices(flat.shape[1], STRIP_POSITIONS):
            features[:, some] = bounded(stage.head(activation(flat[:, some])))
        closing = Closing(stage.close, flat) if stage.close is not None else None
        inputs = slice(0, 0)
        for group in stage.groups:
            symbols = self._group(stride, group, features, (rows, columns))
            inputs = slice(inputs.stop, inputs.stop + ENCODING * len(symbols))
            self.symbols[stride][group.channels] = symbols
            self.layer += 1
            for some in slices(flat.shape[1], STRIP_POSITIONS):
                encoded = encoding(symbols[:, some])
                if closing is not None:
                    closing.add(encoded, inputs, some)
                if group.embedding is not None:
                    features[:, some] = stream(features[:, some], group.embedding(encoded))
        if closing is not None:
            closing.close()
        return state

    def _group(
        self, stride: int, group: LightGroup, features: NDArray[np.float32], size: tuple[int, int]
    ) -> NDArray[np.int16]:
        """Return a group's symbols (G, N); its neighbours' messages are added to the features, in place."""
        symbols = np.zeros((len(group.channels), features.shape[1]), np.int16)
        skipped = self.layer >= self.stop or (self.settings.grey and self.layers[self.layer].chroma)
        coding = None if skipped else GroupCoding(self.choice, self.layer, stride, group, features, symbols)
        if group.neighbours is None:
            if coding is not None:
                coding.code(np.arange(features.shape[1]))
            return symbols
        first, second = halves(size)
        if coding is not None:
            coding.code(first)
        messages = group.neighbours(encoding(symbols).reshape(1, -1, *size) * _anchors(size))
        flat = messages.reshape(len(features), -1)
        for some in slices(len(second), STRIP_POSITIONS):
            features[:, second[some]] = stream(features[:, second[some]], flat[:, second[some]])
        if coding is not None:
            coding.code(second)
        return symbols


def halves(size: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of a checkerboard that are coded first, and the others, in raster order."""
    even = (np.arange(size[0])[:, None] + np.arange(size[1])) % 2 == 0
    return np.flatnonzero(even), np.flatnonzero(~even)


def _anchors(size: tuple[int, int]) -> NDArray[np.float32]:
    """Return 1 at the positions that are coded first, else 0."""
    return np.asarray((np.arange(size[0])[:, None] + np.arange(size[1])) % 2 == 0, np.float32)
