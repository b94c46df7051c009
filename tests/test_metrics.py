"""PSNR and rate against figures worked out by hand."""

import math

import numpy as np
import pytest

from dvcodec.evaluation.metrics import bits_per_pixel, mean, mean_squared_error, psnr


def test_psnr_of_a_uniform_error_of_one() -> None:
    """MSE 1: 20 log10(255)."""
    grey = np.full((4, 5, 3), 100, np.uint8)
    assert psnr(grey, grey + 1) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(grey + 1, grey) == psnr(grey, grey + 1)


def test_the_error_is_taken_over_all_channels_without_wrapping() -> None:
    """One channel of three wrong by 255: MSE 255^2 / 3."""
    black = np.zeros((2, 2, 3), np.uint8)
    red = black.copy()
    red[..., 0] = 255
    assert mean_squared_error(black, red) == 255**2 / 3
    assert psnr(black, red) == pytest.approx(10 * math.log10(3))


def test_psnr_of_an_exact_copy_is_infinite() -> None:
    """And its mean with anything stays infinite, rather than failing."""
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert psnr(image, image) == math.inf
    assert mean([30.0, math.inf]) == math.inf


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (0, 4, 3)])
def test_images_that_cannot_be_compared(shape: tuple[int, ...]) -> None:
    """Broadcasting would give a figure, and a wrong one."""
    first = np.zeros((0, 4, 3) if 0 in shape else (4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match=r"different shape|without pixels"):
        psnr(first, np.zeros(shape, np.uint8))


def test_only_eight_bits() -> None:
    """A float image scaled to 0..1 would come out 48 dB too good."""
    image = np.zeros((4, 4, 3))
    with pytest.raises(ValueError, match="8-bit"):
        psnr(image, image)  # type: ignore[arg-type]


def test_rate_and_mean() -> None:
    """A byte a pixel is 8 bits a pixel; nothing has no mean."""
    assert bits_per_pixel(768 * 512, 768, 512) == 8
    assert mean([1.0, 2.0, 6.0]) == 3
    with pytest.raises(ValueError, match="nothing"):
        mean([])
