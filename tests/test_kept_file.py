"""The method `file`: an image file that is smaller than its coded pixels is kept; on its way back it is hostile."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dvcodec as package
from dvcodec.codec import api
from dvcodec.codec.bitstream.assembly import Parts, assemble
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.bitstream.header import EXIF, FILE, Header, write
from dvcodec.codec.lossless import kept_file
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import FormatError, UnsupportedImage
from dvcodec.weights import Weights
from fake import photograph
from program import dvcodec, picture

AUTO = CompressSettings(lossless=True)
KEEP = CompressSettings(lossless=True, method="file")


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def encoded(format: str, mode: str = "RGB", **options: object) -> bytes:
    """A photograph as an image file."""
    stream = io.BytesIO()
    image = Image.fromarray(photograph(48, 60)).convert(mode)
    image.save(stream, format, **options)
    return stream.getvalue()


def keeping(data: bytes, width: int = 60, height: int = 48, mode: str = "RGB") -> bytes:
    """A file that keeps some bytes, whatever they are."""
    return assemble(Header(kind=FILE, width=width, height=height, mode=mode), Parts(pixels=(data,)))


FORMATS = [("JPEG", "RGB", ".jpg"), ("JPEG", "L", ".jpg"), ("WEBP", "RGBA", ".webp"), ("GIF", "P", ".gif")]
FORMATS += [("PNG", "1", ".png"), ("AVIF", "RGB", ".avif"), ("TIFF", "LA", ".tif"), ("BMP", "P", ".bmp")]


@pytest.mark.parametrize(("format", "mode", "suffix"), FORMATS)
def test_image_files_come_back_byte_for_byte(format: str, mode: str, suffix: str) -> None:
    source = encoded(format, mode)
    data, report = api.compress_data(source, KEEP)
    assert report.method == "file" and len(source) < len(data) <= len(source) + 30
    assert api.decompress_data(data)[0] == source
    info = package.info(data)
    assert (info.method, info.file_suffix, info.lossless, info.mode) == ("file", suffix, True, report.mode)
    with Image.open(io.BytesIO(source)) as image:
        assert np.array_equal(np.asarray(package.decompress(data).convert("RGBA")), np.asarray(image.convert("RGBA")))


def test_a_jpeg_is_kept_where_that_is_smaller_and_only_then() -> None:
    source = encoded("JPEG")
    data, report = api.compress_data(source, AUTO)
    assert report.method == "file" and len(data) < len(source) + 30
    large, report = api.compress_data(encoded("BMP"), AUTO)
    assert report.method != "file" and len(large) < len(encoded("BMP"))


def test_stripped_files_and_images_without_a_file_are_not_kept() -> None:
    source = encoded("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    _, report = api.compress_data(source, CompressSettings(lossless=True, strip=True))
    assert report.method != "file"
    with pytest.raises(UnsupportedImage, match="the method file keeps an image file of a known format"):
        package.compress(Image.new("RGB", (4, 4)), lossless=True, method="file")


def test_a_file_that_was_converted_is_not_kept() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 5), 40000, np.uint16)).save(stream, "PNG")
    _, report = api.compress_data(stream.getvalue(), CompressSettings(lossless=True, convert=True))
    assert report.method != "file" and report.notices


def test_metadata_are_those_of_the_file_inside() -> None:
    exif = Image.Exif()
    exif[274] = 6
    data, _ = api.compress_data(encoded("JPEG", exif=exif, icc_profile=b"profile"), KEEP)
    image = package.decompress(data)
    assert image.getexif()[274] == 6 and image.info["icc_profile"] == b"profile"
    package.register()
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.getexif()[274] == 6 and opened.size == (60, 48)
        assert np.array_equal(np.asarray(opened), np.asarray(image))
        opened.verify()


@pytest.mark.parametrize(("format", "mode"), [("GIF", "P"), ("PNG", "P"), ("PNG", "L")])
def test_the_plug_in_has_palettes_and_transparency_before_the_pixels(format: str, mode: str) -> None:
    key = Image.fromarray(photograph(48, 60)).convert(mode).getpixel((0, 0))
    data, _ = api.compress_data(encoded(format, mode, transparency=key), KEEP)
    package.register()
    with Image.open(io.BytesIO(data)) as opened, Image.open(io.BytesIO(api.decompress_data(data)[0])) as inside:
        assert (opened.mode, opened.has_transparency_data) == (inside.mode, True)
        assert np.array_equal(np.asarray(opened.convert("RGBA")), np.asarray(inside.convert("RGBA")))


def test_an_archive_of_kept_files_keeps_small_ones_that_are_larger_than_their_samples(folder: Path) -> None:
    names = [f"{i}.bmp" for i in range(2)]
    for name in names:
        (folder / name).write_bytes(encoded("BMP", dpi=(300, 300)))
    seen = dvcodec("compress", *names, "--lossless", "--method", "file", "--archive", "a.dvq")
    assert seen.code == 0 and "warning" not in seen.err
    assert dvcodec("decompress", "a.dvq", "--output-dir", "out").code == 0
    assert all((folder / "out" / name).read_bytes() == (folder / name).read_bytes() for name in names)


HOSTILE = [
    (keeping(b"\xff\xd8\xff no image"), "not of the size"),
    (keeping(b"MZ" + encoded("JPEG")), "of no known format"),
    (keeping(keeping(encoded("JPEG"))), "of no known format"),
    (keeping(encoded("JPEG"), width=61), "not of the size"),
    (keeping(encoded("JPEG"), mode="L"), "not of the mode"),
    (keeping(encoded("PNG", "I;16")), "not of the mode"),
    (keeping(encoded("PNG")[:-400]), "cannot be read"),
    (keeping(encoded("PNG").replace(b"\0\0\0\x3c\0\0\0\x30", b"\x7f\0\0\0\x7f\0\0\0")), "not of the size"),
]


@pytest.mark.parametrize(("data", "message"), HOSTILE)
def test_what_is_inside_is_checked(data: bytes, message: str) -> None:
    for use in (package.decompress, package.decompress_array, api.verify_data, api.decompress_data):
        with pytest.raises(FormatError, match=message):
            use(data)
    assert package.info(data).fault is None


def test_damaged_and_cut_files_are_refused() -> None:
    whole = keeping(encoded("JPEG"))
    damaged = bytearray(whole)
    damaged[-9] ^= 1
    for data in (bytes(damaged), whole[:-1], whole + b"x"):
        with pytest.raises(FormatError):
            api.decompress_data(data)
        assert package.info(data).fault
    start = write(Header(kind=FILE, width=1, height=1, mode="L"), EXIF)
    with pytest.raises(FormatError, match="has its metadata inside"):
        parse(start + bytes(40))


def test_the_command_line_gives_the_file_back_under_its_suffix(folder: Path) -> None:
    Path("shot.jpeg").write_bytes(encoded("JPEG"))
    seen = dvcodec("compress", "shot.jpeg", "--lossless", "-v")
    assert seen.code == 0 and "lossless, file" in seen.err
    assert "shot.jpeg: warning: nothing was saved: the image file is kept as it is, " in seen.err
    assert "lossless, file (.jpg)" in dvcodec("info", "shot.dvq").out
    assert dvcodec("verify", "shot.dvq").code == 0
    assert dvcodec("decompress", "shot.dvq").code == 0
    assert Path("shot.jpg").read_bytes() == Path("shot.jpeg").read_bytes()
    assert dvcodec("decompress", "shot.dvq", "-o", "-").data == Path("shot.jpeg").read_bytes()
    assert dvcodec("decompress", "shot.dvq", "-o", "other.png").code == 0
    with Image.open("other.png") as image:
        assert image.format == "PNG"
    assert kept_file.suffix_at(folder / "shot.jpeg") is None and kept_file.suffix_at(folder / "none") is None


def test_archives_of_mixed_folders_do_not_grow(folder: Path) -> None:
    (folder / "in").mkdir()
    for name in ("a.jpg", "b.jpeg", "c.png"):
        Path("in", name).write_bytes(encoded("JPEG" if name != "c.png" else "PNG"))
    picture(folder / "in" / "a.png")
    sources = sum(path.stat().st_size for path in Path("in").iterdir())
    seen = dvcodec("compress", "in", "-r", "--lossless", "--archive", "all.dvq", "--json")
    assert seen.code == 0 and Path("all.dvq").stat().st_size < sources, seen.err
    assert json.loads(seen.out)["images"] == 4
    assert dvcodec("verify", "all.dvq").code == 0
    assert dvcodec("decompress", "all.dvq", "--output-dir", "back").code == 0
    made = sorted(path.name for path in Path("back/in").iterdir())
    assert made == ["a.jpg", "a.png", "b.jpeg", "c.png"]
    for name in ("a.jpg", "b.jpeg"):
        assert Path("back/in", name).read_bytes() == Path("in", name).read_bytes()
    targets = [image.target for part in package.archive_info("all.dvq").segments for image in part.images]
    assert sorted(targets) == [f"in/{name}" for name in made]
    only = dvcodec("decompress", "all.dvq", "--only", "in/b.jpeg", "--output-dir", "one")
    assert only.code == 0 and Path("one/in/b.jpeg").is_file()
    assert dvcodec("compress", "in", "-r", "--lossless", "--strip", "--archive", "stripped.dvq").code == 0
    assert {image.name for image in package.decompress_archive("all.dvq")} >= {"in/b.jpeg", "in/c.png"}
