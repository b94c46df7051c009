"""Positions in two passes: who stands beside whom, and who learns of whose symbols."""

from dataclasses import replace
from pathlib import Path

import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dvcodec.models.checkerboard import SIDES, STEPS, checkerboard, places
from dvcodec.models.configs import RRVQConfig
from dvcodec.models.descent import Step, descend
from dvcodec.models.packing import pack, unpack
from dvcodec.models.photo import PhotoRRVQ, grid_sizes
from dvcodec.models.weights_file import write
from dvcodec.training.starting import start_from

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
            beside = half.around[:, place].tolist()
            for (down, right), found in zip(STEPS, beside, strict=True):
                inside = 0 <= y + down < rows and 0 <= x + right < columns
                expected = (image * rows + y + down) * columns + x + right
                assert found == len(other.positions) if not inside else other.positions[found] == expected


class Watched:
    """Symbols that only their layer and position decide, but for some that are given; takes the scores down."""

    def __init__(self, others: dict[tuple[int, int], int]) -> None:
        self.others, self.scores = others, dict[int, Tensor]()

    def choose(self, step: Step) -> Tensor:
        """Symbols (n,)."""
        positions, scores = places(step.rows), step.layer.exact_scores(step.embedding)
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
        descend(model.chain, grid_sizes(SIZE), QUALITY, watched)
    return watched.scores


@pytest.mark.parametrize(("position", "reached"), [(28, {15, 27, 29, 41}), (41, set()), (0, {1, 13})])
def test_a_symbol_reaches_the_neighbours_of_the_second_half_and_them_alone(position: int, reached: set[int]) -> None:
    """Positions of stride 8: nine rows of 13; 28 stands in the third row and belongs to the first half, 41 does not."""
    model = small_model.frozen()
    index = next(i for i, layer in enumerate(model.chain.layers()) if layer.stride == 8)
    symbols = model.chain.layers()[index].symbols
    before = scores_of(model, {(index, position): 1})[index]
    after = scores_of(model, {(index, position): symbols - 1})[index]
    changed = (before != after).any(dim=1).nonzero()[:, 0].tolist()
    assert set(changed) == reached


def test_the_first_half_learns_of_the_second_in_the_next_layer() -> None:
    model = small_model.frozen()
    index = next(i for i, layer in enumerate(model.chain.layers()) if layer.stride == 8)
    before, after = (scores_of(model, {(index, 41): symbol})[index + 1] for symbol in (1, 200))
    assert set((before != after).any(dim=1).nonzero()[:, 0].tolist()) == {41, 28, 40, 42, 54}


def test_as_many_stages_see_neighbours_as_the_configuration_says() -> None:
    for count in (0, 1, 5, 99):
        model = PhotoRRVQ(replace(small_model.CONFIG, neighbours=count))
        stages = [stage for scale in model.chain.scales() for stage in scale]
        seeing = [all(part.layer.around is not None for part in stage.parts) for stage in stages]
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
    assert start_from(model, weights) == len(source.chain.layers())
    whole, alone = PhotoRRVQ(model.config).eval(), PhotoRRVQ(source.config).eval()
    with torch.no_grad():
        unpack(whole, pack(model))
        unpack(alone, pack(source))
    mine, theirs = scores_of(whole, {}), scores_of(alone, {})
    probabilities = ((torch.softmax(s[i].mul(0.693), 1) for i in sorted(s)) for s in (mine, theirs))
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(*probabilities, strict=True))


def test_sides_are_those_of_the_steps() -> None:
    assert len(STEPS) == SIDES and len(set(STEPS)) == SIDES
