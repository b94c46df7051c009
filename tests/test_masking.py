"""Tuning for the eye: errors weigh more where they show."""

import numpy as np
import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvcodec.codec.lossy.symbol_chunks import encode
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import InvalidArgument, UnsupportedImage
from dvcodec.models.photo.codec_model import PhotoCodecModel
from dvcodec.models.photo.encoder.perceptual_weights import (
    RANGE,
    block_weights,
    by_frequency,
    visibility,
    weighted_distortion,
)
from dvcodec.models.photo.network.model import PhotoRRVQ, grid_sizes
from dvcodec.models.photo.network.top_down import DistortionWeights
from fake import FakeHierarchy

Q40 = 40 * 256


def photo_and_plain() -> NDArray[np.uint8]:
    """A plain ramp on the left, texture on the right."""
    pixels = np.repeat(np.linspace(90, 140, 128).astype(np.uint8)[:, None, None], 128, 1).repeat(3, 2)
    pixels[:, 64:] = np.random.default_rng(3).normal(115, 25, (128, 64, 1)).clip(0, 255).astype(np.uint8)
    return pixels


def test_errors_count_more_on_plain_ground() -> None:
    blocks = block_weights(photo_and_plain())
    assert blocks.shape == (16, 16)
    assert float(blocks[:, :7].min()) > 1.5 * float(blocks[:, 9:].max())
    assert RANGE[0] <= float(blocks.min()) and float(blocks.max()) <= RANGE[1]


def test_a_picture_alike_everywhere_has_even_weights() -> None:
    assert torch.allclose(block_weights(np.full((50, 31, 3), 77, np.uint8)), torch.ones(7, 4))


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 9))
def test_coarser_positions_take_the_mean_of_their_blocks(height: int, width: int, seed: int) -> None:
    blocks = block_weights(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))
    sizes, weights = grid_sizes((height, width)), visibility(blocks).positions
    assert {stride: tokens.shape for stride, tokens in weights.items()} == {
        s: (r * c, 1) for s, (r, c) in sizes.items()
    }
    assert torch.equal(weights[8].view(blocks.shape), blocks)
    corner = blocks[: sizes[8][0] if height < 64 else 8, : sizes[8][1] if width < 64 else 8]
    assert float(weights[64][0, 0]) == pytest.approx(float(corner.mean()), rel=1e-5)


def test_finer_coefficients_count_less() -> None:
    weights = by_frequency()
    assert {stride: len(of) for stride, of in weights.items()} == {64: 12, 32: 9, 16: 9, 8: 192}
    block = weights[8].view(3, 8, 8)
    assert torch.equal(block[0], block[1]) and torch.equal(block[0], block[2])  # every colour alike
    assert torch.equal(block[0], block[0].T) and not block[:, 0, 0].any()  # block means are coarser strides'
    falling = [float(weights[s][0]) for s in (64, 32, 16)] + [float(block[0, 0, k]) for k in range(1, 8)]
    assert falling == sorted(falling, reverse=True) and falling[4] == 1  # the reference: two half periods


@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 9))
def test_even_weights_are_the_squared_error_of_pixels(height: int, width: int, seed: int) -> None:
    """Parseval: the transform is orthonormal, and every coefficient counts once."""
    model = small_model.trainable()
    difference = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 9
    code = torch.tensor([2000])
    weights = visibility(torch.ones(-(-height // 8), -(-width // 8)))
    even = {stride: torch.ones_like(of) for stride, of in weights.coefficients.items()}
    even[8][[0, 64, 128]] = 0
    measured = weighted_distortion(model.coefficients(difference, code), DistortionWeights(weights.positions, even))
    pixels = difference.square().sum() / (2 * model.sigma(code)[0] ** 2)
    # blocks that a border cuts have a part of the zeros beyond it in coarse coefficients that are not coded
    whole = height % 64 == 0 and width % 64 == 0
    assert float(measured) <= float(pixels) * 1.0001 and (not whole or float(measured) > float(pixels) * 0.9999)


def test_a_choice_weighs_its_coefficients() -> None:
    layer = PhotoRRVQ(small_model.CONFIG).chain.layers()[-1]
    torch.nn.init.normal_(layer.values)
    importance = torch.rand(layer.values.shape[1])
    residual, values = torch.randn(5, layer.values.shape[1]), layer.reconstruction_values()
    naive = 0.5 * ((residual[:, None] - values).square() * importance).sum(2)
    common = 0.5 * (residual.square() * importance).sum(1, keepdim=True)
    torch.testing.assert_close(layer.distortion(residual, importance), naive - common, rtol=1e-4, atol=1e-4)


def test_tuning_lets_texture_have_more_of_the_error(shipped: PhotoCodecModel) -> None:
    pixels = photo_and_plain()

    def errors(perceptual: bool, effort: int) -> tuple[float, float]:
        shown = shipped.render(encode(pixels, shipped, Q40, passes=effort, perceptual=perceptual).state)
        error = (pixels.astype(float) - shown) ** 2
        return float(error[:, :64].mean()), float(error[:, 64:].mean())

    for effort in (1, 3):
        plain, tuned = errors(False, effort), errors(True, effort)
        assert tuned[1] > plain[1] and tuned[0] / tuned[1] < 0.8 * plain[0] / plain[1]


def test_tuning_moves_error_from_coarse_to_fine(shipped: PhotoCodecModel) -> None:
    pixels = np.random.default_rng(5).normal(120, 30, (128, 128, 3)).clip(0, 255).astype(np.uint8)

    def fine_share(perceptual: bool) -> float:
        shown = shipped.render(encode(pixels, shipped, Q40, perceptual=perceptual).state)
        error = pixels.astype(float) - shown
        coarse = error.reshape(32, 4, 32, 4, 3).mean((1, 3))
        return 1 - 16 * float((coarse**2).sum() / (error**2).sum())

    assert fine_share(True) > fine_share(False)


def test_weights_without_lookahead_cannot_be_tuned() -> None:
    with pytest.raises(UnsupportedImage, match="fake do not support perceptual tuning"):
        encode(small_model.photograph(24, 24), FakeHierarchy(), Q40, perceptual=True)


def test_a_tuning_has_a_name() -> None:
    assert [CompressSettings(tune=name).perceptual for name in (None, "psnr", "perceptual")] == [True, False, True]
    assert not CompressSettings(effort=2).perceptual and not CompressSettings(target_psnr=30).perceptual
    with pytest.raises(InvalidArgument, match="unknown tune 'ssim'"):
        CompressSettings(tune="ssim")
