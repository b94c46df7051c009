"""The container: what is written is read back, costs little, and is checked byte by byte."""

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.container import parse, payload_of
from dvcodec.codec.bitstream.header import Header
from dvcodec.codec.bitstream.varint import Reader, write_varint
from dvcodec.codec.lossy import encoder
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import FormatError, TruncatedFile
from dvcodec.image_io import images
from fake import FakeHierarchy, photograph

HEADER = Header(width=32, height=48, mode="RGBA", quality=12800, weights=b"12345678")
PLAIN = replace(HEADER, mode="RGB")
CHUNKS = (Chunk(2, b"coarse"), Chunk(6, b"finer symbols" * 20))


def whole_file(header: Header = HEADER) -> bytes:
    """Return a file with every section."""
    alpha = b"\x01\x80" if header.alpha else b""
    return assemble(header, Parts(CHUNKS, alpha, icc=b"\0icc", exif=b"\0ex", xmp=b"\0x"))


@given(st.integers(0, 2**50))
def test_varints_come_back(value: int) -> None:
    assert Reader(write_varint(value)).varint("it", 2**50) == value


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff" * 12, b"\xff\x7f"])
def test_varints_that_are_not_canonical_or_too_large_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="not valid"):
        Reader(data).varint("it", 1000)


@given(
    st.integers(1, 2**14 - 1),
    st.integers(1, 2**14 - 1),
    st.sampled_from(["L", "LA", "RGB", "RGBA"]),
    st.integers(256, 25600),
    st.binary(min_size=8, max_size=8),
    st.lists(st.tuples(st.integers(1, 100), st.binary(min_size=1, max_size=300)), min_size=1, max_size=10),
    st.tuples(*[st.binary(max_size=40)] * 5),
)
def test_any_header_comes_back(
    width: int,
    height: int,
    mode: str,
    quality: int,
    weights: bytes,
    chunks: list[tuple[int, bytes]],
    parts: tuple[bytes, bytes, bytes, bytes, bytes],
) -> None:
    header = Header(width=width, height=height, mode=mode, quality=quality, weights=weights)
    packed = tuple(Chunk(*chunk) for chunk in chunks)
    names = "icc", "exif", "xmp", "properties", "adaptive_filter"
    sections: dict[str, Any] = dict(zip(names, (*parts[:4], b"" if header.grey else parts[4]), strict=True))
    data = assemble(header, Parts(packed, b"a" if header.alpha else b"", **sections))
    parsed = parse(data)
    assert parsed.header == header and parsed.fault is None and parsed.total_bytes == len(data)
    assert parsed.selected(len(packed)) == packed
    for name, part in sections.items():
        assert payload_of(getattr(parsed, name)) == part
    assert payload_of(parsed.alpha) == (b"a" if header.alpha else b"")


def test_the_layout_is_the_one_the_specification_gives() -> None:
    data = assemble(PLAIN, Parts((Chunk(8, b"abc"),)))
    head = b"\x8bDVQ" + bytes([4, 0, 3, 32, 48]) + (12800).to_bytes(2, "little") + b"12345678"
    head += bytes([1, 8, 3]) + zlib.crc32(b"abc").to_bytes(4, "little")
    assert data == head + zlib.crc32(head).to_bytes(4, "little") + b"abc"


@pytest.mark.parametrize("quality", [1.0, 50.0, 100.0])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_header_and_framing_of_a_small_image_take_at_most_40_bytes(quality: float, channels: int) -> None:
    pixels = np.full((32, 32, channels), 255, np.uint8)
    pixels[:, :, : min(channels, 3) - (channels == 2)] = photograph(32, 32)[:, :, : min(channels, 3) - (channels == 2)]
    picture = images.from_array(pixels)
    made = encoder.compress(picture, FakeHierarchy(), b"12345678", CompressSettings(quality=quality))
    assert len(made.data) - made.symbol_bytes <= 40


