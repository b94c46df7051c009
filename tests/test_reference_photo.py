"""The second decoder of photographs finds the symbols and the pixels that the package finds."""

import itertools
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import small_model
import torch
from numpy.typing import NDArray
from reference_decoder import ReferenceSource, parse
from reference_photo import Weights
from reference_synthesis import decode

from dvcodec.codec import decoder
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossy import symbol_chunks
from dvcodec.models.interface.hierarchy import PassSettings, Step
from dvcodec.models.photo.codec_model import PhotoCodecModel
from dvcodec.models.photo.file import write
from written_files import lossy_file

Pixels = NDArray[np.uint8]
VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "alone": {"neighbours": 0},
    "direct": {"prior": "direct"},
    "canvas": {"layout": "canvas", "prior": "direct", "predictions": False},
    "lapped": {"transform": "lapped"},
    "unfiltered": {"postfilter_width": 0},
}
LIVELY = {"mean.bias": 0.3, "head.bias": 8.0, "synthesis.quality": 0.5, "postfilter.quality": 0.5, ".last.weight": 0.1}
"""How much parameters are made to vary whose names end like this, for what depends on them to show."""


@dataclass
class Model:
    """A weights file as the package reads it, and as the second decoder does."""

    hierarchy: PhotoCodecModel
    weights: Weights


def model_of(data: bytes) -> Model:
    """Read a weights file's bytes twice."""
    return Model(small_model.load(data), Weights(data))


@cache
def small(variant: str) -> Model:
    """A variant of the small model that is livelier still."""
    built = small_model.built(replace(small_model.CONFIG, **VARIANTS[variant]))
    drawn = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            for end, spread in LIVELY.items():
                if name.endswith(end):
                    parameter.normal_(std=spread, generator=drawn)
    return model_of(write(built, small_model.QUALITIES, variant))


@cache
def shipped() -> Model:
    """The default weights of photographs."""
    return model_of((small_model.ROOT / "weights" / "rrvq-photo.safetensors").read_bytes())


def coded(model: Model, array: Pixels, quality: float) -> bytes:
    """A file of these pixels."""
    code, grey = round(quality * 256), array.ndim == 2
    chunks = symbol_chunks.encode(array, model.hierarchy, code).chunks
    mode = "L" if grey else "RGB"
    return lossy_file((array.shape[0], array.shape[1]), chunks, quality=code, weights=model.weights.id, mode=mode)


class Taking(ReferenceSource):
    """Takes down the symbols of the layers that the package decodes."""

    def __init__(self, data: bytes, chunks: int | None) -> None:
        """Begin before the first chunk."""
        super().__init__(parse(data))
        self.chunks = self.chunks[:chunks]
        self.taken: dict[int, list[int]] = {}

    def next(self, step: Step) -> NDArray[np.int32]:
        """Decode one block."""
        symbols = super().next(step)
        self.taken.setdefault(step.layer, []).extend(symbols.tolist())
        return symbols


def same(model: Model, data: bytes, chunks: int | None = None) -> Pixels:
    """Hold the second decoder's symbols and, up to rounding, pixels to the package's; return these."""
    file, source = parse(data), Taking(data, chunks)
    stop = sum(layers for layers, _ in source.chunks)
    model.hierarchy.top_down_pass(
        PassSettings(file.height, file.width, file.quality, grey=file.grey, stop=stop), source
    )
    source.finish()
    loaders = Loaders(hierarchy=lambda prefix: model.hierarchy)
    wanted = decoder.decompress(data, loaders, preview=chunks).picture.pixels
    symbols, pixels = decode(data, model.weights, chunks)
    assert len(symbols) >= stop and {i: symbols[i].tolist() for i in source.taken} == source.taken
    assert pixels.shape == wanted.shape and pixels.dtype == wanted.dtype == np.uint8
    apart = np.abs(pixels.astype(int) - wanted)
    assert apart.max() <= 1 and (apart > 0).mean() < 0.01
    return wanted


def agree(model: Model, array: Pixels, quality: float) -> None:
    """A file of these pixels, and one of the green ones in grey, are the same to both decoders."""
    for pixels in (array, np.ascontiguousarray(array[:, :, 1])):
        assert same(model, coded(model, pixels, quality)).shape == pixels.shape


@pytest.mark.parametrize(
    ("size", "quality"),
    [((1, 1), 1), ((1, 1), 100), ((7, 9), 37.3), ((40, 72), 1), ((40, 72), 100), ((65, 33), 37.3)],
    ids=str,
)
def test_sizes_and_qualities(size: tuple[int, int], quality: float) -> None:
    agree(small("usual"), small_model.picture(*size), quality)


@pytest.mark.parametrize("variant", list(VARIANTS)[1:])
def test_variants(variant: str) -> None:
    agree(small(variant), small_model.picture(20, 70), 60)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("grey", [False, True])
def test_previews(grey: bool) -> None:
    array = small_model.picture(36, 70)
    data = coded(small("usual"), np.ascontiguousarray(array[:, :, 1]) if grey else array, 60)
    shown = [same(small("usual"), data, chunks) for chunks in range(1, len(parse(data).chunks))]
    assert len(shown) >= 2 and not any(np.array_equal(a, b) for a, b in itertools.pairwise(shown))


def test_the_default_weights() -> None:
    agree(shipped(), small_model.photograph(33, 48), 95)
