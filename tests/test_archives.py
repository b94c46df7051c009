"""Archives: every image comes back with its mode, place and name, small ones share their cost, memory is bounded."""

import gc
import io
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sample_archives as sample
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sample_archives import back, equal, kinds
from test_lossless import image_of

import dvcodec
from dvcodec.codec.archives import choice, grouping, reader, writer
from dvcodec.codec.archives.coders import Coders
from dvcodec.codec.archives.layout import FILES, MOSAIC
from dvcodec.codec.archives.writer import Writer
from dvcodec.codec.lossless.methods import Coded
from dvcodec.errors import DvcodecError, InvalidArgument, OutputExists, UnsupportedImage, WeightsNotFound
from dvcodec.image_io import images, webp
from dvcodec.image_io.limits import MODES

pytestmark = pytest.mark.usefixtures("fake_weights")


@pytest.mark.parametrize("method", [None, "stored", "webp"])
def test_every_mode_comes_back_alone_and_in_company(method: str | None, tmp_path: Path) -> None:
    mixed = [(f"{mode}-{size}.png", image_of(mode, *size, "drawing")) for size in ((7, 13), (1, 1)) for mode in MODES]
    company = [(f"{mode}/{i}.png", image_of(mode, 9, 8, "drawing")) for i in range(20) for mode in MODES]
    sample.write(tmp_path / "a.dvq", [*mixed, *company], method)
    assert equal(back(tmp_path / "a.dvq"), [*mixed, *company])
    found = kinds(tmp_path / "a.dvq")
    assert found.count((MOSAIC, 20)) == len(MODES) and (FILES, 14) in found


def test_metadata_and_transparency_come_back(tmp_path: Path) -> None:
    plain, keyed = image_of("P", 6, 5, "drawing"), image_of("L", 6, 5, "drawing")
    tags = Image.Exif()
    tags[0x010E] = "a caption"
    plain.info.update(icc_profile=b"icc" * 9, exif=tags.tobytes(), xmp=b"<xmp/>")
    keyed.info["transparency"] = 7
    sample.write(tmp_path / "a.dvq", [("", image) for image in (plain, keyed, keyed, keyed)])
    found = [image for _, image in back(tmp_path / "a.dvq")]
    assert found[0].info["xmp"] == b"<xmp/>" and found[0].info["exif"] == tags.tobytes()
    assert [image.info.get("transparency") for image in found[1:]] == [7, 7, 7]
    dvcodec.compress_archive([plain], tmp_path / "b.dvq", strip=True, lossless=True)
    assert "xmp" not in back(tmp_path / "b.dvq")[0][1].info


