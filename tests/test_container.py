"""The container: what is written is read back, costs little, and is checked byte by byte."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcodec.codec.bitstream import container
from dvcodec.codec.bitstream.container import Chunk, Container, Header
from dvcodec.codec.bitstream.varint import Reader, write_varint
from dvcodec.codec.lossy import encoder
from dvcodec.errors import FormatError, TruncatedFile
from dvcodec.image_io import images
from fake import FakeHierarchy, photograph

HEADER = Header(32, 48, False, True, 12800, b"12345678")
CHUNKS = (Chunk(2, b"coarse"), Chunk(6, b"finer symbols" * 20))


def whole_file(header: Header = HEADER) -> bytes:
    """Return a file with every section."""
    return container.pack(
        header, CHUNKS, icc=b"\0icc", alpha=b"\x01\x80" if header.alpha else b"", exif=b"\0ex", xmp=b"\0x"
    )


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
    st.booleans(),
    st.booleans(),
    st.integers(256, 25600),
    st.binary(min_size=8, max_size=8),
    st.lists(st.tuples(st.integers(1, 100), st.binary(min_size=1, max_size=300)), min_size=1, max_size=10),
    st.tuples(*[st.binary(max_size=40)] * 4),
)
def test_any_header_comes_back(
    width: int,
    height: int,
    grey: bool,
    alpha: bool,
    quality: int,
    weights: bytes,
    chunks: list[tuple[int, bytes]],
    parts: tuple[bytes, bytes, bytes, bytes],
) -> None:
    header = Header(width, height, grey, alpha, quality, weights)
    packed = tuple(Chunk(*chunk) for chunk in chunks)
    names = "icc", "exif", "xmp", "image_filter"
    sections = dict(zip(names, (*parts[:3], b"" if grey else parts[3]), strict=True))
    data = container.pack(header, packed, alpha=b"a" if alpha else b"", **sections)
    parsed = Container(data)
    assert parsed.header == header and parsed.fault() is None and parsed.total_bytes == len(data)
    assert tuple(Chunk(s.layers, parsed.payload(s) or b"") for s in parsed.chunks) == packed
    named = "the ICC profile", "EXIF", "XMP", container.IMAGE_FILTER
    for name, part in zip(named, sections.values(), strict=True):
        section = parsed.section(name)
        assert (parsed.payload(section) if section else b"") == part


def test_the_layout_is_the_one_the_specification_gives() -> None:
    data = container.pack(replace(HEADER, alpha=False), (Chunk(8, b"abc"),))
    head = b"\x8bDVQ" + bytes([1, 1, 0, 1]) + (12800).to_bytes(2, "little") + b"12345678" + bytes([32, 48])
    head += bytes([1, 8, 3]) + zlib.crc32(b"abc").to_bytes(4, "little")
    assert data == head + zlib.crc32(head).to_bytes(4, "little") + b"abc"


@pytest.mark.parametrize("quality", [1.0, 50.0, 100.0])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_header_and_framing_of_a_small_image_take_at_most_40_bytes(quality: float, channels: int) -> None:
    pixels = np.full((32, 32, channels), 255, np.uint8)
    pixels[:, :, : min(channels, 3) - (channels == 2)] = photograph(32, 32)[:, :, : min(channels, 3) - (channels == 2)]
    picture = images.from_array(pixels)
    made = encoder.compress(picture, FakeHierarchy(), b"12345678", encoder.Goal(quality=quality))
    assert len(made.data) - made.symbol_bytes <= 40


def test_a_file_cut_anywhere_says_how_much_is_whole() -> None:
    data = whole_file()
    full = Container(data)
    first, second = (section.offset + section.size for section in full.chunks)
    for length in range(full.header_bytes):
        with pytest.raises(FormatError):
            Container(data[:length])
    for length in range(full.header_bytes, len(data)):
        parsed = Container(data[:length])
        fault = parsed.fault()
        assert isinstance(fault, TruncatedFile)
        assert parsed.whole_chunks == fault.whole == (length >= first) + (length >= second)
        assert fault.total == 2 and ("--preview all" in str(fault)) == (fault.whole > 0)


def test_what_is_missing_is_named_when_all_chunks_are_whole() -> None:
    fault = Container(whole_file()[:-1]).fault()
    assert (
        str(fault) == "the file is cut short: 2 of 2 chunks are whole, but XMP is missing (--preview all decodes them)"
    )


def test_any_flipped_bit_is_noticed() -> None:
    data = whole_file()
    for position in range(len(data)):
        for bit in (1, 16, 128):
            flipped = bytearray(data)
            flipped[position] ^= bit
            try:
                assert Container(bytes(flipped)).fault() is not None, position
            except FormatError as error:
                assert "\n" not in str(error)


def test_bytes_after_the_end_are_an_error() -> None:
    assert "1 bytes follow" in str(Container(whole_file() + b"\0").fault())


def test_a_damaged_chunk_leaves_those_before_it() -> None:
    data = bytearray(whole_file())
    data[Container(bytes(data)).chunks[1].offset] ^= 1
    parsed = Container(bytes(data))
    assert parsed.whole_chunks == 1
    assert str(parsed.fault()) == (
        "chunk 2 of 2 is damaged: its checksum does not match (--preview all decodes the 1 whole chunks of 2)"
    )


def resealed(data: bytes, position: int, new: bytes) -> bytes:
    """Return a file whose header is changed and whose header checksum is right again."""
    end = Container(data).header_bytes - 4
    head = data[:position] + new + data[position + len(new) : end]
    return head + zlib.crc32(head).to_bytes(4, "little") + data[end + 4 :]


@pytest.mark.parametrize(
    ("position", "new", "reason"),
    [
        (0, b"PNG", "not a .dvq file"),
        (4, b"\x03", "archive of many images"),
        (4, b"\x04", "format version 4"),
        (5, b"\x21", "features"),
        (6, b"\x80", "features"),
        (7, b"\x02", "entropy coder version 2"),
        (8, b"\xff\x00", "quality out of range"),
        (8, b"\x01\x64", "quality out of range"),
        (18, b"\x00", "no pixels"),
        (18, b"\xff\xff\x7f", "the width exceeds"),
        (18, b"\xff\xff\x3f\xff\xff\x3f", "pixels; the format's limit"),
        (20, b"\x00", "no chunks"),
        (20, b"\xff\x7f", "number of chunks exceeds"),
    ],
)
def test_headers_that_are_not_valid_are_refused(position: int, new: bytes, reason: str) -> None:
    data = container.pack(replace(HEADER, alpha=False), CHUNKS)
    with pytest.raises(FormatError, match=reason):
        Container(resealed(data, position, new))


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\x8bDVX"])
def test_other_files_are_told_apart(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"^not a \.dvq file$"):
        Container(data)


def test_an_image_that_the_format_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError):
        container.pack(replace(HEADER, width=2**20), CHUNKS)
    with pytest.raises(ValueError):
        container.pack(replace(HEADER, width=2**15, height=2**14), CHUNKS)
