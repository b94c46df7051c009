"""The second decoder of the light network finds the symbols and the pixels that the package finds, all of them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import reference_light
import safetensors.numpy
import small_model
import torch
from numpy.typing import NDArray
from reference_decoder import parse
from reference_light import Integers, LightWeights
from reference_light_pixels import decode
from small_light import SMALL
from test_image_filter import some_filter

from dvcodec.codec import decoder
from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.header import Header
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossy import adaptive_filter, symbol_chunks
from dvcodec.models.integer import weights_file
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.light.file import write
from dvcodec.models.light.model import LightPhotoModel
from dvcodec.models.light.runtime import group_coding
from dvcodec.models.light.runtime.model import RuntimeLightModel
from dvcodec.models.light.runtime.top_down import LightState
from dvcodec.models.photo.quality import QualityMap

Pixels = NDArray[np.uint8]
SHIPPED = small_model.ROOT / "weights" / "rrvq-light.safetensors"
VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "alone": {"neighbours": 0},
    "deep": {"blocks": 2, "postfilter_pairs": 2, "neighbours": 8},
    "unfiltered": {"postfilter_width": 0},
}


LIVELY = {
    "prior_head.weight": 0.3,
    "neighbour_embedding.weight": 0.1,
    "symbol_embedding.weight": 0.2,
    "close.weight": 0.2,
    "plain": 0.6,
    "tuned": 0.4,
    "quality": 0.3,
    "tail": 0.5,
    "log_step": 0.2,
    "shrink": 0.1,
    "bias": 0.2,
    "first.weight": 0.08,
    "second.weight": 0.06,
    "last.weight": 0.04,
}
"""How much is added at random to parameters whose names end like this, so that results depend on all of them."""


@dataclass
class Model:
    """A weights file as the package reads it, and as the second decoder does."""

    hierarchy: RuntimeLightModel
    weights: LightWeights


def model_of(data: bytes) -> Model:
    """Read a weights file's bytes twice."""
    hierarchy = small_model.load_runtime(data)
    assert isinstance(hierarchy, RuntimeLightModel)
    return Model(hierarchy, LightWeights(data))


@cache
def weights_of(variant: str) -> bytes:
    """The weights file of a small model whose networks are random and lively."""
    drawn = torch.Generator().manual_seed(3)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        model = LightPhotoModel(replace(SMALL, **VARIANTS[variant])).eval()
        for name, tensor in model.state_dict().items():
            for end, spread in LIVELY.items():
                if name.endswith(end):
                    tensor.add_(torch.empty_like(tensor).normal_(0, spread, generator=drawn))
    return write(model, QualityMap(300, 3900, 1700), variant)


@cache
def small(variant: str = "usual") -> Model:
    """A small model."""
    return model_of(weights_of(variant))


def altered(change: Callable[[str, NDArray[Any]], NDArray[Any]]) -> bytes:
    """The small model's weights file with other values in its tensors."""
    data = weights_of("usual")
    tensors = {name: change(name, values) for name, values in safetensors.numpy.load(data).items()}
    return weights_file.write(weights_file.metadata_of(data), tensors)


@cache
def wild() -> Model:
    """A model whose weights, exponents, biases and vectors are as different as they may be."""
    drawn, bounds = (
        np.random.default_rng(4),
        {"weight": 63, "bias": 2**21, "plain": 2000, "tuned": 2000, "quality": 2000},
    )

    def change(name: str, values: NDArray[Any]) -> NDArray[Any]:
        end = name.split(".")[-1]
        if end == "shift":
            return drawn.integers(-4, 21, values.shape).astype(np.int8)
        if end in bounds:
            return drawn.integers(-bounds[end], bounds[end] + 1, values.shape).astype(np.int32)
        return values

    return model_of(altered(change))


def coded(model: Model, array: Pixels, quality: float, tuning: int) -> bytes:
    """A file of these pixels."""
    code, (height, width) = round(quality * 256), array.shape[:2]
    found = symbol_chunks.encode(array, model.hierarchy, code, perceptual=bool(tuning))
    return file_of(model, found.chunks, (height, width), code, tuning, grey=array.ndim == 2)


def file_of(
    model: Model,
    chunks: tuple[Chunk, ...],
    size: tuple[int, int],
    code: int,
    tuning: int,
    *,
    grey: bool = False,
    section: bytes = b"",
) -> bytes:
    """A file of these chunks, perhaps with an adaptive filter."""
    mode, prefix = "L" if grey else "RGB", model.weights.id
    header = Header(width=size[1], height=size[0], mode=mode, quality=code, perceptual=bool(tuning), weights=prefix)
    return assemble(header, Parts(chunks, adaptive_filter=section))


