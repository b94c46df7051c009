"""Heads and end marks of archives: they come back, they are small, and nothing else is taken for one."""

import tracemalloc
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dvcodec.codec.archives.layout import (
    FILES,
    HEAD_LIMIT,
    KINDS,
    MARKER,
    MAX_IMAGES,
    MAX_PIXELS,
    MOSAIC,
    SET,
    ArchiveHead,
    End,
    parse,
    write_end,
    write_head,
)
from dvcodec.codec.archives.places import Places, in_words, runs_of
from dvcodec.errors import FormatError
from dvcodec.image_io.limits import MODES

CRC = st.integers(0, 2**32 - 1)
RUN = tuple(range(9984, 9984 + 256))
DIGITS = ArchiveHead(SET, RUN, 3840, 1, mode="1", height=28, width=28, samples_crc=2, weights=1)


@st.composite
def heads(draw: st.DrawFn) -> ArchiveHead:
    """Any head that may be written."""
    kind = draw(st.sampled_from(KINDS))
    first, gaps = draw(st.integers(0, 2**20)), draw(st.lists(st.integers(1, 300), max_size=255))
    positions = [first]
    for gap in gaps:
        positions.append(positions[-1] + gap)
    names = draw(st.integers(0, 2**19))
    common = ArchiveHead(
        kind, tuple(positions), draw(st.integers(1, 2**31)), draw(CRC), names, draw(CRC) if names else 0
    )
    if kind == FILES:
        return common
    modes = MODES if kind == MOSAIC else MODES[:5]
    height, width = draw(st.integers(1, 256)), draw(st.integers(1, 256))
    head = replace(common, mode=draw(st.sampled_from(modes)), height=height, width=width, samples_crc=draw(CRC))
    if kind == MOSAIC:
        return replace(head, palette=draw(st.booleans()))
    return replace(head, weights=draw(st.integers(0, 15)), weights_id=draw(st.sampled_from([b"", b"12345678"])))


@given(heads(), st.binary(max_size=5))
def test_heads_come_back(head: ArchiveHead, rest: bytes) -> None:
    data = write_head(head)
    assert parse(data + rest) == (head, len(data)) and len(data) <= HEAD_LIMIT


@given(st.integers(0, MAX_IMAGES), st.integers(0, 2**20), st.lists(st.binary(min_size=8, max_size=8), max_size=16))
def test_end_marks_come_back(images: int, segments: int, weights: list[bytes]) -> None:
    end = End(images, segments, tuple(weights))
    assert parse(write_end(end)) == (end, len(write_end(end)))


def test_a_segment_of_digits_costs_less_than_24_bytes() -> None:
    assert len(write_head(DIGITS)) == 23
    assert len(write_head(replace(DIGITS, kind=MOSAIC, weights=0))) == 22


def test_a_run_of_places_costs_two_bytes_and_a_list_one_more_an_image() -> None:
    listed = tuple(position * 2 for position in range(256))
    assert len(write_head(replace(DIGITS, positions=tuple(range(256))))) == 22
    assert len(write_head(replace(DIGITS, positions=listed))) == 22 + 255


@settings(max_examples=30)
@given(heads())
def test_every_cut_and_every_flipped_byte_is_noticed(head: ArchiveHead) -> None:
    data = write_head(head)
    for length in range(len(data)):
        with pytest.raises(FormatError):
            parse(data[:length])
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with pytest.raises(FormatError):
            parse(bytes(changed))


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_sealed_rubbish_raises_only_our_errors(body: bytes) -> None:
    data = MARKER + body
    for end in range(len(data) + 1):
        sealed = data[:end] + zlib.crc32(data[:end]).to_bytes(4, "little")
        try:
            found, size = parse(sealed)
        except FormatError:
            continue
        assert size <= len(sealed)
        assert write_end(found) if isinstance(found, End) else write_head(found)


@pytest.mark.parametrize(
    "head",
    [
        replace(DIGITS, width=0),
        replace(DIGITS, height=0),
        replace(DIGITS, payload_size=0),
        replace(DIGITS, mode="P"),
        replace(DIGITS, weights=16),
        replace(DIGITS, width=1, height=2**20 - 1),
        replace(DIGITS, width=2**20 - 1, height=MAX_PIXELS // 2**20),
        replace(DIGITS, positions=(MAX_IMAGES - 1, MAX_IMAGES)),
        replace(DIGITS, payload_size=2**31 + 1),
        replace(DIGITS, names_size=2**19 + 1),
    ],
    ids=lambda head: str(head)[:40],
)
def test_what_no_archive_may_say_is_refused(head: ArchiveHead) -> None:
    tracemalloc.start()
    with pytest.raises(FormatError):
        parse(write_head(head))
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize("form", [0b10000, 0b100000, 0b11100001, 0b10001010, 0b111])
def test_forms_of_later_releases_are_refused(form: int) -> None:
    data = bytearray(write_head(DIGITS))[:-4]
    data[2] = form
    with pytest.raises(FormatError):
        parse(bytes(data) + zlib.crc32(data).to_bytes(4, "little"))


@given(st.sets(st.integers(0, 60)), st.integers(0, 70))
def test_missing_places_are_those_that_were_not_taken(taken: set[int], total: int) -> None:
    places = Places()
    for position in taken:
        assert places.take((position,)) and not places.take((position,))
    missing = [position for run in places.missing(total) for position in run]
    assert missing == sorted(set(range(total)) - taken)
    assert runs_of(missing) == places.missing(total)


def test_places_are_counted_from_one_in_words() -> None:
    assert in_words(()) == "" and in_words((range(2, 3),)) == "image 3"
    assert in_words((range(0, 4), range(5, 6))) == "images 1 to 4, 6"
    assert in_words(runs_of(range(0, 20, 2))) == "images 1, 3, 5, 7 and more"
