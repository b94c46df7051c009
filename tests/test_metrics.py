"""PSNR and rate against figures worked out by hand."""

import math

import numpy as np
import pytest

from dvcodec.errors import InvalidArgument
from dvcodec.evaluation.metrics.scores import (
    METRICS,
    MS_SSIM,
    PSNR,
    SSIMULACRA2,
    Metric,
    bits_per_pixel,
    decibels,
    mean_squared_error,
    metric,
    psnr,
)
from fake import photograph


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
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert psnr(image, image) == math.inf


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


def test_a_byte_per_pixel_is_eight_bits_per_pixel() -> None:
    assert bits_per_pixel(768 * 512, 768, 512) == 8


@pytest.mark.parametrize("one", METRICS, ids=lambda one: one.name)
def test_more_noise_a_lower_score_and_none_the_best(one: Metric) -> None:
    """The best of MS-SSIM is 1, of SSIMULACRA 2 100, of PSNR infinity."""
    if reason := one.missing():
        pytest.skip(reason)
    image = photograph(225, 241)
    noise = np.random.default_rng(0).normal(0, 1, image.shape)
    scores = [one.of(image, np.clip(image + k * noise, 0, 255).astype(np.uint8)) for k in (3, 10, 30)]
    known = [score for score in scores if score is not None]
    assert len(known) == 3 and known == sorted(known, reverse=True)
    best = {"psnr": math.inf, "ms-ssim": 1.0, "ssimulacra2": 100.0}[one.name]
    assert one.of(image, image) == pytest.approx(best) and known[0] < best
    assert any(character.isdigit() for character in one.version) or one is PSNR


@pytest.mark.parametrize(("one", "smallest"), [(PSNR, 1), (MS_SSIM, 161), (SSIMULACRA2, 225)])
def test_images_too_small_for_a_metric_have_no_value(one: Metric, smallest: int) -> None:
    """From the smallest side on there is one, below it none, and never a crash."""
    if reason := one.missing():
        pytest.skip(reason)
    image = photograph(smallest, smallest + 3)
    worse = np.where(image > 250, image - 1, image + 1).astype(np.uint8)
    value = one.of(image, worse)
    assert value is not None and math.isfinite(value)
    if smallest > 1:
        assert one.of(image[1:], worse[1:]) is None


def test_similarities_in_decibels() -> None:
    """0.9 is 10 dB, 0.99 is 20 dB, a perfect copy has no place on the scale."""
    assert [decibels(value) for value in (0.9, 0.99)] == pytest.approx([10, 20])
    assert decibels(1.0) == math.inf


def test_metrics_by_name() -> None:
    """And an unknown one is answered with those that there are."""
    assert [metric(one.name) for one in METRICS] == list(METRICS)
    with pytest.raises(InvalidArgument, match="ssimulacra2"):
        metric("lpips")
