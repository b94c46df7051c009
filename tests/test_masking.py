"""Tuning for the eye: errors weigh more where they show."""

import numpy as np
import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvcodec.codec import encoder
from dvcodec.codec.errors import InvalidArgument, UnsupportedImage
from dvcodec.codec.lossy import encode
from dvcodec.models.hierarchy import PhotoHierarchy
from dvcodec.models.masking import RANGE, block_weights, by_pixel, by_stride
from dvcodec.models.photo import grid_sizes
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
    sizes, weights = grid_sizes((height, width)), by_stride(blocks, (64, 32, 16, 8))
    assert {stride: tokens.shape for stride, tokens in weights.items()} == {
        s: (r * c, 1) for s, (r, c) in sizes.items()
    }
    assert torch.equal(weights[8].view(blocks.shape), blocks)
    corner = blocks[: sizes[8][0] if height < 64 else 8, : sizes[8][1] if width < 64 else 8]
    assert float(weights[64][0, 0]) == pytest.approx(float(corner.mean()), rel=1e-5)
    pixel = by_pixel(blocks, (height, width))
    assert pixel.shape == (height, width) and float(pixel[-1, -1]) == float(blocks[-1, -1])


def test_tuning_moves_error_from_plain_ground_to_texture(shipped: PhotoHierarchy) -> None:
    pixels = photo_and_plain()

    def errors(perceptual: bool, effort: int) -> tuple[float, float]:
        shown = shipped.render(encode(pixels, shipped, Q40, effort=effort, perceptual=perceptual).state)
        error = (pixels.astype(float) - shown) ** 2
        return float(error[:, :64].mean()), float(error[:, 64:].mean())

    for effort in (1, 3):
        plain, tuned = errors(False, effort), errors(True, effort)
        assert tuned[0] < plain[0] and tuned[1] > plain[1]


def test_weights_without_foresight_cannot_be_tuned() -> None:
    with pytest.raises(UnsupportedImage, match="fake cannot tell where errors show"):
        encode(small_model.photograph(24, 24), FakeHierarchy(), Q40, perceptual=True)


def test_a_tuning_has_a_name() -> None:
    assert [encoder.perceptual_of(name) for name in (None, "psnr", "perceptual")] == [False, False, True]
    with pytest.raises(InvalidArgument, match="no tuning 'ssim'"):
        encoder.perceptual_of("ssim")
