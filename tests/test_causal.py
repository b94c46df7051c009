"""Pixels one after the other: every pixel in one wavefront, and its neighbours known before it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcodec.models.pixels.bilevel.ink_counts import counts, features, pattern
from dvcodec.models.pixels.bilevel.surroundings import RECTANGLES, Rectangle, window
from dvcodec.models.pixels.causal import ReceptiveField
from dvcodec.models.pixels.neighbourhoods import neighbours

RECEPTIVE_FIELDS = st.builds(ReceptiveField, st.integers(1, 6), st.integers(1, 6))
SIDES = st.integers(1, 14)


@given(RECEPTIVE_FIELDS, SIDES, SIDES)
@settings(max_examples=60)
def test_every_pixel_comes_once_and_after_its_neighbours(
    receptive_field: ReceptiveField, height: int, width: int
) -> None:
    time = np.full((height, width), -1)
    for front, (y, x) in enumerate(receptive_field.wavefronts(height, width)):
        assert (time[y, x] == -1).all()
        time[y, x] = front
    assert (time >= 0).all()
    for dy, dx in receptive_field.offsets():
        for y, x in np.ndindex(height, width):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                assert time[y + dy, x + dx] < time[y, x]


@given(RECEPTIVE_FIELDS, SIDES, SIDES)
@settings(max_examples=30)
def test_what_a_pixel_sees(receptive_field: ReceptiveField, height: int, width: int) -> None:
    plane = torch.arange(1.0, height * width + 1).view(1, height, width)
    seen = neighbours(receptive_field, plane)[0]
    for y, x in np.ndindex(height, width):
        for (dy, dx), value in zip(receptive_field.offsets(), seen[y, x].tolist(), strict=True):
            inside = 0 <= y + dy < height and 0 <= x + dx < width
            assert value == (plane[0, y + dy, x + dx] if inside else 0)


def test_the_nearest_neighbours_come_first_and_none_is_ahead() -> None:
    offsets = ReceptiveField(2, 3).offsets()
    assert len(offsets) == 2 * 7 + 3 and offsets[:4] == ((-1, 0), (0, -1), (-1, -1), (-1, 1))
    assert all(dy < 0 or (dy == 0 and dx < 0) for dy, dx in offsets)


@pytest.mark.parametrize("sides", [(0, 1), (1, 0), (17, 1), (1, 17)])
def test_a_reach_is_bounded(sides: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="1 to 16"):
        ReceptiveField(*sides)


@given(st.integers(0, 2**31))
@settings(max_examples=10)
def test_counts_are_the_ink_in_the_rectangles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    white = rng.integers(0, 2, (2, *rng.integers(1, 30, 2))).astype(np.float32)
    rectangles = window(ReceptiveField(3, 5)) + RECTANGLES
    found = counts(torch.from_numpy(white), rectangles)
    image, y, x = (int(rng.integers(side)) for side in white.shape)
    for rectangle, count in zip(rectangles, found[image, y, x].tolist(), strict=True):
        top, left = max(0, y + rectangle.top), max(0, x + rectangle.left)
        part = white[image, top : max(0, y + rectangle.bottom + 1), left : max(0, x + rectangle.right + 1)]
        assert count == (part == 0).sum()


def test_a_reach_s_rectangles_hold_its_neighbours() -> None:
    receptive_field = ReceptiveField(4, 5)
    inside = {
        (dy, dx)
        for one in window(receptive_field)
        for dy in range(one.top, one.bottom + 1)
        for dx in range(one.left, one.right + 1)
    }
    assert inside == set(receptive_field.offsets())


@given(st.integers(5, 16), st.integers(1, 16))
def test_surroundings_are_known_in_time(columns: int, rows: int) -> None:
    assert all(one.known(ReceptiveField(rows, columns)) for one in RECTANGLES)
    assert not Rectangle(-1, -1, 0, columns + 1).known(ReceptiveField(rows, columns))
    assert not Rectangle(-1, 0, -1, 0).known(ReceptiveField(rows, columns))


def test_features_fit_their_grid_and_patterns_their_bits() -> None:
    full = torch.tensor([(r.bottom - r.top + 1) * (r.right - r.left + 1) for r in RECTANGLES], dtype=torch.int32)
    most = features(full, RECTANGLES)
    assert float(most.max()) <= 127 / 16 and float(most.min()) > 1
    assert int(pattern(full)) == 2 ** len(RECTANGLES) - 1 and int(pattern(full * 0)) == 0
    assert int(pattern(torch.tensor([0, 3, 0, 1]))) == 0b1010
