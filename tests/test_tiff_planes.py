"""TIFF files whose channels lie in planes: Pillow reads deep ones wrongly, and here every sample is what it is."""

import io
from typing import Any, Literal

import numpy as np
import pytest
from image_files import tiff_of
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec.errors import UnsupportedImage
from dvcodec.image_io import images, orientation

Order = Literal["<", ">"]
RNG = np.random.default_rng(0)
SAMPLES = RNG.integers(0, 2**16, (4, 10, 7), dtype=np.uint16)
ORIENTATION, PREDICTOR = 274, 317


def planes(count: int) -> list[NDArray[np.uint16]]:
    return list(SAMPLES[:count])


@pytest.mark.parametrize("count", [1, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("deflated", "rows"), [(False, 10), (False, 3), (True, 10), (True, 3)])
def test_samples_are_read_exactly(count: int, order: Order, deflated: bool, rows: int) -> None:
    data = tiff_of(planes(count), order=order, rows=rows, deflated=deflated)
    expected = np.moveaxis(SAMPLES[:count], 0, 2).squeeze()
    found = dvcodec.decompress_array(dvcodec.compress(data, lossless=True))
    assert found.dtype == np.uint16 and np.array_equal(found, expected)
    with Image.open(io.BytesIO(data)) as image:  # left as it was
        assert np.array_equal(images.to_array(images.from_image(image, keep_mode=True)), expected)
        image.load()
    reduced = images.read(data, convert=True)
    assert reduced.notices == ("reduced from 16 to 8 bits a sample",)
    assert np.array_equal(images.to_array(reduced), np.rint(expected / 257))
    with pytest.raises(UnsupportedImage, match="not supported by lossy files"):
        dvcodec.compress(data)


def test_differences_and_unspecified_channels_are_understood() -> None:
    apart = [np.diff(plane, axis=1, prepend=np.uint16(0)) for plane in planes(3)]
    data = tiff_of(apart, {PREDICTOR: [2]}, deflated=True)
    assert np.array_equal(images.read(data, keep_mode=True).pixels, np.moveaxis(SAMPLES[:3], 0, 2))
    spare = tiff_of(planes(4), {338: [0]})
    assert np.array_equal(images.read(spare, keep_mode=True).pixels, np.moveaxis(SAMPLES[:3], 0, 2))


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_the_orientation_turns_planes_as_it_turns_pixels(count: int, deflated: bool) -> None:
    picture = images.read(tiff_of(planes(count), {ORIENTATION: [6]}, deflated=deflated), keep_mode=True)
    assert np.array_equal(picture.pixels, np.rot90(np.moveaxis(SAMPLES[:count], 0, 2).squeeze(), -1))
    assert orientation.of(picture.metadata) == 1


REFUSED: list[tuple[int, dict[int, list[int]], str]] = [
    (4, {338: [1]}, "in planes"),  # colours that were multiplied by alpha
    (4, {262: [5], 338: []}, "CMYK"),
    (3, {339: [2, 2, 2]}, "signed|cannot read|not an image"),
    (3, {273: [8, 8, 10**6]}, "cut short|planes"),
    (3, {279: [140, 140, 10**6]}, "planes do not lie in the file"),
    (3, {273: [8]}, "planes do not lie in the file"),
]


@pytest.mark.parametrize(("count", "tags", "said"), REFUSED)
def test_what_cannot_be_read_exactly_is_refused(count: int, tags: dict[int, list[int]], said: str) -> None:
    with pytest.raises(UnsupportedImage, match=said):
        images.read(tiff_of(planes(count), tags), keep_mode=True)


@pytest.mark.parametrize("order", ["<", ">"])
def test_one_plane_is_read_like_pixels(order: Order) -> None:
    grey = RNG.integers(0, 256, (4, 8), dtype=np.uint8)
    inverted = images.read(tiff_of([grey], {262: [0]}, order=order), keep_mode=True)
    assert np.array_equal(inverted.pixels, 255 - grey)
    bits: Any = images.read(tiff_of([grey], {256: [64], 258: [1], 262: [0]}, order=order), keep_mode=True)
    assert np.array_equal(bits.pixels == 0, np.unpackbits(grey, axis=1)) and bits.bilevel
