"""The alpha channel: lossless, small, and refused where it is not valid."""

import contextlib
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcodec.codec.bitstream import alpha
from dvcodec.errors import FormatError
from dvcodec.image_io import webp


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 5, 256]), st.integers(0, 99))
def test_alpha_comes_back(height: int, width: int, values: int, seed: int) -> None:
    mask = (np.random.default_rng(seed).integers(0, values, (height, width)) * 255 // values).astype(np.uint8)
    assert (alpha.unpack(alpha.pack(mask), height, width) == mask).all()


def test_simple_alpha_costs_next_to_nothing() -> None:
    assert alpha.pack(np.full((300, 200), 255, np.uint8)) == b""
    assert alpha.pack(np.full((300, 200), 7, np.uint8)) == b"\1\7"
    y, x = np.mgrid[0:300, 0:300]
    assert len(alpha.pack(np.where((y - 150) ** 2 + (x - 150) ** 2 < 9000, 255, 0).astype(np.uint8))) < 500


@settings(max_examples=60)
@given(st.integers(1, 33), st.integers(1, 33), st.sampled_from([1, 3]), st.integers(0, 99))
def test_hidden_colours_continue_the_visible_ones(height: int, width: int, channels: int, seed: int) -> None:
    drawn = np.random.default_rng(seed)
    pixels = drawn.integers(50, 200, (height, width, channels)).astype(np.uint8)
    mask = (drawn.random((height, width)) < drawn.random()).astype(np.uint8) * 200
    pixels[mask == 0] = 255  # what an editor left
    shown = alpha.conceal(pixels, mask)
    assert np.array_equal(shown[mask > 0], pixels[mask > 0]) and shown.shape == pixels.shape
    if mask.any():
        for c in range(channels):
            seen = pixels[mask > 0, c]
            assert seen.min() <= shown[:, :, c].min() and shown[:, :, c].max() <= seen.max()


def test_a_hidden_pixel_takes_the_mean_of_its_smallest_square() -> None:
    pixels = np.array([[10, 20, 0, 0], [30, 99, 0, 0], [0, 0, 0, 0], [0, 0, 0, 80]], np.uint8)
    mask = ((pixels > 0) & (pixels != 99)).astype(np.uint8)
    shown = alpha.conceal(pixels, mask)
    assert shown[1, 1] == 20 and (shown[2:, 2:] == 80).all() and (shown[:2, 2:] == 35).all()
    assert (alpha.conceal(pixels, 0 * mask) == 0).all()


def test_alpha_takes_the_smallest_form() -> None:
    y, x = np.mgrid[0:200, 0:200]
    assert alpha.pack(((x + y) // 2 % 256).astype(np.uint8))[0] == 3
    wide = np.zeros((1, 20000), np.uint8)
    wide[0, ::3] = 9
    assert alpha.pack(wide)[0] == 2 and (alpha.unpack(alpha.pack(wide), 1, 20000) == wide).all()


def test_alpha_of_another_size_is_refused() -> None:
    mask = np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8)
    for section in (alpha.pack(mask), b"\2" + zlib.compress(bytes(600), wbits=-15), b"\3" + webp.pack(mask, method=4)):
        for size in ((20, 31), (1, 1), (20, 29)):
            with pytest.raises(FormatError):
                alpha.unpack(section, *size)


@settings(max_examples=200)
@given(st.data())
def test_broken_alpha_raises_only_our_error(data: st.DataObject) -> None:
    mask = np.random.default_rng(0).integers(0, 9, (20, 30)).astype(np.uint8)
    section = bytearray(
        data.draw(st.sampled_from([b"\3" + webp.pack(mask, method=4), alpha.pack(mask), b"\2abc", b"\1"]))
    )
    for _ in range(data.draw(st.integers(1, 3))):
        section[data.draw(st.integers(0, len(section) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        assert alpha.unpack(bytes(section[: data.draw(st.integers(0, len(section)))]), 20, 30).shape == (20, 30)