def package(model: Model, data: bytes, chunks: int | None = None) -> tuple[dict[int, Integers], Pixels]:
    """What the package decodes: symbols (coefficients, positions) by stride, and pixels."""
    file, count = parse(data), chunks or len(parse(data).chunks)
    settings = PassSettings(
        file.height,
        file.width,
        file.quality & 0x7FFF,
        grey=file.grey,
        perceptual=file.quality >= 1 << 15,
        stop=sum(layers for layers, _ in file.chunks[:count]),
    )
    parts = tuple(Chunk(*chunk) for chunk in file.chunks[:count])
    state = symbol_chunks.decode(parts, model.hierarchy, settings)
    assert isinstance(state, LightState)
    loaders = Loaders(hierarchy=lambda prefix: model.hierarchy)
    pixels = decoder.decompress(data, loaders, preview=chunks).picture.pixels
    return {stride: symbols.astype(np.int64) for stride, symbols in state.symbols.items()}, pixels


def same(model: Model, data: bytes, chunks: int | None = None) -> Pixels:
    """Hold the second decoder's symbols and pixels to the package's; return the latter."""
    symbols, pixels = decode(data, model.weights, chunks)
    wanted, shown = package(model, data, chunks)
    assert symbols.keys() == wanted.keys()
    for stride, found in symbols.items():
        assert np.array_equal(found.reshape(-1, found.shape[2]).T, wanted[stride])
    assert pixels.dtype == shown.dtype == np.uint8 and pixels.shape == shown.shape and np.array_equal(pixels, shown)
    return shown


def agree(model: Model, array: Pixels, quality: float) -> None:
    """Files of these pixels, and of the green ones in grey, of both tunings, are the same to both decoders."""
    for pixels, tuning in itertools.product((array, np.ascontiguousarray(array[:, :, 1])), (0, 1)):
        assert same(model, coded(model, pixels, quality, tuning)).shape == pixels.shape


@pytest.mark.parametrize(
    ("size", "quality"),
    [((1, 1), 1), ((1, 1), 100), ((7, 9), 37.3), ((8, 64), 60), ((40, 72), 1), ((65, 33), 100), ((3, 130), 80)],
    ids=str,
)
def test_sizes_and_qualities(size: tuple[int, int], quality: float) -> None:
    agree(small(), small_model.photograph(*size), quality)


@pytest.mark.parametrize("variant", list(VARIANTS)[1:])
def test_variants(variant: str) -> None:
    agree(small(variant), small_model.photograph(33, 40), 60)


@pytest.mark.parametrize("levels", [(0, 255), tuple(range(256))], ids=["extremes", "noise"])
def test_large_symbols(levels: tuple[int, ...]) -> None:
    array = np.random.default_rng(2).choice(np.array(levels, np.uint8), (41, 46, 3))
    data = coded(small(), array, 100, 0)
    same(small(), data)
    assert max(np.abs(symbols).max() for symbols in decode(data, small().weights)[0].values()) > 64


@pytest.mark.parametrize("quality", [5, 95.5])
def test_sums_and_states_beyond_all_bounds(quality: float) -> None:
    agree(wild(), small_model.photograph(8, 9), quality)


def test_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_coding, "STEP_POSITIONS", 7)
    monkeypatch.setattr(reference_light, "STEP", 7)
    agree(small(), small_model.photograph(33, 40), 60)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("grey", [False, True])
def test_previews(grey: bool) -> None:
    array = small_model.photograph(49, 66)
    data = coded(small(), np.ascontiguousarray(array[:, :, 1]) if grey else array, 95, 1)
    shown = [same(small(), data, chunks) for chunks in range(1, len(parse(data).chunks))]
    assert len(shown) >= 2 and not any(np.array_equal(a, b) for a, b in itertools.pairwise(shown))


@pytest.mark.parametrize("exponents", [(0, 6), (1, 0), (0, 12)])
def test_adaptive_filters(exponents: tuple[int, int]) -> None:
    array = small_model.photograph(20, 262)
    found = symbol_chunks.encode(array, small().hierarchy, 9000)
    some = some_filter(20, 262, 256 << exponents[0])
    made = replace(some, precision=exponents[1], steps=some.steps * (1 if exponents[1] == 6 else 28))
    section = adaptive_filter.pack(made, small().hierarchy)
    data = file_of(small(), found.chunks, (20, 262), 9000, 0, section=section)
    plain = file_of(small(), found.chunks, (20, 262), 9000, 0)
    assert not np.array_equal(same(small(), data), same(small(), plain))


def test_weights_of_more_than_7_bits_are_refused() -> None:
    def change(name: str, values: NDArray[Any]) -> NDArray[Any]:
        return np.where(values == values.max(), 64, values).astype(np.int8) if name == "grow.1.weight" else values

    with pytest.raises(Exception, match="more than 7 bits"):
        small_model.load_runtime(altered(change))


def test_the_weights_of_the_light_network() -> None:
    model = model_of(SHIPPED.read_bytes())
    for tuning in (0, 1):
        same(model, coded(model, small_model.photograph(48, 56), 60, tuning))