def test_palettes_keep_images_apart(tmp_path: Path) -> None:
    one, other = image_of("P", 8, 8, "drawing"), image_of("P", 8, 8, "drawing")
    other.putpalette([*reversed(range(256))] * 3)
    mixed = [("", (one, other)[i % 2].copy()) for i in range(30)]
    sample.write(tmp_path / "a.dvq", mixed)
    assert equal(back(tmp_path / "a.dvq"), mixed) and kinds(tmp_path / "a.dvq") == [(MOSAIC, 15)] * 2


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(MODES), st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=40))
def test_any_mixture_comes_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[tuple[str, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("mixed") / "a.dvq"
    mixed = [("", image_of(mode, width, height, "noise")) for mode, width, height in kinds]
    sample.write(path, mixed, "stored")
    assert equal(back(path), mixed)


def test_small_images_of_a_size_cost_little(tmp_path: Path) -> None:
    digits = sample.digits(600, 28)
    sample.write(tmp_path / "a.dvq", digits)
    info = dvcodec.archive_info(tmp_path / "a.dvq")
    assert [(part.kind, len(part.images)) for part in info.segments] == [(MOSAIC, 256), (MOSAIC, 256), (MOSAIC, 88)]
    assert max(part.overhead_bytes for part in info.segments) <= 22
    alone = sum(len(dvcodec.compress(image, lossless=True)) for _, image in digits)
    assert info.total_bytes - info.name_bytes < alone / 3
    assert equal(back(tmp_path / "a.dvq"), digits)


def test_names_are_no_image_bytes(tmp_path: Path) -> None:
    digits = sample.digits(100)
    named = dvcodec.compress_archive(digits, tmp_path / "a.dvq", lossless=True)
    bare = dvcodec.compress_archive([image for _, image in digits], tmp_path / "b.dvq", lossless=True)
    assert named.bytes - named.name_bytes == bare.bytes and bare.name_bytes == 0 and named.bpp == bare.bpp
    assert named.bytes == (tmp_path / "a.dvq").stat().st_size
    info = dvcodec.archive_info(tmp_path / "a.dvq")
    assert (info.bpp, info.name_bytes, info.pixels) == (named.bpp, named.name_bytes, named.pixels)
    assert [image.target for image in dvcodec.archive_info(tmp_path / "b.dvq").segments[0].images][:2] == [
        "00001.png",
        "00002.png",
    ]
    mixed = [("a.png", digits[0][1]), ("", digits[1][1]), ("c.png", digits[2][1])]
    sample.write(tmp_path / "c.dvq", mixed)
    assert equal(back(tmp_path / "c.dvq"), mixed)


def test_large_images_are_files(tmp_path: Path) -> None:
    large = [("", Image.new("L", (257, 256), shade)) for shade in range(3)]
    sample.write(tmp_path / "a.dvq", [*large, *sample.digits(9)])
    assert kinds(tmp_path / "a.dvq") == [(MOSAIC, 9), (FILES, 3)]
    assert back(tmp_path / "a.dvq")[2][1].getpixel((0, 0)) == 2


def test_files_are_cut_into_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FILES_BYTES", 300)
    alone = [("", image_of("L", 5 + i, 9, "noise")) for i in range(12)]
    sample.write(tmp_path / "a.dvq", alone)
    assert len(kinds(tmp_path / "a.dvq")) > 3 and equal(back(tmp_path / "a.dvq"), alone)
    many = [("", Image.new("1", (1 + i, 1))) for i in range(300)]
    sample.write(tmp_path / "b.dvq", many)
    assert max(count for _, count in kinds(tmp_path / "b.dvq")) <= 256 and equal(back(tmp_path / "b.dvq"), many)


def test_a_stack_is_never_taller_than_webp_holds(tmp_path: Path) -> None:
    tall = [("", Image.new("L", (2, 4000), i)) for i in range(9)]
    sample.write(tmp_path / "a.dvq", tall, "webp")
    assert equal(back(tmp_path / "a.dvq"), tall) and webp.SIDE < 9 * 4000
    taller = [("", Image.new("L", (2, 17000), i)) for i in range(3)]
    sample.write(tmp_path / "b.dvq", taller)
    assert equal(back(tmp_path / "b.dvq"), taller)


def test_what_is_asked_for_and_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dvq"
    for images_, method, error in (
        (sample.digits(2), "zip", InvalidArgument),
        (sample.digits(2), "model", UnsupportedImage),
        ([("", Image.new("L", (4, 4)))], "model", WeightsNotFound),
        ([("", Image.new("F", (4, 4)))], None, UnsupportedImage),
        ([("../a.png", Image.new("L", (4, 4)))], None, InvalidArgument),
        ([("A.png", Image.new("L", (4, 4))), ("a.JPG", Image.new("L", (4, 4)))], None, InvalidArgument),
        ([], None, UnsupportedImage),
    ):
        with pytest.raises(error):
            sample.write(path, images_, method)
        assert list(tmp_path.iterdir()) == []


def test_nothing_is_added_to_an_archive_and_no_half_one_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.dvq"
    dvcodec.compress_archive(sample.digits(3), path, lossless=True)
    before = path.read_bytes()
    with pytest.raises(OutputExists, match="images cannot be added"):
        dvcodec.compress_archive(sample.digits(3), path, lossless=True)

    def broken() -> Iterator[Image.Image]:
        yield from (image for _, image in sample.digits(600))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dvcodec.compress_archive(broken(), path, force=True, lossless=True)
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]


def test_archives_of_the_same_images_are_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        sample.small(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_thousands_of_images_stream(tmp_path: Path) -> None:
    """The writer holds few images at a time, the reader one segment."""
    alive = most = 0

    def gone() -> None:
        nonlocal alive
        alive -= 1

    def stream() -> Iterator[tuple[str, Image.Image]]:
        nonlocal alive, most
        for index in range(2000):
            size = (8 + index % 3, 8)
            image = Image.frombytes("L", size, bytes(size[0] * 8))
            weakref.finalize(image, gone)
            alive, most = alive + 1, max(most, alive + 1)
            yield f"{index:05}.png", image
            del image

    dvcodec.compress_archive(stream(), tmp_path / "a.dvq", lossless=True)
    assert most <= 3, "Pillow images are not kept"
    places = set()
    for one in dvcodec.decompress_archive(tmp_path / "a.dvq"):
        places.add(one.position)
    assert places == set(range(2000))


def test_the_writer_keeps_few_pixels_and_few_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "OPEN_PIXELS", 5000)
    monkeypatch.setattr(grouping, "OPEN_GROUPS", 3)
    kept: list[weakref.ref[object]] = []
    archive = Writer(io.BytesIO(), Coders("stored", lambda: None, lambda: None))
    most = 0
    for index in range(400):
        array = np.full((10, 10 + index % 7), index % 256, np.uint8)
        kept.append(weakref.ref(array))
        archive.add(images.Picture(array))
        del array
        if index % 50 == 49:
            gc.collect()
        most = max(most, sum(ref() is not None for ref in kept))
    assert most <= 60
    assert archive.finish().images == 400


def test_the_reader_takes_one_segment_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample.write(tmp_path / "a.dvq", [("", image_of("L", 30, 30, "noise")) for _ in range(1000)], "stored")
    taken: list[int] = []
    usual = reader.Archive._read

    def watched(self: reader.Archive, at: int, count: int) -> bytes:
        data = usual(self, at, count)
        taken.append(len(data))
        return data

    monkeypatch.setattr(reader.Archive, "_read", watched)
    found = dvcodec.decompress_archive(tmp_path / "a.dvq")
    assert next(iter(found)).position == 0 and sum(taken) < (tmp_path / "a.dvq").stat().st_size / 3
    assert sum(1 for _ in found) == 999 and max(taken) < (tmp_path / "a.dvq").stat().st_size / 3


def test_a_generator_of_pairs_and_of_images_is_taken(tmp_path: Path) -> None:
    report = dvcodec.compress_archive((image for _, image in sample.digits(5)), tmp_path / "a.dvq", lossless=True)
    assert (report.images, report.segments, report.kinds[MOSAIC]["images"]) == (5, 1, 5)
    assert next(iter(dvcodec.decompress_archive(tmp_path / "a.dvq"))).name == ""
    for not_one in (b"", b"\x8bDVQ", b"\x8bDVQ\3", b"\x8bDVQ\3\1", b"\x8bDVQ\1\0", b"x" * 99):
        (tmp_path / "b.dvq").write_bytes(not_one)
        with pytest.raises(DvcodecError):
            list(dvcodec.decompress_archive(tmp_path / "b.dvq"))
        with pytest.raises(DvcodecError):
            dvcodec.archive_info(tmp_path / "b.dvq")
    with pytest.raises(DvcodecError, match="archive of many images"):
        dvcodec.decompress((tmp_path / "a.dvq").read_bytes())


def test_what_cannot_win_is_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    usual = choice.file

    def counted(picture: images.Picture, coders: Coders, original: bytes) -> Coded:
        tried.append(picture.pixels.shape[0])
        return usual(picture, coders, original)

    monkeypatch.setattr(choice, "file", counted)
    noise = [("", image_of("L", 40, 30, "noise")) for _ in range(60)]
    sample.write(tmp_path / "a.dvq", [*sample.digits(60), *noise])
    assert kinds(tmp_path / "a.dvq") == [(MOSAIC, 60)] * 2 and tried == [30] * 4


def test_info_and_pictures_of_archives_load_lazily(tmp_path: Path) -> None:
    sample.small(tmp_path / "a.dvq")
    for code, absent in (
        ("dvcodec.archive_info(sys.argv[1])", {"torch", "PIL", "numpy"}),
        ("list(dvcodec.decompress_archive(sys.argv[1]))", {"torch"}),
    ):
        probe = f"import sys, dvcodec; {code}; print(*{absent!r}.intersection(sys.modules))"
        run = [sys.executable, "-c", probe, str(tmp_path / "a.dvq")]
        assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.split() == []
