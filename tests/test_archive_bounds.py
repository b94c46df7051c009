"""Archives that claim much or are damaged a lot: work, names and messages are bounded, and nothing else is lost."""

from pathlib import Path

import pytest
import sample_archives as sample
from PIL import Image
from test_archive_damage import COUNT, forged, places, read, whole

import dvcodec
from dvcodec.codec.archives import reader
from dvcodec.codec.archives.layout import FILES, HEAD_LIMIT, MARKER, ArchiveHead, End, parse
from dvcodec.codec.archives.names import pack
from dvcodec.codec.archives.reader import Archive
from dvcodec.codec.archives.splitting import join_files
from program import dvcodec as program

pytestmark = pytest.mark.usefixtures("fake_weights")


def test_markers_are_tried_so_often_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind them the end mark is taken that was found at first, so that what is lost has its number."""
    tried: list[int] = []

    def counted(data: bytes) -> tuple[ArchiveHead | End, int]:
        tried.append(len(data))
        return parse(data)

    monkeypatch.setattr(reader, "_TRIES", 100)
    monkeypatch.setattr(reader, "parse", counted)
    start, end = places()[2][1], list(sample.segments(whole()))[-1][1]
    _, losses = read(whole()[:start] + MARKER * 5000 + whole()[start:], tmp_path / "a.dvq")
    assert losses == [f"{end - start + 10_000} bytes are damaged: images 19 to 28 are lost"]
    assert len(tried) < 2 * (100 + 20)  # `read` reads twice
    assert max(tried) <= HEAD_LIMIT


def test_names_are_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment of a hundred bytes may hold names of 200 kB."""
    data = dvcodec.compress(Image.new("L", (3, 3)), lossless=True)
    section = pack(["n" * 200 + f"{i:04}" for i in range(256)])
    segments = [
        forged(ArchiveHead(FILES, tuple(range(first, first + 256)), 1, 0), join_files([data] * 256), section)
        for first in range(0, 5 * 256, 256)
    ]
    archive, path = sample.joined(*segments, images=5 * 256, count=5), tmp_path / "a.dvq"
    assert len(section) < 256 * 204 / 20
    path.write_bytes(archive)
    monkeypatch.setattr(reader, "_NAMES", 3 * 256 * 204 - 16 * len(archive))
    with Archive(path) as opened:
        parts = [part for part in opened.parts() if isinstance(part, reader.Segment)]
    assert [part.names_fault for part in parts] == [""] * 3 + ["the names of the archive are too long in all"] * 2
    assert [part.names[0][:1] for part in parts] == ["n"] * 3 + [""] * 2
    assert dvcodec.archive_info(path).faults == ("the names of the archive are too long in all",) * 2


def test_faults_are_listed_up_to_twenty_and_counted(tmp_path: Path) -> None:
    data = dvcodec.compress(Image.new("L", (3, 3)), lossless=True)
    segments = [bytearray(forged(ArchiveHead(FILES, (i,), 1, 0), join_files([data]))) for i in range(300)]
    for segment in segments:
        segment[-1] ^= 1
    path = tmp_path / "a.dvq"
    path.write_bytes(sample.joined(*map(bytes, segments), images=300, count=300))
    faults = dvcodec.archive_info(path).faults
    assert len(faults) == 21 and faults[19:] == ("segment 20 is damaged: image 20 is lost", "and 280 more")
    seen = program("info", path)
    assert seen.code == 0 and seen.out.count("\n") < 40 and len(seen.out) < 3000


@pytest.mark.slow
@pytest.mark.parametrize("where", ["between segments", "in a payload"])
def test_damage_larger_than_2_gigabytes_loses_nothing_behind_it(where: str, tmp_path: Path) -> None:
    at = places()[1][1] if where == "between segments" else places()[1][3] - 9
    path = tmp_path / "a.dvq"
    with path.open("wb") as file:
        file.write(whole()[:at])
        file.seek(5 * 2**29, 1)  # a hole, which takes no place on the disk
        file.write(whole()[at:])
    found, losses = sample.read(path)
    lost = set() if where == "between segments" else set(places()[1][0])
    assert set(found) == set(range(COUNT)) - lost
    assert all("cut short" not in str(loss) for loss in losses)
    words = (
        f"{5 * 2**29} bytes are damaged"
        if not lost
        else f"segment 2 is damaged: images {min(lost) + 1} to {max(lost) + 1} are lost"
    )
    assert words in str(losses[0])
