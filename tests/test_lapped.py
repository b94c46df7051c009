"""Blocks that overlap: the map is undone exactly, gains what it should, and bands show the same image."""

from dataclasses import replace

import numpy as np
import pytest
import small_model
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvcodec.models.photo.bands import infer_bands, render_bands
from dvcodec.models.photo.file import write
from dvcodec.models.photo.layout import COEFFICIENTS
from dvcodec.models.photo.network.lapped import across, border_matrix, inverse_border_matrix, scales
from dvcodec.models.photo.network.model import DecoderOutput, PhotoRRVQ, grid_sizes
from dvcodec.models.photo.network.transform import dct_matrix

CONFIG = replace(small_model.CONFIG, transform="lapped")
QUALITY = torch.tensor([2000])
SIZES = [(1, 1), (8, 8), (63, 64), (65, 130), (100, 3)]


@pytest.fixture(scope="module")
def model() -> PhotoRRVQ:
    """Corrections of both networks are zero."""
    return PhotoRRVQ(CONFIG).eval()


def decoded(model: PhotoRRVQ, targets: dict[int, Tensor], size: tuple[int, int]) -> DecoderOutput:
    """As if the symbols had given every coefficient."""
    state = torch.zeros(1, CONFIG.widths[8], *grid_sizes(size)[8])
    return DecoderOutput(state, targets, model.sigma(QUALITY), size, QUALITY)


def noise(size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_coefficients_hold_the_whole_image_at_every_size(model: PhotoRRVQ, size: tuple[int, int]) -> None:
    pixels = noise(size)
    with torch.inference_mode():
        targets = infer_bands(model, pixels, QUALITY)
        assert (render_bands(model, decoded(model, targets, size)) == pixels).all()


def test_bands_are_those_of_the_whole_image(model: PhotoRRVQ) -> None:
    pixels, size = noise((70 * 8 + 3, 20)), (70 * 8 + 3, 20)
    with torch.inference_mode():
        whole, bands = (infer_bands(model, pixels, QUALITY, rows) for rows in (1000, 64))
        assert all(torch.allclose(whole[s], bands[s], atol=1e-3) for s in whole)
        shown = decoded(model, {s: t.round() for s, t in whole.items()}, size)
        one, many = (render_bands(model, shown, rows).astype(int) for rows in (1000, 64))
    assert np.abs(one - many).max() <= 1 and (one != many).mean() < 1e-3  # float sums may round apart


def test_the_map_leaves_constants_alone_and_is_undone() -> None:
    ones = torch.ones(1, 24, 40, dtype=torch.float64)
    assert torch.allclose(across(ones, border_matrix()), ones)
    x = torch.rand(2, 24, 40, dtype=torch.float64)
    assert torch.allclose(across(across(x, border_matrix()), inverse_border_matrix()), x)
    assert torch.equal(across(x[:, :8, :8], border_matrix()), x[:, :8, :8])


def test_the_coding_gain_and_the_norms_are_those_that_are_claimed() -> None:
    """On a first-order process of correlation 0.95, of a block in the middle of 24."""
    samples = torch.eye(192, dtype=torch.float64)
    for border in range(8, 192, 8):
        samples[border - 4 : border + 4] = border_matrix() @ samples[border - 4 : border + 4]
    analysis = torch.kron(torch.eye(24, dtype=torch.float64), dct_matrix()) @ samples
    shapes = torch.linalg.inv(analysis)[:, 96:104]
    place = torch.arange(192)
    covariance = 0.95 ** (place[:, None] - place[None]).abs().double()
    energy = torch.diagonal(analysis[96:104] @ covariance @ analysis[96:104].t()) * shapes.square().sum(0)
    assert float(-10 * energy.log10().mean()) == pytest.approx(9.615, abs=1e-3)
    norms = torch.outer(shapes.norm(dim=0), shapes.norm(dim=0)).flatten()
    assert torch.allclose(norms[1:], scales()[1:64], atol=5e-3)


def test_an_error_in_a_coefficient_costs_its_square_in_pixels(model: PhotoRRVQ) -> None:
    size = (256, 256)
    blank = {s: torch.zeros(n[0] * n[1], COEFFICIENTS[s]) for s, n in grid_sizes(size).items()}
    for stride, channels in {64: range(12), 32: range(9), 16: range(9), 8: (1, 9, 71, 191)}.items():
        middle = blank[stride].shape[0] // 2 + 256 // stride // 2
        for channel in channels:
            one = {s: t.clone() for s, t in blank.items()}
            one[stride][middle, channel] = 1
            with torch.inference_mode():
                change = (model.render(decoded(model, one, size)) - 128) / model.sigma(QUALITY)
            assert float(change.norm()) == pytest.approx(1, abs=4e-3), (stride, channel)


def test_a_transform_that_is_not_known_is_no_weights_file() -> None:
    data = write(small_model.built(CONFIG), small_model.QUALITIES, "x")
    with pytest.raises(ValueError, match="transform"):
        small_model.load(small_model.with_config(data, transform="zapped"))
