"""Scalable lossless files: symbols of the hierarchy, then the pixels under p(x | z), exactly."""

import tracemalloc
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import small_light
import small_pixels
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_pixels import coded, decoded, same

from dvcodec.codec import decoder
from dvcodec.codec.bitstream import tiling
from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.bitstream.info import describe
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossless import methods
from dvcodec.errors import DvcodecError, FormatError, TruncatedFile, WeightsNotFound
from dvcodec.models.pixels import colour_tensors, colours, tokens
from dvcodec.models.pixels.wavefront.half_size import doubled
from fake import photograph

NOISE = np.random.default_rng(5)


def content(kind: str, height: int, width: int) -> NDArray[np.uint8]:
    """Pixels (height, width, 4) of a kind."""
    if kind == "noise":
        return NOISE.integers(0, 256, (height, width, 4), np.uint8)
    if kind == "extremes":
        return NOISE.choice(np.array([0, 255], np.uint8), (height, width, 4))
    if kind == "flat":
        return np.full((height, width, 4), 255, np.uint8)
    return np.dstack([photograph(height, width), photograph(height, width, 1)])[:, :, :4]


@pytest.mark.parametrize("kind", ["photograph", "noise", "extremes", "flat"])
@pytest.mark.parametrize(
    "size",
    [(1, 1), (1, 9), (17, 1), (8, 8), (13, 22), pytest.param((64, 72), marks=pytest.mark.slow)],
    ids=str,
)
def test_every_kind_and_size_comes_back(kind: str, size: tuple[int, int]) -> None:
    whole = content(kind, *size)
    fewer = (whole[:, :, :3], whole[:, :, 2:]) if kind == "photograph" else ()
    for array in (whole, *fewer, whole[:, :, 0]):
        array = np.ascontiguousarray(array)
        result = decoded(coded(array))
        assert result.exact and same(result.picture, array)


@settings(max_examples=6)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**32 - 1), st.integers(1, 256))
def test_arrays_come_back(height: int, width: int, start: int, levels: int) -> None:
    array = np.random.default_rng(start).integers(0, levels, (height, width, 3), np.uint8)
    assert same(decoded(coded(array)).picture, array)


@cache
def small_file() -> bytes:
    """A file of a photograph."""
    return coded(photograph(16, 24))


def test_strips_are_coded_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    array = photograph(50, 20)
    monkeypatch.setattr(tiling, "STRIP_AREA", 500)
    data = coded(array)
    assert len(parse(data).pixels) == 3
    assert same(decoded(data).picture, array)
    monkeypatch.undo()
    with pytest.raises(FormatError):
        decoded(data)


def test_a_preview_is_the_lossy_image() -> None:
    array = photograph(40, 70)
    data = coded(array)
    total = len(parse(data).chunks)
    first, last = decoded(data, preview=1), decoded(data, preview=total)
    assert not first.exact and not last.exact and last.picture.pixels.shape == array.shape
    hierarchy = small_light.hierarchy()
    symbols, predicted = methods.base_of(array, hierarchy)
    rendered = hierarchy.render(symbols.state)
    assert rendered.shape == (20, 35, 3)
    assert np.array_equal(last.picture.pixels, doubled(rendered, 40, 70))
    assert np.array_equal(predicted, last.picture.pixels)
    assert decoded(data, preview="all").exact


def test_a_cut_file_still_shows_the_lossy_image() -> None:
    data = coded(photograph(40, 70))
    parsed = parse(data)
    cut = data[: parsed.pixels[0].offset + 3]
    with pytest.raises(TruncatedFile, match="strip 1 of 1 is missing"):
        decoded(cut)
    result = decoded(cut, preview="all")
    assert not result.exact and result.chunks == result.total == len(parsed.chunks)
    assert (result.picture.pixels == decoded(data, preview=result.total).picture.pixels).all()
    first = data[: parsed.chunks[0].offset + parsed.chunks[0].size]
    assert decoded(first, preview="all").chunks == 1


def test_every_cut_and_every_flipped_byte_is_noticed() -> None:
    data = coded(np.dstack([photograph(9, 12), photograph(9, 12, 1)])[:, :, :4])
    for length in range(len(data)):
        with pytest.raises(FormatError):
            decoded(data[:length])
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with pytest.raises(DvcodecError):
            decoded(bytes(changed))


