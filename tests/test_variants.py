"""Other layouts and priors of the photograph model: both arithmetics agree, and weights code like the default ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import small_model
import torch
from torch import Tensor

from dvcodec.codec.lossy.symbol_chunks import decode, encode
from dvcodec.models import configs
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.photo import layout
from dvcodec.models.photo.file import write
from dvcodec.models.photo.network.model import PhotoRRVQ, grid_sizes
from dvcodec.models.photo.network.top_down import PhotoStep, run_photo_pass
from dvcodec.models.photo.packing import pack, unpack
from dvcodec.training.data.synthetic import KINDS, synthetic_crop
from dvcodec.training.warm_start.photo import warm_start_photo_model

CONFIGS = {
    "alone": replace(small_model.CONFIG, neighbours=0),
    "direct": replace(small_model.CONFIG, prior="direct"),
    "canvas": replace(small_model.CONFIG, layout="canvas", prior="direct", predictions=False),
}
SIZE = (72, 104)


class Draws:
    """Symbols at random, a function of layer and position alone; takes down the exact scores."""

    def __init__(self) -> None:
        self.scores: dict[int, list[Tensor]] = {}

    def next(self, step: PhotoStep) -> Tensor:
        """Symbols (n,)."""
        self.scores.setdefault(step.index, []).append(step.layer.exact_scores(step.embedding))
        return (small_model.places(step.rows) * 7919 + step.index * 104729) % step.layer.symbols


@pytest.mark.parametrize("name", CONFIGS)
def test_both_arithmetics_see_the_same_priors(name: str) -> None:
    model = PhotoRRVQ(CONFIGS[name]).eval()
    with torch.no_grad():
        unpack(model, pack(small_model.built(CONFIGS[name])))
    quality, seen = torch.tensor([2000]), []
    for chain in (model.chain, small_model.integer_chain(model, positions=50, entries=4096)):
        draws = Draws()
        with torch.inference_mode():
            state, reconstruction = run_photo_pass(chain, grid_sizes(SIZE), quality, draws)
        seen.append((state, reconstruction, [torch.cat(scores) for scores in draws.scores.values()]))
    (state, reconstruction, scores), (again, planes, others) = seen
    assert torch.equal(state, again)
    assert all(torch.equal(a, b) for a, b in zip(scores, others, strict=True)) and len(scores) == len(others)
    assert all((reconstruction[s] - planes[s]).abs().max() < 1e-2 for s in reconstruction)


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_of_a_variant_code_a_picture(name: str) -> None:
    model = small_model.built(CONFIGS[name])
    hierarchy = small_model.load(write(model, small_model.QUALITIES, name))
    picture = small_model.picture(*SIZE)
    encoded = encode(picture, hierarchy, 25600)
    again = small_model.load(write(model, small_model.QUALITIES, name))
    state = decode(encoded.chunks, again, PassSettings(*SIZE, 25600))
    assert np.array_equal(hierarchy.render(state), hierarchy.render(encoded.state))
    assert sum(encoded.layer_bits) / 8 <= sum(len(chunk.payload) for chunk in encoded.chunks)


def test_a_layout_that_is_not_known_is_no_weights_file() -> None:
    data = write(small_model.built(small_model.CONFIG), small_model.QUALITIES, "x")
    with pytest.raises(ValueError, match="layout"):
        small_model.load(small_model.with_config(data, layout="photo-97"))


def test_weights_carry_over_to_another_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = {stride: [list(stage) for stage in held] for stride, held in layout.photo_plan("photo-96").items()}
    stages[8][1] = [replace(plan, symbols=96) for plan in stages[8][1]]
    del stages[8][-1][-3:]
    monkeypatch.setattr(configs, "Layout", Literal["photo-96", "canvas", "another"])
    monkeypatch.setitem(layout.LAYOUTS, "another", lambda: stages)
    source = small_model.built(replace(small_model.CONFIG, layout="another"))  # type: ignore[arg-type]
    weights = tmp_path / "old.safetensors"
    weights.write_bytes(write(source, small_model.QUALITIES, "old"))
    model = PhotoRRVQ(small_model.CONFIG)
    carried = warm_start_photo_model(model, weights)
    known = {(layer.name, layer.coefficients, layer.symbols): layer for layer in source.chain.layers()}
    mine = [(layer, known.get((layer.name, layer.coefficients, layer.symbols))) for layer in model.chain.layers()]
    assert carried == sum(theirs is not None for _, theirs in mine) == 96 - 3 - 3
    for layer, theirs in mine:
        assert theirs is None or torch.allclose(layer.codeword_table(), theirs.codeword_table(), atol=1 / 16)
    assert torch.equal(model.chain.scales()[3][0].head.quantised()[0], source.chain.scales()[3][0].head.quantised()[0])


@pytest.mark.parametrize("kind", KINDS)
def test_synthetic_crops_are_lively(kind: Callable[[int, np.random.Generator], np.ndarray]) -> None:
    drawn = [kind(32, np.random.default_rng(seed)) for seed in range(8)]
    assert all(crop.shape == (32, 32, 3) and np.isfinite(crop).all() for crop in drawn)
    assert np.std([crop.mean() for crop in drawn]) > 5 and max(crop.std() for crop in drawn) > 10


def test_synthetic_crops_follow_their_generator() -> None:
    one, same, other = (synthetic_crop(16, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == np.uint8 and np.array_equal(one, same) and not np.array_equal(one, other)
