"""Files from an attacker: only our errors come out, in bounded time and memory, and nothing is written."""

import tracemalloc
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcodec.codec import api, decoder
from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.bitstream.header import Header
from dvcodec.codec.bitstream.info import describe
from dvcodec.codec.bitstream.varint import write_varint
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossy import encoder
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import DvcodecError, FormatError, TruncatedFile, WeightsNotFound
from dvcodec.image_io import images
from dvcodec.image_io.images import Picture
from dvcodec.image_io.limits import MAX_AREA
from dvcodec.image_io.metadata import Metadata
from dvcodec.models.interface.hierarchy import Hierarchy
from fake import FilteringFake, photograph

WEIGHTS = b"12345678"


def hierarchy(prefix: bytes) -> Hierarchy:
    """Know one weights file."""
    if prefix != WEIGHTS:
        raise WeightsNotFound("the file needs other weights")
    return FilteringFake()


load = Loaders(hierarchy=hierarchy)


@cache
def valid(channels: int = 4) -> bytes:
    """Return a file with every section."""
    pixels = images.from_array(np.dstack([photograph(36, 50), photograph(36, 50, 1)])[:, :, :channels])
    picture = Picture(pixels.pixels, pixels.alpha, Metadata(b"icc" * 20, b"II*\0 exif", b"<xmp/>"))
    return encoder.compress(picture, FilteringFake(), WEIGHTS, CompressSettings(quality=60)).data


def survives(data: bytes) -> bool:
    """Read a file in every way; True if the strict decode succeeds. Anything but a DvcodecError propagates."""
    for read in (describe, lambda d: decoder.verify(d, load), lambda d: decoder.decompress(d, load, preview="all")):
        try:
            read(data)
        except DvcodecError as error:
            assert "\n" not in str(error)
    try:
        decoder.decompress(data, load)
    except DvcodecError:
        return False
    return True


def resealed(data: bytes) -> bytes:
    """Make the header's and the sections' checksums right, as an attacker would, where the header can be parsed."""
    reader = bytearray(data)
    for end in range(25, min(len(data) - 4, 120)):
        reader[end : end + 4] = zlib.crc32(data[:end]).to_bytes(4, "little")
        try:
            if parse(bytes(reader)).header_bytes == end + 4:
                return bytes(reader)
        except FormatError:
            pass
        reader[end : end + 4] = data[end : end + 4]
    return data


def test_the_valid_file_is_valid() -> None:
    assert survives(valid()) and survives(valid(3))
    assert parse(valid()).adaptive_filter is not None


def test_every_truncation_is_noticed() -> None:
    data = valid()
    for length in range(len(data)):
        cut = data[:length]
        with pytest.raises(FormatError) as caught:
            decoder.decompress(cut, load)
        assert length == 0 or isinstance(caught.value, TruncatedFile), length
    for length in range(0, len(data), 17):
        survives(data[:length])


def test_every_flipped_byte_is_noticed() -> None:
    data = valid()
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with pytest.raises(DvcodecError):
            decoder.decompress(bytes(changed), load)


@settings(max_examples=150)
@given(st.data())
def test_mutations_raise_only_our_errors(data: st.DataObject) -> None:
    changed = bytearray(valid())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(changed) - 1) | st.integers(0, 60))
        action = data.draw(st.sampled_from(["set", "delete", "insert", "cut"]))
        if action == "set":
            changed[position] = data.draw(st.integers(0, 255))
        elif action == "delete" and len(changed) > 2:
            del changed[position]
        elif action == "insert":
            changed.insert(position, data.draw(st.integers(0, 255)))
        elif position > 2:
            del changed[position:]
        if len(changed) < 70:
            break
    survives(bytes(changed))


@settings(max_examples=150)
@given(st.data())
def test_mutated_headers_with_right_checksums_raise_only_our_errors(data: st.DataObject) -> None:
    changed = bytearray(valid())
    end = parse(valid()).header_bytes - 4
    for _ in range(data.draw(st.integers(1, 3))):
        # The sides stay small: the tests' hierarchy is slow. test_absurd_sizes has the large ones.
        position = data.draw(st.integers(4, end - 1).filter(lambda p: p not in (7, 8)))
        changed[position] = data.draw(st.integers(0, 255))
    survives(resealed(bytes(changed)))


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([0, 4, 6, 9, 19, 25]))
def test_random_bytes_raise_only_our_errors(data: bytes, kept: int) -> None:
    assert not survives(valid()[:kept] + data)


@settings(max_examples=60)
@given(st.binary(min_size=1, max_size=300), st.integers(1, 90), st.integers(1, 90), st.booleans(), st.integers(1, 9))
def test_random_symbols_raise_only_our_errors(payload: bytes, width: int, height: int, grey: bool, layers: int) -> None:
    header = Header(width=width, height=height, mode="L" if grey else "RGB", quality=5000, weights=WEIGHTS)
    assert not survives(assemble(header, Parts((Chunk(layers, payload),))))
    rest = (Chunk(8 - layers, b"x"),) if layers < 8 else ()
    assert not survives(assemble(header, Parts((Chunk(layers, payload), *rest))))


def test_absurd_sizes_allocate_nothing_before_they_are_refused() -> None:
    for width, height in ((2**20 - 1, 2**20 - 1), (2**20 - 1, 257), (MAX_AREA // 2**10 + 1, 2**10)):
        head = valid(3)[:7] + write_varint(width) + write_varint(height) + valid(3)[9:19] + b"\1\x08\1abcd"
        data = head + zlib.crc32(head).to_bytes(4, "little") + b"x"
        tracemalloc.start()
        assert not survives(data)
        assert tracemalloc.get_traced_memory()[1] < 10**6
        tracemalloc.stop()


def test_absurd_lengths_allocate_nothing() -> None:
    header = valid(3)[:19]
    for table in (b"\xff\x1f", b"\1\x08\xff\xff\xff\xff\x0f1234", b"\1\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"):
        head = header + table
        tracemalloc.start()
        assert not survives(head + zlib.crc32(head).to_bytes(4, "little") + b"some bytes")
        assert tracemalloc.get_traced_memory()[1] < 10**6
        tracemalloc.stop()


def test_a_wrong_decode_is_an_error_even_with_right_checksums() -> None:
    parsed = parse(valid(3))
    chunks = parsed.selected(len(parsed.chunks))
    for index, chunk in enumerate(chunks):
        for position in range(0, len(chunk.payload), 5):
            payload = bytearray(chunk.payload)
            payload[position] ^= 1
            forged = (*chunks[:index], Chunk(chunk.layers, bytes(payload)), *chunks[index + 1 :])
            with pytest.raises(FormatError):
                decoder.decompress(assemble(parsed.header, Parts(forged)), load)


def test_bad_files_leave_nothing_on_the_disk(tmp_path: Path, fake_weights: object) -> None:
    for number, data in enumerate((b"", b"rubbish", valid()[:50], valid()[:-1], valid() + b"x", valid())):
        source = tmp_path / f"{number}.dvq"
        source.write_bytes(data)
        with pytest.raises(DvcodecError):
            api.decompress_file(source, tmp_path / f"{number}.png")
        source.unlink()
    assert list(tmp_path.iterdir()) == []