def forged(data: bytes, strips: tuple[bytes, ...]) -> bytes:
    """The same file with other strips, its checksums right."""
    parsed = parse(data)
    return assemble(parsed.header, Parts(chunks=parsed.selected(len(parsed.chunks)), pixels=strips))


@settings(max_examples=8)
@given(st.binary(min_size=1, max_size=400), st.integers(0, 12))
def test_random_strips_raise_only_our_errors(payload: bytes, first: int) -> None:
    data = forged(small_file(), (bytes([first]) + payload,))
    with pytest.raises(DvcodecError):
        decoded(data)


def test_a_wrong_strip_is_noticed_behind_right_checksums() -> None:
    data = small_file()
    parsed = parse(data)
    strip = parsed.pixels[0].payload or b""
    for position in range(0, len(strip), 1 + len(strip) // 12):
        changed = bytearray(strip)
        changed[position] ^= 1
        with pytest.raises(FormatError):
            decoded(forged(data, (bytes(changed),)))
    with pytest.raises(FormatError):
        decoded(forged(data, (bytes([strip[0] ^ 1]) + strip[1:],)))


def test_absurd_sizes_allocate_nothing_before_they_are_refused() -> None:
    data = small_file()
    parsed = parse(data)
    header = replace(parsed.header, width=2**14, height=2**14)
    head = assemble(header, Parts(chunks=(Chunk(82, b"x"),), pixels=(b"x",)))
    tracemalloc.start()
    with pytest.raises(DvcodecError):
        decoded(head)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_what_the_header_says() -> None:
    data = small_file()
    info = describe(data)
    assert (info.format_version, info.lossless, info.method, info.mode) == (4, True, "model", "RGB")
    assert info.quality == methods.BASE_QUALITY / 256 and len(info.chunks) >= 1
    assert info.pixel_weights_id == small_pixels.PIXEL_WEIGHTS.hex() and info.weights_id == small_pixels.WEIGHTS.hex()
    sections = info.pixel_bytes + sum(chunk.bytes for chunk in info.chunks)
    assert info.header_bytes + sections == info.total_bytes == len(data)
    assert small_pixels.verified(data).header.mode == "RGB"


def test_weights_that_cannot_predict_are_refused() -> None:
    data = small_file()
    with pytest.raises(WeightsNotFound, match="not given"):
        decoder.decompress(data, Loaders(hierarchy=lambda prefix: small_light.hierarchy()))


# The parts.


@given(st.lists(st.integers(-510, 510), min_size=1, max_size=50))
def test_residuals_are_tokens_and_bits(values: list[int]) -> None:
    array = np.array(values, np.int32)
    found, rest = tokens.ALPHABET.split(array)
    assert (tokens.ALPHABET.join(found, rest) == array).all()
    assert found.min() >= 0 and found.max() < tokens.TOKENS
    assert (rest >= 0).all() and (rest < 2 ** tokens.ALPHABET.extra_bits(found)).all()


@pytest.mark.parametrize("transform", range(colours.TRANSFORMS))
def test_colour_transforms_are_reversible_and_bounded(transform: int) -> None:
    rgb = NOISE.choice(np.array([0, 1, 127, 128, 254, 255], np.int16), (2, 3, 40, 40))
    planes = colours.split(rgb, transform)
    assert (colours.join(planes, transform) == rgb).all()
    assert (colour_tensors.split(torch.from_numpy(rgb), transform).numpy() == planes).all()
    for channel in range(3):
        assert colours.LOWEST[channel] <= planes[:, channel].min()
        assert planes[:, channel].max() <= colours.HIGHEST[channel]


def test_the_smoothest_transform_is_taken() -> None:
    light = NOISE.integers(0, 200, (1, 64, 64))
    red_alone = np.concatenate([NOISE.integers(0, 200, (1, 64, 64)), light, light + 3])
    assert colour_tensors.smoothest(torch.from_numpy(red_alone.astype(np.int16))) in (2, 3, 6)
    array = np.ascontiguousarray(red_alone.transpose(1, 2, 0).astype(np.uint8))
    data = coded(array[:20, :20].copy())
    assert data[parse(data).pixels[0].offset] in (2, 3, 6)
