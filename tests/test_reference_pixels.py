"""The second decoder of lossless pixels gives back what the package coded."""

from dataclasses import replace

import numpy as np
import pytest
import reference_light_pixels
import reference_pixels
import small_light
import small_pixels
from numpy.typing import NDArray
from reference_light import LightPass, LightWeights
from reference_weights import contents

from dvcodec.codec.bitstream import tiling
from fake import photograph


def weights() -> tuple[dict[str, NDArray[np.int64]], int]:
    """The tensors of the small model of pixels, and its number of predictors, from the bytes of its file."""
    about, tensors = contents(small_pixels.weights_bytes())
    assert about["format"] == "dvcodec-pixels-1"
    return {name: values.astype(np.int64) for name, values in tensors.items()}, about["config"]["predictors"]


def predicted(data: bytes) -> NDArray[np.uint8]:
    """What the hierarchy predicts, at half size, as the second decoder of the light network finds it."""
    file, _, _ = reference_pixels.parse(data)
    half = replace(file, height=(file.height + 1) // 2, width=(file.width + 1) // 2)
    return reference_light_pixels.colours(LightPass(half, LightWeights(small_light.weights_bytes())))


def comes_back(array: NDArray[np.uint8]) -> bool:
    """Whether the second decoder gives an array back."""
    data = small_pixels.coded(array)
    return np.array_equal(reference_pixels.decode(data, *weights(), predicted(data)), array)


@pytest.mark.parametrize("size", [(1, 1), (12, 18), (19, 23), (71, 5), (130, 3)], ids=str)
def test_photographs_come_back(size: tuple[int, int]) -> None:
    array = photograph(*size)
    assert comes_back(array) and comes_back(np.ascontiguousarray(array[:, :, 1]))


@pytest.mark.parametrize("size", [(2, 514), (5, 257)], ids=str)
def test_pixels_beyond_the_strip_are_seen_alike(size: tuple[int, int]) -> None:
    array = photograph(*size)
    assert comes_back(array) and comes_back(np.ascontiguousarray(array[:, :, 1]))


@pytest.mark.parametrize("levels", [(0, 255), tuple(range(256))], ids=["extremes", "noise"])
def test_every_token_comes_back(levels: tuple[int, ...]) -> None:
    array = np.random.default_rng(2).choice(np.array(levels, np.uint8), (21, 26, 3))
    assert comes_back(array) and comes_back(np.ascontiguousarray(array[:, :, 0]))


@pytest.mark.parametrize("transform", range(9))
def test_colours_come_back(transform: int) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (9, 9, 3))
    assert (reference_pixels.join(reference_pixels.split(rgb, transform), transform) == rgb).all()


def test_strips_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "STRIP_AREA", 500)
    monkeypatch.setattr(reference_pixels, "AREA", 500)
    array = photograph(21, 40)
    assert len(reference_pixels.parse(small_pixels.coded(array))[1]) == 3 and comes_back(array)


def test_doubling_by_hand() -> None:
    image = np.repeat(np.array([[0, 16], [32, 160]], np.uint8)[:, :, None], 3, axis=2)
    by_hand = [[0, 4, 12], [8, 19, 41], [24, 49, 99], [32, 64, 128]]
    assert (reference_pixels.doubled(image, 4, 3) == np.array(by_hand)[:, :, None]).all()
