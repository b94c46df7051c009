"""Positions in two passes: neighbours, and the messages between the halves."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dvcodec.errors import DvcodecError
from dvcodec.models.configs import RRVQConfig
from dvcodec.models.integer.grid import RESIDUAL_BITS, quantise, quantise_residual
from dvcodec.models.photo.file import write
from dvcodec.models.photo.integer.chain import IntegerLayer
from dvcodec.models.photo.network.chain import DifferentiableLayer
from dvcodec.models.photo.network.checkerboard import OFFSETS, SIDES, checkerboard
from dvcodec.models.photo.network.latent import CONTEXT, PhotoLatentLayer
from dvcodec.models.photo.network.model import PhotoRRVQ, grid_sizes
from dvcodec.models.photo.network.top_down import PhotoStep, run_photo_pass
from dvcodec.models.photo.packing import pack, unpack
from dvcodec.training.recipes.photo import PhotoRecipe
from dvcodec.training.tasks.posterior_source import PosteriorSource
from dvcodec.training.tasks.rate_distortion import rate_distortion
from dvcodec.training.warm_start.photo import warm_start_photo_model

CPU = torch.device("cpu")
SIZE = (72, 104)
QUALITY = torch.tensor([2000])


@given(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))
def test_every_position_stands_beside_four_of_the_other_half(batch: int, rows: int, columns: int) -> None:
    board = checkerboard(batch, (rows, columns), CPU)
    count = batch * rows * columns
    both = torch.cat([half.positions for half in board.halves])
    assert torch.equal(both.sort().values, torch.arange(count))
    assert torch.equal(board.raster(both), torch.arange(count))
    for half, other in (board.halves, board.halves[::-1]):
        for place, position in enumerate(half.positions.tolist()):
            image, y, x = position // (rows * columns), position // columns % rows, position % columns
            neighbours = half.neighbours[:, place].tolist()
            for (down, right), found in zip(OFFSETS, neighbours, strict=True):
                inside = 0 <= y + down < rows and 0 <= x + right < columns
                expected = (image * rows + y + down) * columns + x + right
                assert found == len(other.positions) if not inside else other.positions[found] == expected


class Watched:
    """Symbols that only their layer and position decide, but for some that are given; takes the scores down."""

    def __init__(self, others: dict[tuple[int, int], int]) -> None:
        self.others, self.scores = others, dict[int, Tensor]()

    def next(self, step: PhotoStep) -> Tensor:
        """Symbols (n,)."""
        positions, scores = small_model.places(step.rows), step.layer.exact_scores(step.embedding)
        if step.index not in self.scores:
            self.scores[step.index] = torch.zeros(0, 0)
        known = self.scores[step.index]
        whole = torch.zeros(max(len(known), int(positions.max()) + 1), scores.shape[1], dtype=scores.dtype)
        whole[: len(known), : known.shape[1]] = known
        whole[positions] = scores
        self.scores[step.index] = whole
        symbols = (positions * 7919 + step.index * 104729) % step.layer.symbols
        for (index, position), symbol in self.others.items():
            if index == step.index:
                symbols[positions == position] = symbol
        return symbols


def scores_of(model: PhotoRRVQ, others: dict[tuple[int, int], int]) -> dict[int, Tensor]:
    """All exact scores by layer, positions in raster order."""
    watched = Watched(others)
    with torch.inference_mode():
        run_photo_pass(model.chain, grid_sizes(SIZE), QUALITY, watched)
    return watched.scores


@pytest.mark.parametrize(("position", "neighbours"), [(28, {15, 27, 29, 41}), (41, set()), (0, {1, 13})])
def test_a_symbol_changes_the_neighbours_of_the_second_half_alone(position: int, neighbours: set[int]) -> None:
    """Positions of stride 8: nine rows of 13; 28 stands in the third row and belongs to the first half, 41 does not."""
    model = small_model.frozen()
    index = next(i for i, layer in enumerate(model.chain.layers()) if layer.stride == 8)
    symbols = model.chain.layers()[index].symbols
    before = scores_of(model, {(index, position): 1})[index]
    after = scores_of(model, {(index, position): symbols - 1})[index]
    changed = (before != after).any(dim=1).nonzero()[:, 0].tolist()
    assert set(changed) == neighbours


def test_the_first_half_learns_of_the_second_in_the_next_layer() -> None:
    model = small_model.frozen()
    index = next(i for i, layer in enumerate(model.chain.layers()) if layer.stride == 8)
    before, after = (scores_of(model, {(index, 41): symbol})[index + 1] for symbol in (1, 200))
    assert set((before != after).any(dim=1).nonzero()[:, 0].tolist()) == {41, 28, 40, 42, 54}


def test_as_many_stages_see_neighbours_as_the_configuration_says() -> None:
    for count in (0, 1, 5, 99):
        model = PhotoRRVQ(replace(small_model.CONFIG, neighbours=count))
        stages = [stage for scale in model.chain.scales() for stage in scale]
        seeing = [all(part.layer.neighbour_embedding is not None for part in stage.parts) for stage in stages]
        assert seeing == [i < count for i in range(len(stages))]


@pytest.mark.parametrize("count", [-1, 257, 1.0, True])
def test_a_number_of_stages_out_of_bounds_is_refused(count: object) -> None:
    with pytest.raises(ValueError, match="neighbours"):
        RRVQConfig(neighbours=count)  # type: ignore[arg-type]


def test_a_model_begins_as_the_one_it_starts_from_that_saw_no_neighbours(tmp_path: Path) -> None:
    source = small_model.built(replace(small_model.CONFIG, neighbours=0))
    weights = tmp_path / "alone.safetensors"
    weights.write_bytes(write(source, small_model.QUALITIES, "alone"))
    model = PhotoRRVQ(small_model.CONFIG).eval()
    assert warm_start_photo_model(model, weights) == len(source.chain.layers())
    whole, alone = PhotoRRVQ(model.config).eval(), PhotoRRVQ(source.config).eval()
    with torch.no_grad():
        unpack(whole, pack(model))
        unpack(alone, pack(source))
    mine, theirs = scores_of(whole, {}), scores_of(alone, {})
    probabilities = ((torch.softmax(s[i].mul(0.693), 1) for i in sorted(s)) for s in (mine, theirs))
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(*probabilities, strict=True))


def received(layer: PhotoLatentLayer, features: Tensor, symbols: Tensor, first: bool) -> Tensor:
    """docs/FORMAT.md by the letter, position by position: features (H, W, hidden) in units of the stream."""
    assert layer.neighbour_embedding is not None and layer.symbol_embedding is not None
    rows, columns, hidden = features.shape
    messages = quantise_residual(layer.neighbour_embedding(layer.codeword_table())).view(layer.symbols, SIDES, hidden)
    own = quantise(layer.symbol_embedding(layer.codeword_table()), RESIDUAL_BITS)
    after = features.clone()
    for y, x in product(range(rows), range(columns)):
        if (y + x) % 2 == (0 if first else 1):
            after[y, x] += own[symbols[y, x]]
        else:
            for side, (v, u) in enumerate([(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]):
                if 0 <= v < rows and 0 <= u < columns:
                    after[y, x] += messages[symbols[v, u], side]
    return after.clamp(-15, 15)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 3), (5, 5)])
@torch.no_grad()
def test_a_position_hears_of_each_side_what_the_format_says(size: tuple[int, int], first: bool) -> None:
    """Weights so large that the clamps bite, in both arithmetics."""
    layer = small_model.frozen().chain.scales()[3][0].parts[0].layer
    assert layer.neighbour_embedding is not None
    layer.neighbour_embedding.weight.mul_(64)
    features = quantise_residual(torch.randn(*size, 16, generator=torch.Generator().manual_seed(0)) * 6)
    symbols = torch.randint(layer.symbols, size, generator=torch.Generator().manual_seed(1))
    expected = received(layer, features, symbols, first)
    anchors, others = checkerboard(1, size, CPU).halves
    anchors, non_anchors = (anchors, others) if first else (others, anchors)
    said, flat = symbols.flatten()[anchors.positions], features.view(-1, 16)
    staged, frozen = DifferentiableLayer(layer), IntegerLayer(layer, torch.zeros(1, layer.values.shape[1] + CONTEXT))
    shared = staged.propagate(flat, anchors, non_anchors, staged.codewords(said))
    coded = frozen.propagate(flat * 2**RESIDUAL_BITS, anchors, non_anchors, frozen.codewords(said))
    assert torch.equal(shared, expected.view(-1, 16))
    assert torch.equal(coded * 2.0**-RESIDUAL_BITS, expected.view(-1, 16))
    assert max(size) == 1 or (expected.abs() == 15).any()


def test_weights_that_see_more_neighbours_than_the_model_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "seeing.safetensors"
    weights.write_bytes(small_model.weights_bytes())
    with pytest.raises(DvcodecError, match="neighbours"):
        warm_start_photo_model(PhotoRRVQ(replace(small_model.CONFIG, neighbours=3)), weights)


def test_codes_in_use_are_those_of_both_halves() -> None:
    model = small_model.trainable()
    x, symbols = torch.tensor(small_model.photograph(64, 64)).permute(2, 0, 1)[None].float(), dict[str, set[int]]()

    class Noted(PosteriorSource):
        def next(self, step: PhotoStep) -> Tensor:
            chosen = super().next(step)
            symbols.setdefault(step.layer.name, set()).update(chosen.tolist())
            return chosen

    source = Noted(1)
    with torch.no_grad():
        model.top_down_pass((64, 64), QUALITY, source, model.infer(x, QUALITY))
    assert source.codes == {name: len(used) for name, used in symbols.items()}
    assert torch.allclose(source.nats, torch.stack(list(source.layer_nats.values())).sum(0))


def test_every_layer_learns_its_messages_to_neighbours() -> None:
    model = small_model.built(small_model.CONFIG).train()
    x = torch.tensor(small_model.photograph(128, 128)).permute(2, 0, 1)[None].float()
    rate_distortion(model, x, QUALITY, PhotoRecipe(), relax=2.0, analysis=True).loss.backward()  # type: ignore[no-untyped-call]
    messages = [
        layer.neighbour_embedding.weight.grad for layer in model.chain.layers() if layer.neighbour_embedding is not None
    ]
    assert len(messages) > 40 and all(grad is not None and bool(grad.abs().max() > 0) for grad in messages)
