"""Damaged and hostile archives: every whole segment comes back, what is lost is named, nothing else happens."""

import tracemalloc
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sample_archives as sample
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import dvcodec
from dvcodec.codec.archives import reader
from dvcodec.codec.archives.extraction import extract
from dvcodec.codec.archives.layout import FILES, HEADER, MARKER, MOSAIC, ArchiveHead, write_head
from dvcodec.codec.archives.names import pack
from dvcodec.codec.archives.reader import Archive, Loss
from dvcodec.codec.archives.splitting import join_files
from dvcodec.errors import DvcodecError, FormatError

pytestmark = pytest.mark.usefixtures("fake_weights")


COUNT = 28
"""Number of images in the small archive."""


@cache
def whole() -> bytes:
    """A small archive of four segments."""
    with TemporaryDirectory() as folder:
        sample.small(Path(folder) / "a.dvq")
        return (Path(folder) / "a.dvq").read_bytes()


def read(data: bytes, path: Path) -> tuple[set[int], list[str]]:
    """The places that come back, and what is said to be wrong; info must not raise either."""
    path.write_bytes(data)
    found, losses = sample.read(path)
    described = dvcodec.archive_info(path)
    assert described.images >= len(found) or losses
    assert all("\n" not in str(loss) for loss in losses)
    return set(found), [str(loss) for loss in losses]


def places() -> list[tuple[tuple[int, ...], int, int, int]]:
    """Of every segment: the places of its images, where it begins, where its names begin, and where it ends."""
    found = sample.segments(whole())
    return [(head.positions, start, names, end) for head, start, names, end in found if isinstance(head, ArchiveHead)]


def test_the_whole_archive_is_whole(tmp_path: Path) -> None:
    assert read(whole(), tmp_path / "a.dvq") == (set(range(COUNT)), [])
    assert [len(positions) for positions, *_ in places()] == [12, 6, 9, 1]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("where", ["marker", "head", "names", "payload", "all", "cut out", "shortened", "lengthened"])
def test_damage_to_one_segment_loses_no_other(number: int, where: str, tmp_path: Path) -> None:
    own, start, names, end = places()[number]
    data = bytearray(whole())
    if where == "cut out":
        del data[start:end]
    elif where == "shortened":
        del data[end - 5 : end - 2]
    elif where == "lengthened":
        data[end - 5 : end - 5] = b"more"
    elif where == "all":
        data[start:end] = bytes(end - start)
    else:
        data[{"marker": start, "head": start + 3, "names": names + 1, "payload": end - 1}[where]] ^= 0x10
    found, losses = read(bytes(data), tmp_path / "a.dvq")
    assert found >= set(range(COUNT)) - set(own) and losses
    if where == "names":
        assert found == set(range(COUNT)) and "get numbers instead" in losses[0]
    else:
        assert not found & set(own)
        first, last = own[0] + 1, own[-1] + 1
        assert any((f"{first} to {last}" if last > first else f"image {first}") in loss for loss in losses)


def test_names_of_what_is_lost_are_reported(tmp_path: Path) -> None:
    data = bytearray(whole())
    data[places()[0][3] - 1] ^= 1
    _, losses = read(bytes(data), tmp_path / "a.dvq")
    lost = "segment 1 is damaged: images 1 to 12 are lost (d0000.png, d0001.png, ..., d0011.png)"
    assert losses == [lost]
    with pytest.raises(FormatError, match="images 1 to 12 are lost"):
        list(dvcodec.decompress_archive(tmp_path / "a.dvq"))


def test_every_cut_is_noticed_and_what_comes_before_it_is_whole(tmp_path: Path) -> None:
    for length in range(len(HEADER), len(whole())):
        found, losses = read(whole()[:length], tmp_path / "a.dvq")
        before = {place for own, *_, end in places() if end <= length for place in own}
        assert found == before and losses, length
        assert "cut short" in losses[-1]
    for length in range(len(HEADER)):
        with pytest.raises(FormatError):
            read(whole()[:length], tmp_path / "a.dvq")


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    for position in range(len(HEADER), len(whole())):
        data = bytearray(whole())
        data[position] ^= 1 << position % 8
        found, losses = read(bytes(data), tmp_path / "a.dvq")
        hit = {place for own, start, _, end in places() if start <= position < end for place in own}
        assert losses and found >= set(range(COUNT)) - hit, position


