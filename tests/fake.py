"""A small deterministic hierarchy: it codes block means, and every prior depends on all symbols of earlier layers.

It lets the codec be tested without torch and without weights: integer hashes stand for the network, so a wrong symbol
changes every later prior and shows at once.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.interface.hierarchy import LayerSpec, PassSettings, Residuals, SymbolSource
from dvcodec.models.interface.photo import Region
from dvcodec.models.photo.adaptive_filter.fit import tables
from dvcodec.progress import OnProgress, ignore

LAYERS = (
    LayerSpec("64/y", 64, 32, False, 16),
    LayerSpec("64/c", 64, 7, True, 3),
    LayerSpec("32/y", 32, 17, False, 8),
    LayerSpec("16/y", 16, 9, False, 4),
    LayerSpec("16/c", 16, 5, True, 2),
    LayerSpec("8/y1", 8, 64, False, 32),
    LayerSpec("8/y2", 8, 2, False, 0),
    LayerSpec("8/c", 8, 9, True, 4),
)
_CHANNELS = {False: (1.0, 1.0, 1.0), True: (1.0, 0.0, -1.0)}


def mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return splitmix64 of each value: the same everywhere."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@dataclass
class State:
    """What the pass builds: the picture so far, and the hash of all symbols."""

    reconstruction: NDArray[np.float64]
    context: int
    symbols: list[NDArray[np.int32]]


@dataclass
class FakeStep:
    """One block of rows of one layer."""

    layer: int
    spec: LayerSpec
    positions: NDArray[np.uint64]
    context: int
    wanted: NDArray[np.int32] | None

    @property
    def count(self) -> int:
        """Number of positions."""
        return len(self.positions)

    def weights(self) -> NDArray[np.float32]:
        """Return a prior that peaks at `null_symbol`, with a shape hashed from position, layer and context."""
        k = self.spec.symbols
        seed = (self.context * 4099 + self.layer) % 2**64
        first: NDArray[np.uint64] = self.positions[:, None] * np.uint64(k)
        cells: NDArray[np.uint64] = (first + np.arange(k).astype(np.uint64)) ^ np.uint64(seed)
        raw = (mix(cells) % np.uint64(64)).astype(np.int64)
        raw += 2000 // (1 + np.abs(np.arange(k) - self.spec.null_symbol)) ** 2
        scaled = raw * ((2**24 - (k + 2)) // raw.sum(axis=1, keepdims=True))
        scaled[:, self.spec.null_symbol] += 2**24 - (k + 2) - scaled.sum(axis=1)
        weights: NDArray[np.float32] = scaled.astype(np.float32)
        return weights

    def posterior_mode(self) -> NDArray[np.int32]:
        """Return the symbols nearest to the targets."""
        assert self.wanted is not None
        return self.wanted


class FakeHierarchy:
    """Implements models.interface.hierarchy.Hierarchy; `block` is the number of positions asked for at a time."""

    name = "fake"

    def __init__(self, block: int = 50, salt: int = 0, layers: tuple[LayerSpec, ...] = LAYERS) -> None:
        """`salt` changes every prior: a decoder with another salt has the wrong weights."""
        self.residuals: Residuals | None = None
        self.layers = layers
        self._block, self._salt = block, salt

    def infer(self, pixels: NDArray[np.uint8], quality: int) -> object:
        """The target is the picture itself."""
        assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
        return pixels.astype(np.float64)

    def top_down_pass(self, settings: PassSettings, source: SymbolSource, targets: object | None = None) -> object:
        """Code block means of what is left; the steps of the finest layers shrink as quality rises."""
        state = State(np.full((settings.height, settings.width, 3), 128.0), self._salt, [])
        for index, spec in enumerate(self.layers[: settings.stop]):
            if not (settings.grey and spec.chroma):
                self._layer(state, index, spec, settings.quality, source, targets)
        return state

    def _layer(
        self, state: State, index: int, spec: LayerSpec, quality: int, source: SymbolSource, targets: object | None
    ) -> None:
        shape = tuple(-(-side // spec.stride) for side in state.reconstruction.shape[:2])
        count = shape[0] * shape[1]
        step = 16 * 2.0 ** (-quality / 256 / (50 if spec.chroma else 25)) if spec.stride == 8 else 8.0
        direction = np.array(_CHANNELS[spec.chroma])
        wanted = None
        if targets is not None:
            assert isinstance(targets, np.ndarray)
            means = _means((targets - state.reconstruction) @ direction / (direction @ direction), spec.stride)
            wanted = np.clip(np.rint(means / step) + spec.null_symbol, 0, spec.symbols - 1).astype(np.int32).ravel()
        symbols = np.empty(count, np.int32)
        for first in range(0, count, self._block):
            block = slice(first, min(first + self._block, count))
            positions = np.arange(block.start, block.stop, dtype=np.uint64)
            own = None if wanted is None else wanted[block]
            symbols[block] = source.next(FakeStep(index, spec, positions, state.context, own))
        state.symbols.append(symbols)
        with np.errstate(over="ignore"):
            hashed = mix(symbols.astype(np.uint64) + (np.arange(count) * 65537).astype(np.uint64))
        state.context = (state.context * 31 + int(np.bitwise_xor.reduce(hashed))) % 2**64
        values = ((symbols - spec.null_symbol) * step).reshape(shape)
        grown = values.repeat(spec.stride, axis=0).repeat(spec.stride, axis=1)
        state.reconstruction += (
            grown[: state.reconstruction.shape[0], : state.reconstruction.shape[1], None] * direction
        )

    def render(self, state: object) -> NDArray[np.uint8]:
        """Return the reconstruction as pixels."""
        assert isinstance(state, State)
        return np.clip(np.rint(state.reconstruction), 0, 255).astype(np.uint8)


class FakePhotoModel(FakeHierarchy):
    """A fake that is a model of photographs: it sees nothing ahead, and fits no filter."""

    exact_pixels = True
    filter_shape = 2, 3
    filter_tables = tables()

    def lookahead_targets(
        self, pixels: NDArray[np.uint8], settings: PassSettings, passes: int, *, perceptual: bool
    ) -> object:
        """What `infer` returns."""
        return self.infer(pixels, settings.quality)

    def saturation(self, state: object, targets: object) -> float:
        """None."""
        return 0.0

    def fit(self, state: object, pixels: NDArray[np.uint8], on_progress: OnProgress = ignore) -> ImageFilter | None:
        """No filter."""
        return None

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> NDArray[np.uint8]:
        """The reconstruction as pixels."""
        pixels = super().render(state)
        return pixels if region is None else pixels[region]

    def reduced_layers(self, denominator: int) -> int:
        """Two for 1/8, four for 1/4, all for 1/2."""
        return {8: 2, 4: 4}.get(denominator, len(self.layers))

    def render_reduced(self, state: object, denominator: int) -> NDArray[np.uint8]:
        """The means of squares of the reconstruction."""
        assert isinstance(state, State)
        means = np.stack([_means(colour, denominator) for colour in state.reconstruction.transpose(2, 0, 1)], axis=2)
        return np.asarray(np.clip(np.rint(means), 0, 255).astype(np.uint8))


class FilteringFake(FakePhotoModel):
    """A fake whose pictures can be filtered: by as much as all coefficients are together."""

    def fit(self, state: object, pixels: NDArray[np.uint8], on_progress: OnProgress = ignore) -> ImageFilter:
        """Some coefficients for each region of 256 x 256 pixels; none for the second output."""
        rows, columns = (-(-side // 256) for side in pixels.shape[:2])
        steps = np.zeros((rows, columns, 2, 3), np.int32)
        steps[:, :, 0] = 1, -40, 200
        return ImageFilter(256, 3, steps)

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> NDArray[np.uint8]:
        """The reconstruction as pixels, and the sum."""
        added = 0 if image_filter is None else int(image_filter.steps.sum())
        pixels = super().render(state, None, region).astype(int)
        return np.asarray(np.clip(pixels + added, 0, 255).astype(np.uint8))


def _means(values: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    """Return the means of stride x stride blocks; the last ones may be smaller."""
    rows, columns = np.arange(0, values.shape[0], stride), np.arange(0, values.shape[1], stride)
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)
    heights, widths = np.diff([*rows, values.shape[0]]), np.diff([*columns, values.shape[1]])
    means: NDArray[np.float64] = sums / (heights[:, None] * widths)
    return means


def photograph(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return smooth, coloured, slightly noisy pixels (H, W, 3): what a photograph is to this hierarchy."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x * a + y * b) / 40 + c) for a, b, c in rng.uniform(0.3, 1.5, (3, 3))]
    light, colour = 128 + 70 * waves[0] + 20 * waves[1], 10 * waves[2]
    noisy = np.stack([light + colour, light, light - colour], axis=2) + rng.normal(0, 2, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def file_of(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return an image file's bytes."""
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()
