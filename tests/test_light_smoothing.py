"""Pictures are smoothed where nothing was coded, and nowhere else."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

import dvcodec
from dvcodec.models.light.runtime.smoothing import blank_blocks, smoothed
from dvcodec.models.light.runtime.top_down import LightState

NOTHING = np.zeros((1, 1, 1, 1), np.float32)


def state_of(coded: NDArray[np.bool_]) -> LightState:
    """A state with a symbol in each of some blocks."""
    rows, columns = coded.shape
    symbols = np.zeros((192, rows * columns), np.int16)
    symbols[77] = coded.reshape(-1) * -3
    return LightState({8: symbols}, NOTHING, (8 * rows - 3, 8 * columns - 5), 0, perceptual=True)


def in_strips(samples: NDArray[np.float32], ends: tuple[int, ...]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Samples in strips that end at some rows of blocks."""
    for first, last in zip((0, *ends[:-1]), ends, strict=True):
        yield first, samples[:, 8 * first : 8 * last].copy()


def whole(samples: NDArray[np.float32], state: LightState, ends: tuple[int, ...]) -> NDArray[np.float32]:
    """All smoothed samples."""
    return np.concatenate([part for _, part in smoothed(in_strips(samples, ends), state)], axis=1)


def test_blocks_are_blank_two_blocks_from_what_is_coded() -> None:
    coded = np.zeros((9, 8), bool)
    coded[3, 2] = True
    found = blank_blocks(state_of(coded), 0, 9)
    wanted = np.ones((9, 8), bool)
    wanted[1:6, 0:5] = False
    assert np.array_equal(found, wanted)
    for first in range(9):
        assert np.array_equal(blank_blocks(state_of(coded), first, 2)[: 9 - first], wanted[first : first + 2])


def test_what_repeats_with_the_blocks_goes_and_ramps_stay() -> None:
    rng = np.random.default_rng(0)
    pattern = rng.integers(-50, 51, (3, 8, 8)).astype(np.float32)
    ramp = np.add.outer(16 * np.arange(48), 8 * np.arange(64)).astype(np.float32)
    samples = ramp + np.tile(pattern, (1, 6, 8))
    found = whole(samples, state_of(np.zeros((6, 8), bool)), (6,))
    inside = (slice(None), slice(4, -4), slice(4, -4))
    means = pattern.mean(axis=(1, 2))[:, None, None]
    assert np.abs(found - ramp - means)[inside].max() <= 0.5


def test_strips_change_nothing_nor_does_it_change_coded_blocks() -> None:
    rng = np.random.default_rng(1)
    samples = rng.integers(-(2**15), 2**15, (3, 64, 80)).astype(np.float32)
    coded = np.zeros((8, 10), bool)
    coded[6, 8] = coded[0, 1] = True
    state = state_of(coded)
    found = whole(samples, state, (8,))
    assert np.array_equal(found, whole(samples, state, (1, 2, 5, 8)))
    kept = np.repeat(np.repeat(~blank_blocks(state, 0, 8), 8, axis=0), 8, axis=1)
    assert np.array_equal(found[:, kept], samples[:, kept]) and 0 < kept.mean() < 1
    assert not np.isclose(found[:, ~kept], samples[:, ~kept]).all(axis=0).any()


@pytest.mark.parametrize("quality", [1, 30, 60])
@pytest.mark.parametrize("tune", ["perceptual", "psnr"])
def test_a_plain_picture_comes_back_plain(quality: float, tune: str) -> None:
    pixels = np.full((120, 150, 3), (40, 90, 200), np.uint8)
    data = dvcodec.compress(pixels, quality=quality, tune=tune, weights="rrvq-light")
    found = np.asarray(dvcodec.decompress(data)).astype(int)
    assert np.ptp(found[16:-16, 16:-16], axis=(0, 1)).max() == 0
    assert np.abs(found - pixels).max() <= 6
