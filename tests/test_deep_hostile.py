"""Deep samples in files that are not valid, and the parts that decode them."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from test_deep import picture, samples

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.entropy.raw_bits import BitReader, pack
from dvcodec.codec.lossless import deep, deep_strips, raw_samples
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import FormatError
from dvcodec.models.pixels.deep import tokens, wavefronts


def resealed(data: bytes, at: int, new: bytes) -> bytes:
    """Return a file with other bytes in its header, whose checksum is right."""
    end = parse(data).header_bytes - 4
    changed = bytearray(data)
    changed[at : at + len(new)] = new
    return bytes(changed[:end]) + struct.pack("<I", zlib.crc32(bytes(changed[:end]))) + bytes(changed[end + 4 :])


@pytest.mark.parametrize(
    ("at", "new", "reason"),
    [
        (7, b"\5", "a deep image of mode P"),
        (7, b"\7", "features"),
        (8, b"\xff\0", "deep samples of 8 bits"),
        (5, b"\2", "a webp image of 16 bits"),
        (5, b"\0", "not valid"),
    ],
)
def test_headers_that_are_not_valid(at: int, new: bytes, reason: str) -> None:
    data = dvcodec.compress_array(samples("L"), lossless=True, method="deep")
    assert data[5:10] == b"\7\7\1\xff\xff"
    with pytest.raises(FormatError, match=reason):
        parse(resealed(data, at, new))


def strip_of(planes: NDArray[np.int64]) -> bytes:
    return deep_strips.encode(planes)


def test_strips_that_are_not_valid() -> None:
    planes = samples("LA", height=6, width=7).transpose(2, 0, 1).astype(np.int64)
    good = strip_of(planes)
    assert (deep_strips.decode(good, 6, 7, 2) == planes).all()
    for bad in (good[:3], good[:20], good[:-1], good[:-5], good + b"\1", b"\xff\xff\0\0" + good[4:]):
        with pytest.raises(FormatError):
            deep_strips.decode(bad, 6, 7, 2)
    flat = strip_of(np.full((1, 3, 3), 5))
    assert len(flat) == 4
    with pytest.raises(FormatError, match="bytes follow"):
        deep_strips.decode(flat + b"\0", 3, 3, 1)


@pytest.mark.parametrize("seed", range(12))
def test_damage_is_a_format_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    planes = samples("RGB", height=5, width=6).transpose(2, 0, 1).astype(np.int64)
    data = bytearray(strip_of(planes))
    for at in rng.integers(0, len(data), 3):
        data[at] = int(rng.integers(256))
    try:
        found = deep_strips.decode(bytes(data), 5, 6, 3)
    except FormatError:
        return
    assert found.shape == planes.shape and 0 <= found.min() <= found.max() < 2**16


def test_levels_that_are_not_valid() -> None:
    header = parse(dvcodec.compress_array(samples("L"), lossless=True, method="deep")).header
    strip = strip_of(np.full((1, 12, 17), 5))
    for levels in (
        b"\0\0",
        b"\1",
        b"\2",
        b"\1" + raw_samples.deflated(bytes(8191)),
        b"\1" + raw_samples.deflated(bytes(8192)),
    ):
        with pytest.raises(FormatError):
            deep.decode([levels, strip], header)
    few = b"\1" + raw_samples.deflated(b"\7" + bytes(8191))
    with pytest.raises(FormatError, match="a level"):
        deep.decode([few, strip], header)


def test_samples_brighter_than_white_are_noticed() -> None:
    data, _ = api.compress_picture(picture("L", 4095), CompressSettings(lossless=True, method="stored"))
    with pytest.raises(FormatError, match="brighter"):
        dvcodec.decompress_array(resealed(data, 8, b"\0\1"))


def test_tokens_and_raw_bits() -> None:
    errors = np.array([0, -1, 5, -5, 15, 16, -16, -17, 4000, 65535, -65535], np.int64)
    for low in (0, 3, 9):
        drop = np.full(len(errors), low)
        token, raw, sizes = tokens.split(errors, drop)
        assert 0 <= token.min() <= token.max() < tokens.TOKENS and sizes.max() <= tokens.MOST_BITS
        assert (sizes == tokens.raw_bits(tokens.places_of(token), drop)).all()
        reader = BitReader(pack(raw, sizes))
        assert (tokens.join(token, reader.read(sizes), drop) == errors).all()
        reader.finish()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5), (5, 1), (4, 3), (3, 8)])
def test_wavefronts_see_the_same_neighbours(height: int, width: int) -> None:
    """What a decoder remembers is what an encoder finds around each pixel."""
    plane = np.random.default_rng(height).integers(0, 99, (height, width)).astype(np.float64)
    whole = wavefronts.neighbours_of(wavefronts.padded(plane, 50))
    recent = wavefronts.Recent(height, 50)
    order = wavefronts.places(height, width, 1)
    assert sorted(order.ravel()) == list(range(height * width))
    seen: list[Any] = [(0, -1), (-1, 0), (-1, 1), (-1, -1), (0, -2), (-2, 0), (-2, 1), (-2, -1), (-2, 2), (-1, -2)]
    for front in wavefronts.fronts(height, width):
        rows = np.arange(front.first, front.end)
        columns = front.number - 2 * rows
        for place in seen:
            assert (recent.neighbours(front)(*place) == whole(*place)[rows, columns]).all()
        recent.put_samples(front, plane[rows, columns])
