"""Filters that are fitted to one image: their terms, the fit, what lookahead makes of it."""

import math

import numpy as np
import pytest
import reference_filter
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_reference_photo import small

from dvcodec.codec.lossy import adaptive_filter
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.photo.adaptive_filter import apply as image_filter
from dvcodec.models.photo.adaptive_filter import fit as image_fit
from dvcodec.models.photo.adaptive_filter.fit import LARGEST, Moments, Solved, fitted, regression
from dvcodec.models.photo.encoder.lookahead import filter_corrections

Steps = NDArray[np.int32]


def levels(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Grey levels (3, H, W), not whole ones."""
    drawn = torch.Generator().manual_seed(seed)
    smooth = torch.rand(1, 3, 3 + height // 9, 3 + width // 9, generator=drawn) * 255
    return torch.nn.functional.interpolate(smooth, (height, width), mode="bicubic")[0]


def some_filter(height: int, width: int, side: int = 256, seed: int = 1) -> ImageFilter:
    """A filter that changes what it sees by a few grey levels, most of it zeros, some regions all."""
    rng = np.random.default_rng(seed)
    shape = (-(-height // side), -(-width // side), 3, image_filter.TERMS)
    steps = rng.integers(-9, 10, shape) * (rng.random(shape) < 0.3) * (rng.random((*shape[:2], 1, 1)) < 0.8)
    return ImageFilter(side, 6, steps.astype(np.int32))


def law(height: int, width: int, steps: Steps, seed: int = 0) -> tuple[torch.Tensor, NDArray[np.uint8], Moments]:
    """Grey levels, pixels that differ from them by a filter of one region and some noise, and the moments."""
    x = levels(height, width, seed)
    rows = slice(0, height)
    wanted = image_filter.apply_filter(x, rows, rows, ImageFilter(2**20, 6, steps[None, None]))
    wanted += torch.randn(wanted.shape, generator=torch.Generator().manual_seed(seed))
    found = Moments(np.zeros((62, 62)), np.zeros((62, 3)))
    for _, moments in image_filter.moments(x, rows, rows, wanted):
        found = found + moments
    return x, wanted.permute(1, 2, 0).numpy(), found


@pytest.mark.parametrize("size", [(1, 1), (2, 19), (23, 11)], ids=str)
def test_terms_are_those_of_the_specification(size: tuple[int, int]) -> None:
    x = levels(*size)
    rows = slice(0, size[0])
    terms = image_filter.terms(image_filter.with_border(x - 128, rows, rows)).numpy()
    planes = np.einsum("ki,iyx->kyx", reference_filter.COLOURS, x.double().numpy() - 128)
    bordered = np.pad(planes, ((0, 0), (8, 8), (8, 8)), "edge")
    for y, column in np.ndindex(*size):
        wanted = reference_filter.terms(bordered, y, column)
        assert np.allclose(terms[:, y, column], wanted, atol=1e-2, rtol=1e-4)
    assert len(terms) == image_filter.TERMS == reference_filter.TERMS


def test_bands_show_what_the_whole_shows() -> None:
    x, found = levels(600, 300), some_filter(600, 300)
    rows = slice(0, 600)
    whole = image_filter.apply_filter(x, rows, rows, found)
    assert float((whole - x).abs().max()) > 1
    for core in (slice(0, 100), slice(100, 356), slice(356, 600)):
        wide = slice(max(core.start - 8, 0), min(core.stop + 8, 600))
        part = image_filter.apply_filter(x[:, wide], wide, core, found)
        assert torch.allclose(part, whole[:, core], atol=1e-3)


def test_moments_of_bands_add_up() -> None:
    x, wanted = levels(300, 280), levels(300, 280, 1)
    rows = slice(0, 300)
    whole = dict(image_filter.moments(x, rows, rows, wanted))
    assert set(whole) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    added = dict[tuple[int, int], Moments]()
    for core in (slice(0, 128), slice(128, 300)):
        wide = slice(max(core.start - 8, 0), min(core.stop + 8, 300))
        for place, found in image_filter.moments(x[:, wide], wide, core, wanted):
            added[place] = added[place] + found if place in added else found
    for place, found in whole.items():
        for one, other in ((found.terms, added[place].terms), (found.targets, added[place].targets)):
            assert np.allclose(one, other, atol=1e-4 * np.abs(one).max())


def test_what_an_image_follows_is_found() -> None:
    steps = np.zeros((3, image_filter.TERMS), np.int32)
    steps[1, 0], steps[2, 4], steps[2, 18] = 40, -25, 12
    x, wanted, moments = law(200, 200, steps)
    found = np.zeros_like(steps)
    for output in range(3):
        found[output], saved = regression(Solved.of(moments), output, 6, value=0.5)
        assert (saved > 100) == steps[output].any() == found[output].any()
    rows = slice(0, 200)
    shown = image_filter.apply_filter(x, rows, rows, ImageFilter(256, 6, found[None, None]))
    errors = [float(np.square(each.permute(1, 2, 0).numpy() - wanted).mean()) for each in (x, shown)]
    assert errors[0] > 1.5 and errors[1] < 1.02  # the noise alone is 1


def test_coefficients_that_cost_more_than_they_save_are_left_out() -> None:
    steps = np.zeros((3, image_filter.TERMS), np.int32)
    steps[1, :5] = 60, 2, 2, 2, 2
    _, _, moments = law(100, 100, steps)
    counts = [int((regression(Solved.of(moments), 1, 6, value)[0] != 0).sum()) for value in (10.0, 1e-2, 1e-3, 1e-7)]
    assert counts == sorted(counts, reverse=True) and counts[0] >= 5 and counts[2] >= 1 and counts[3] == 0


@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-4, 1e-2, 1.0]), st.integers(2, 9), st.integers(4, 8))
def test_what_is_said_to_be_saved_is_saved(seed: int, value: float, count: int, precision: int) -> None:
    """Against the errors and the tables themselves, for terms some of which are sums of others."""
    rng = np.random.default_rng(seed)
    terms = rng.normal(size=(count, 50)) * 10.0 ** rng.integers(-2, 3, (count, 1))
    terms[-1] = terms[0]
    target = rng.normal(size=50) + terms[0] * rng.normal()
    steps, saved = regression(Solved.of(Moments(terms @ terms.T, (terms @ target)[:, None])), 0, precision, value)
    left = target - steps / 2.0**precision @ terms
    bits = image_fit.costs()[:, steps + LARGEST].sum(axis=1).min() if steps.any() else 0.0
    wanted = value * (target @ target - left @ left) - bits
    assert saved >= 0 and math.isclose(saved, wanted, rel_tol=1e-6, abs_tol=1e-6 * (1 + value * (target @ target)))


def test_regions_are_as_small_as_it_pays() -> None:
    steps = np.zeros((2, 3, image_filter.TERMS), np.int32)
    steps[0, 1, 0], steps[1, 1, 0] = 40, -40
    halves = [law(256, 256, each, seed=2)[2] for each in steps]
    alike, apart = ({(0, 0): halves[0], (0, 1): halves[i]} for i in (0, 1))
    one, two = fitted(alike, 2.0), fitted(apart, 2.0)
    assert one is not None and one.side == 512 and one.steps.shape[:2] == (1, 1)
    assert two is not None and two.side == 256 and two.steps.shape[:2] == (1, 2)
    for column, moments, truth in zip((255, 256), halves, steps[:, 1], strict=True):
        assert two.of(0, column)[1] @ moments.terms @ truth > 0


@pytest.mark.parametrize("place", [(0, 0), (3, 5)], ids=str)
@pytest.mark.parametrize("value", [0.002, 0.02])
def test_a_filter_of_many_regions_takes_fewer_bits_than_it_saves(place: tuple[int, int], value: float) -> None:
    """One of 24 regions follows a law, the others none; regions without coefficients are paid for as well."""
    steps = np.zeros((3, image_filter.TERMS), np.int32)
    plain, follows = (law(40, 40, found)[2] for found in (steps.copy(), steps.__iadd__(np.eye(3, 62, 18, int) * 50)))
    grid = {(row, column): plain for row in range(4) for column in range(6)} | {place: follows}
    found = fitted(grid, math.sqrt(1 / (2 * math.log(2) * value)))
    if found is None:
        return
    gained = 0.0
    for (row, column), moments in grid.items():
        chosen = found.of(row * 256, column * 256).astype(float)
        for output, weights in enumerate(chosen):
            gained += value * float(2 * weights @ moments.targets[:, output] - weights @ moments.terms @ weights)
    assert 8 * len(adaptive_filter.pack(found, small("usual").hierarchy)) <= gained


def test_a_picture_that_is_right_gets_no_filter() -> None:
    nothing = Moments(halves := np.eye(62) * 1e6, np.zeros_like(halves[:, :3]))
    assert fitted({(0, 0): nothing}, 1.0) is None


def test_a_picture_of_one_colour_gets_no_filter() -> None:
    x, rows = torch.full((3, 40, 40), 99.0), slice(0, 40)
    assert fitted(dict(image_filter.moments(x, rows, rows, x + 3)), 1.0) is None


def test_lookahead_fits_each_image_of_a_batch_by_itself() -> None:
    shown = torch.stack([levels(100, 90, seed) for seed in (1, 2)]) + 128
    rows, sigma = slice(0, 100), torch.tensor([2.0, 3.0])
    wanted = torch.stack([image_filter.apply_filter(x, rows, rows, some_filter(100, 90)) for x in shown])
    both = filter_corrections(shown, wanted, sigma)
    assert float((shown + both - wanted).abs().mean()) < 0.3 * float((shown - wanted).abs().mean())
    for i in range(2):
        assert torch.equal(filter_corrections(shown[i : i + 1], wanted[i : i + 1], sigma[i : i + 1])[0], both[i])