def test_bytes_after_the_end_are_noticed(tmp_path: Path) -> None:
    found, losses = read(whole() + b"more", tmp_path / "a.dvq")
    assert len(found) == COUNT and losses == ["4 bytes follow the end of the archive"]
    found, losses = read(whole() + whole(), tmp_path / "a.dvq")
    assert len(found) == COUNT and losses == [f"{len(whole())} bytes follow the end of the archive"]


@settings(max_examples=150)
@given(st.data())
def test_mutations_raise_only_our_errors(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    changed = bytearray(whole())
    for _ in range(data.draw(st.integers(1, 5))):
        position = data.draw(st.integers(0, len(changed) - 1))
        action = data.draw(st.sampled_from(["set", "delete", "insert", "copy"]))
        if action == "set":
            changed[position] = data.draw(st.integers(0, 255))
        elif action == "delete":
            del changed[position : position + data.draw(st.integers(1, 99))]
        elif action == "insert":
            changed[position:position] = data.draw(st.binary(max_size=40))
        else:
            changed[position:position] = changed[: data.draw(st.integers(0, 400))]
        if len(changed) < 10:
            break
    try:
        read(bytes(changed), tmp_path_factory.getbasetemp() / "mutated.dvq")
    except DvcodecError:
        assert bytes(changed[:6]) != HEADER


def forged(head: ArchiveHead, payload: bytes, section: bytes = b"") -> bytes:
    """A segment with right checksums."""
    sized = replace(head, payload_size=len(payload), payload_crc=zlib.crc32(payload))
    return write_head(replace(sized, names_size=len(section), names_crc=zlib.crc32(section))) + section + payload


@settings(max_examples=200)
@given(st.data())
def test_mutated_segments_with_right_checksums_raise_only_our_errors(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    head, _, names, end = data.draw(st.sampled_from(list(sample.segments(whole()))[:-1]))
    assert isinstance(head, ArchiveHead)
    payload = bytearray(whole()[names + head.names_size : end])
    for _ in range(data.draw(st.integers(0, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    sides = st.integers(1, 40)
    changed = replace(
        head,
        positions=data.draw(st.sampled_from([head.positions, head.positions[:-1] or (0,), (*head.positions, 99)])),
        width=data.draw(st.sampled_from([head.width, 1]) | sides) if head.kind == MOSAIC else 0,
        height=data.draw(st.sampled_from([head.height, 1]) | sides) if head.kind == MOSAIC else 0,
        mode=data.draw(st.sampled_from([head.mode, "RGB", "P", "LA"])) if head.kind == MOSAIC else "",
        palette=head.kind == MOSAIC and data.draw(st.booleans()),
    )
    section = data.draw(st.sampled_from([b"", pack(["a.png"] * len(changed.positions))]) | st.binary(max_size=20))
    archive = sample.joined(forged(changed, bytes(payload), section), images=100, count=1)
    read(archive, tmp_path_factory.getbasetemp() / "forged.dvq")


def test_absurd_sizes_allocate_nothing(tmp_path: Path) -> None:
    small = ArchiveHead(MOSAIC, (0,), 1, 0, mode="1", height=1, width=1)
    far = ArchiveHead(FILES, (2**24 - 1,), 2**31, 0)
    for segment in (forged(replace(small, height=2**12, width=2**12), b"\1x"), write_head(far), forged(far, b"x")):
        tracemalloc.start()
        found, losses = read(sample.joined(segment, images=1, count=1), tmp_path / "a.dvq")
        assert not found and losses and tracemalloc.get_traced_memory()[1] < 60 * 10**6
        tracemalloc.stop()


def test_a_file_of_nothing_but_markers_takes_no_hours(tmp_path: Path) -> None:
    listed = MARKER + bytes([0b100, 255, 0]) + bytes(255)
    _, losses = read(HEADER + listed * 2000 + MARKER * 10**6, tmp_path / "a.dvq")
    assert "damaged" in losses[0]


def test_images_that_two_segments_claim_are_taken_once(tmp_path: Path) -> None:
    _, start, _, end = places()[0]
    twice = whole()[:end] + whole()[start:]
    found, losses = read(twice, tmp_path / "a.dvq")
    assert len(found) == COUNT and "another" in losses[0]


@pytest.mark.parametrize("inner", ["cut lossy", "archive", "cut", "rubbish"])
def test_segments_of_files_hold_whole_images_only(inner: str, tmp_path: Path) -> None:
    good = dvcodec.compress(Image.new("L", (3, 3)), lossless=True)
    lossy = dvcodec.compress(Image.new("L", (3, 3)))
    bad = {"cut lossy": lossy[:-1], "archive": whole(), "cut": good[:-1], "rubbish": b"x"}[inner]
    payload = join_files([good, bad, good])
    archive = sample.joined(forged(ArchiveHead(FILES, (0, 1, 2), 1, 0), payload), images=3, count=1)
    (tmp_path / "a.dvq").write_bytes(archive)
    found, losses = sample.read(tmp_path / "a.dvq")
    assert set(found) == {0, 2} and "image 2 is lost" in str(losses[0])


@pytest.mark.parametrize(
    "name", ["../up.png", "/root.png", "a/../../up.png", "C:x.png", "..\\up.png", "con.png", "a\0b.png", "a/", "x."]
)
def test_names_that_lead_out_of_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    payload = join_files([dvcodec.compress(Image.new("L", (3, 3), shade), lossless=True) for shade in (0, 1)])
    segment = forged(ArchiveHead(FILES, (0, 1), 1, 0), payload, pack([name, "ok.png"]))
    path, folder = tmp_path / "in" / "a.dvq", tmp_path / "out" / "deep"
    path.parent.mkdir()
    folder.mkdir(parents=True)
    path.write_bytes(sample.joined(segment, images=2, count=1))
    with Archive(path) as archive:
        parts = [str(part) for part in extract(archive, folder, device="cpu")]
    assert any("get numbers instead" in part for part in parts)
    assert sorted(file.name for file in tmp_path.rglob("*.png")) == ["00001.png", "00002.png"]
    assert sorted(file.parent for file in tmp_path.rglob("*.png")) == [folder, folder]


def test_equal_names_and_links_write_nothing_twice_and_nothing_outside(tmp_path: Path) -> None:
    payload = join_files([dvcodec.compress(Image.new("L", (3, 3), shade), lossless=True) for shade in range(3)])
    segment = forged(ArchiveHead(FILES, (0, 1, 2), 1, 0), payload, pack(["a.png", "A.PNG", "link/b.png"]))
    (tmp_path / "a.dvq").write_bytes(sample.joined(segment, images=3, count=1))
    folder, outside = tmp_path / "out", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    with Archive(tmp_path / "a.dvq") as archive:
        parts = [str(part) for part in extract(archive, folder, force=True, device="cpu")]
    assert "another image" in parts[1] and "link" in parts[2]
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "link"] and not list(outside.iterdir())


def test_heads_that_claim_all_that_follows_are_not_all_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a checksum that is right, and claims a payload to the end of the file, whose own is wrong."""
    count, padding = 300, 2**18
    size = len(write_head(ArchiveHead(FILES, (0,), padding, 1)))
    heads = [write_head(ArchiveHead(FILES, (i,), padding + size * (count - i - 8), 1)) for i in range(count - 8)]
    path = tmp_path / "a.dvq"
    path.write_bytes(HEADER + b"".join(heads) + bytes(padding))
    reads: list[int] = []
    honest = Archive._read

    def counted(self: Archive, at: int, length: int) -> bytes:
        found = honest(self, at, length)
        reads.append(len(found))
        return found

    monkeypatch.setattr(Archive, "_read", counted)
    monkeypatch.setattr(reader, "_WASTE", 0)
    with Archive(path) as archive:
        losses = [part for part in archive.parts() if isinstance(part, Loss)]
    assert losses and sum(length for length in reads if length >= padding) < 10 * path.stat().st_size
