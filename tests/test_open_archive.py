"""Opened archives: single images by name and index, slices, threads and pickles."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sample_archives as sample
from PIL import Image
from test_lossless import image_of, same

import dvcodec
from dvcodec.codec.archives import members
from dvcodec.errors import FormatError, ImageNotFound, InvalidArgument

pytestmark = pytest.mark.usefixtures("fake_weights")


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, sample.Named]:
    """An archive of three mosaics and a segment of files, and its images."""
    return tmp_path / "a.dvq", sample.small(tmp_path / "a.dvq")


def test_images_by_name_index_slice_and_in_order(made: tuple[Path, sample.Named]) -> None:
    path, images = made
    with dvcodec.open_archive(str(path)) as archive:
        assert archive.names == tuple(name for name, _ in images) and len(archive) == len(images)
        assert all(same(archive.read(name), image) for name, image in images[::7])
        assert same(archive[0], images[0][1]) and same(archive[-1], images[-1][1])
        assert all(same(one, image) for one, (_, image) in zip(archive, images, strict=True))
        part = archive[1:-1:3]
        assert part.names == archive.names[1:-1:3] and part[-1:].names == part.names[-1:]
        assert same(part[2], images[7][1]) and same(part.read(images[7][0]), images[7][1])
        assert images[1][0] in part and images[0][0] not in part and 5 not in part
        assert len(archive[5:2]) == 0 and list(archive[5:2]) == []
        assert repr(part) == f"<dvcodec archive {str(path)!r}, {len(part)} images>"


def test_images_without_a_name_have_a_number(tmp_path: Path) -> None:
    images = sample.digits(3)
    sample.write(tmp_path / "a.dvq", [("", images[0][1]), ("00001.png", images[1][1]), ("", images[2][1])])
    archive = dvcodec.open_archive(tmp_path / "a.dvq")
    assert archive.names == ("00001.png", "00001.png", "00003.png")
    assert same(archive.read("00003.png"), images[2][1])


def test_metadata_come_along_and_images_are_the_callers_own(made: tuple[Path, sample.Named]) -> None:
    archive = dvcodec.open_archive(made[0])
    assert archive.read("kept.png").info["icc_profile"] == b"icc" * 5
    archive[0].paste(1 - archive[0].getpixel((0, 0)), (0, 0, 3, 3))  # type: ignore[operator]
    assert same(archive[0], made[1][0][1])


@pytest.mark.parametrize("key", [91, -92, 10**30])
def test_an_index_that_there_is_not(key: int, made: tuple[Path, sample.Named]) -> None:
    archive = dvcodec.open_archive(made[0])
    for error in (ImageNotFound, IndexError, InvalidArgument):
        with pytest.raises(error):
            archive[key]


@pytest.mark.parametrize("name", ["none.png", "", 5, None, ["a"]])
def test_a_name_that_there_is_not(name: Any, made: tuple[Path, sample.Named]) -> None:
    archive = dvcodec.open_archive(made[0])
    with pytest.raises(KeyError, match="does not contain"):
        archive.read(name)
    with pytest.raises(ImageNotFound):
        archive[:5].read("kept.png")


@pytest.mark.parametrize("key", ["a.png", 1.5, None, (1, 2), slice(None, None, 0), slice("a")])
def test_what_is_no_index_is_refused(key: Any, made: tuple[Path, sample.Named]) -> None:
    with pytest.raises(InvalidArgument, match="is not an index"):
        dvcodec.open_archive(made[0])[key]


def test_a_closed_archive_says_so(made: tuple[Path, sample.Named]) -> None:
    with dvcodec.open_archive(made[0]) as archive:
        part = archive[:3]
    for one in (archive, part):
        with pytest.raises(InvalidArgument, match="closed"):
            one[0]


def test_segments_are_decoded_once_for_neighbours(
    made: tuple[Path, sample.Named], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, usual = [], members.pictures_of

    def watched(part: Any, *more: Any) -> Any:
        decoded.append(part.number)
        return usual(part, *more)

    monkeypatch.setattr(members, "pictures_of", watched)
    list(dvcodec.open_archive(made[0]))
    assert decoded == [1, 2, 3, 4]


def test_opening_reads_no_payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample.write(tmp_path / "a.dvq", [("", image_of("L", 90, 90, "noise")) for _ in range(300)], "stored")
    monkeypatch.setattr("dvcodec.codec.archives.index.Archive._segment", None)
    assert len(dvcodec.open_archive(tmp_path / "a.dvq")) == 300


def test_threads_and_pickles_share_an_archive(made: tuple[Path, sample.Named], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made[0].parent)
    archive = dvcodec.open_archive("a.dvq")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(archive.__getitem__, [*range(len(archive))] * 2))
    assert all(same(one, image) for one, (_, image) in zip(found, made[1] * 2, strict=True))
    packed = pickle.dumps(archive[2:9])
    monkeypatch.chdir("/")
    other = pickle.loads(packed)
    assert other.names == archive.names[2:9] and same(other[1], made[1][3][1]) and len(packed) < 500
    sample.write(made[0], sample.digits(4))
    with pytest.raises(InvalidArgument, match="has changed"):
        pickle.loads(packed)


def test_damage_is_an_error_of_opening_or_reading(made: tuple[Path, sample.Named]) -> None:
    path = made[0]
    data = path.read_bytes()
    refused = 0
    for at in range(0, len(data), 5):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            archive = dvcodec.open_archive(path)
        except FormatError:
            refused += 1
            continue
        with pytest.raises(FormatError):
            list(archive)
    assert 10 < refused < len(data) / 5
    for end in range(0, len(data), 31):
        path.write_bytes(data[:end])
        with pytest.raises(FormatError):
            dvcodec.open_archive(path)


def test_an_end_that_claims_more_is_refused(tmp_path: Path) -> None:
    sample.write(tmp_path / "a.dvq", sample.digits(3))
    _, begin, _, end = next(sample.segments((tmp_path / "a.dvq").read_bytes()))
    segment = (tmp_path / "a.dvq").read_bytes()[begin:end]
    for images, count in ((4, 1), (2, 1), (3, 2), (6, 2)):
        (tmp_path / "b.dvq").write_bytes(sample.joined(*[segment] * min(count, 2), images=images, count=count))
        with pytest.raises(FormatError):
            dvcodec.open_archive(tmp_path / "b.dvq")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.dvq").write_bytes(dvcodec.compress(Image.new("L", (4, 4)), lossless=True))
    for path in (tmp_path / "x.dvq", tmp_path, tmp_path / "none.dvq", Path("a\0b")):
        with pytest.raises(FormatError):
            dvcodec.open_archive(path)
    with pytest.raises(InvalidArgument):
        dvcodec.open_archive(3)  # type: ignore[arg-type]
    sample.write(tmp_path / "a.dvq", sample.digits(3))
    with pytest.raises(InvalidArgument, match="unknown device"):
        dvcodec.open_archive(tmp_path / "a.dvq", device="tpu")