def test_a_file_cut_anywhere_says_how_much_is_whole() -> None:
    data = whole_file()
    full = parse(data)
    first, second = (section.offset + section.size for section in full.chunks)
    for length in range(full.header_bytes):
        with pytest.raises(FormatError):
            parse(data[:length])
    for length in range(full.header_bytes, len(data)):
        parsed = parse(data[:length])
        fault = parsed.fault
        assert isinstance(fault, TruncatedFile)
        assert parsed.whole_chunks == fault.whole == (length >= first) + (length >= second)
        assert fault.total == 2 and ('preview="all"' in str(fault)) == (fault.whole > 0)


def test_what_is_missing_is_named_when_all_chunks_are_whole() -> None:
    fault = parse(whole_file()[:-1]).fault
    assert (
        str(fault)
        == 'the file is cut short: 2 of 2 chunks are whole, but XMP is missing (`preview="all"` decodes them)'
    )


def test_any_flipped_bit_is_noticed() -> None:
    data = whole_file()
    for position in range(len(data)):
        for bit in (1, 16, 128):
            flipped = bytearray(data)
            flipped[position] ^= bit
            try:
                assert parse(bytes(flipped)).fault is not None, position
            except FormatError as error:
                assert "\n" not in str(error)


def test_bytes_after_the_end_are_an_error() -> None:
    assert "1 bytes follow" in str(parse(whole_file() + b"\0").fault)


def test_a_damaged_chunk_leaves_those_before_it() -> None:
    data = bytearray(whole_file())
    data[parse(bytes(data)).chunks[1].offset] ^= 1
    parsed = parse(bytes(data))
    assert parsed.whole_chunks == 1
    assert str(parsed.fault) == (
        'chunk 2 of 2 is damaged: its checksum does not match (`preview="all"` decodes the one whole chunk of 2)'
    )


def resealed(data: bytes, position: int, new: bytes) -> bytes:
    """Return a file whose header is changed and whose header checksum is right again."""
    end = parse(data).header_bytes - 4
    head = data[:position] + new + data[position + len(new) : end]
    return head + zlib.crc32(head).to_bytes(4, "little") + data[end + 4 :]


@pytest.mark.parametrize(
    ("position", "new", "reason"),
    [
        (0, b"PNG", "not a .dvq file"),
        (4, b"\x01", "format version 1"),
        (4, b"\x02", "format version 2"),
        (4, b"\x03", "format version 3"),
        (4, b"\x05", "format version 5"),
        (5, b"\x05", "archive of many images"),
        (5, b"\x09", "of a kind"),
        (5, b"\x07", "a deep image of 8 bits"),
        (6, b"\x07", "features"),
        (6, b"\x00", "a lossy image of mode 1"),
        (6, b"\x05", "a lossy image of mode P"),
        (6, b"\x41", "a grey image with a filter"),
        (9, b"\xff\x00", "quality out of range"),
        (9, b"\x01\x64", "quality out of range"),
        (7, b"\x00", "no pixels"),
        (7, b"\xff\xff\x7f", "the width exceeds"),
        (7, b"\xff\xff\x3f\xff\xff\x3f\x00\x40", "pixels; the format's limit"),
        (19, b"\x00", "no chunks"),
        (19, b"\xff\x7f", "number of chunks exceeds"),
    ],
)
def test_headers_that_are_not_valid_are_refused(position: int, new: bytes, reason: str) -> None:
    data = assemble(PLAIN, Parts(CHUNKS))
    with pytest.raises(FormatError, match=reason):
        parse(resealed(data, position, new))


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"\x8bDVX"])
def test_other_files_are_recognised(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"^not a \.dvq file$"):
        parse(data)
    with pytest.raises(FormatError, match=r"^the file is empty$"):
        parse(b"")


def test_an_image_that_the_format_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError):
        assemble(replace(PLAIN, width=2**20), Parts(CHUNKS))
    with pytest.raises(ValueError):
        assemble(replace(PLAIN, width=2**15, height=2**14), Parts(CHUNKS))
    with pytest.raises(ValueError):
        assemble(replace(PLAIN, weights=b"1234567"), Parts(CHUNKS))
