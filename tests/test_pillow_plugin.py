"""The Pillow plug-in: .dvq files behave as Pillow's own formats do."""

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile, UnidentifiedImageError
from test_lossless import image_of, same

import dvcodec
from dvcodec.codec import api, decoder, pillow_plugin
from dvcodec.codec.view import View
from dvcodec.errors import InvalidArgument
from dvcodec.image_io.limits import MODES
from fake import photograph

pytestmark = pytest.mark.usefixtures("fake_weights")


@pytest.fixture(autouse=True)
def registered() -> None:
    """Register, twice: that does no harm."""
    dvcodec.register()
    dvcodec.register()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_save_and_open(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(photograph(50, 70)).convert(mode)
    image.save(tmp_path / "x.dvq", quality=70)
    with Image.open(tmp_path / "x.dvq") as back:
        assert (back.format, back.mode, back.size) == ("DVQ", mode, (70, 50))
        assert back.get_format_mimetype() == "image/x-dvq"
        assert back.info["quality"] == 70
        direct = dvcodec.decompress((tmp_path / "x.dvq").read_bytes())
        assert (np.asarray(back) == np.asarray(direct)).all()


def test_opening_decodes_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = Image.Exif()
    tags[274] = 6
    turned = Image.fromarray(photograph(50, 70))
    turned.info["exif"] = tags.tobytes()
    data = dvcodec.compress(turned)
    monkeypatch.setattr(decoder, "decode", None)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (70, 50) and image.getexif()[274] == 6
        with pytest.raises(TypeError):
            image.load()


def test_metadata_and_options(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[274] = 8
    image = Image.fromarray(photograph(50, 70))
    image.save(tmp_path / "x.dvq", exif=tags, icc_profile=b"profile", xmp=b"<x/>", target_size=400)
    assert (tmp_path / "x.dvq").stat().st_size <= 400
    with Image.open(tmp_path / "x.dvq") as back:
        back.load()
        assert back.getexif()[274] == 8 and back.info["icc_profile"] == b"profile" and back.info["xmp"] == b"<x/>"
        back.save(tmp_path / "y.dvq")
        back.save(tmp_path / "z.dvq", strip=True)
        back.save(tmp_path / "w.dvq", exif=b"")
    infos = [api.inspect_file(tmp_path / f"{name}.dvq") for name in "yzw"]
    assert [bool(info.exif_bytes) for info in infos] == [True, False, False]
    assert [bool(info.icc_bytes) for info in infos] == [True, False, True]


def test_what_is_wrong_is_an_oserror(tmp_path: Path) -> None:
    data = dvcodec.compress(Image.fromarray(photograph(50, 70)))
    with Image.open(io.BytesIO(data[:-2])) as image, pytest.raises(OSError, match="cut short"):
        image.load()
    with pytest.raises(OSError, match="format version 9"):
        Image.open(io.BytesIO(data[:4] + b"\x09" + data[5:]))
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(b"other" + data))
    with pytest.raises(OSError, match="floating-point"):
        Image.new("F", (4, 4)).save(tmp_path / "x.dvq")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small_chunks")
def test_truncated_images_load_where_pillow_allows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dvcodec.compress(Image.fromarray(photograph(250, 270)), 90)
    cut = data[:-2]
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with Image.open(io.BytesIO(cut)) as image:
        assert (np.asarray(image) == dvcodec.decompress_array(cut, preview="all")).all()


def test_only_the_public_names_of_pillow_are_used() -> None:
    source = Path(pillow_plugin.__file__).read_text()
    for module in ("Image", "ImageFile"):
        assert f"{module}._" not in source


def test_the_pixels_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(io.BytesIO(dvcodec.compress(Image.fromarray(photograph(20, 30))))) as image:
        first = np.asarray(image).copy()
        monkeypatch.setattr(decoder, "decode", None)
        image.load()
        assert (np.asarray(image) == first).all() and not image.tile


@pytest.mark.parametrize("mode", MODES)
def test_what_is_asked_before_the_pixels_is_what_they_say(mode: str) -> None:
    image = image_of(mode, 7, 5, "drawing")
    if mode in ("P", "L", "RGB"):
        image.info["transparency"] = {"P": b"\0\x80", "L": 7, "RGB": (1, 2, 3)}[mode]
    data = dvcodec.compress(image, lossless=True)
    lazy, loaded = (Image.open(io.BytesIO(data)) for _ in range(2))
    loaded.load()
    assert lazy.has_transparency_data == loaded.has_transparency_data == image.has_transparency_data
    assert lazy.mode == mode and lazy.info == loaded.info
    before = None if lazy.palette is None else bytes(lazy.palette.palette)
    assert same(lazy, image) and same(loaded, image)
    assert before == (None if lazy.palette is None else bytes(lazy.palette.palette))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "PA"])
@pytest.mark.parametrize("raw", ["RGB", "RGBA", "BGR"])
def test_a_palette_may_be_put_before_the_pixels(mode: str, raw: str) -> None:
    """As for a PNG that is not loaded yet."""
    entries = bytes(range(256)) * len(raw)
    data = dvcodec.compress(image_of(mode, 9, 8, "noise"), lossless=True)
    early, late = (Image.open(io.BytesIO(data)) for _ in range(2))
    late.load()
    for image in (early, late):
        image.putpalette(entries, raw)
    early.load()
    assert early.mode == late.mode and early.getpalette() == late.getpalette()
    assert early.convert("RGBA").tobytes() == late.convert("RGBA").tobytes()


def test_info_that_was_changed_before_the_pixels_stays_changed() -> None:
    photo = Image.fromarray(photograph(20, 30))
    photo.info.update(icc_profile=b"profile", xmp=b"<x/>")
    with Image.open(io.BytesIO(dvcodec.compress(photo))) as image:
        del image.info["xmp"]
        image.info["icc_profile"] = b"other"
        image.load()
        assert "xmp" not in image.info and image.info["icc_profile"] == b"other"


def test_a_parser_takes_a_file_in_pieces() -> None:
    data = dvcodec.compress(Image.fromarray(photograph(50, 70)))
    for step in (1, 40, len(data)):
        parser = ImageFile.Parser()
        for at in range(0, len(data), step):
            parser.feed(data[at : at + step])
        assert (np.asarray(parser.close()) == dvcodec.decompress_array(data)).all()
    for end in (10, len(data) - 1):
        parser = ImageFile.Parser()
        parser.feed(data[:end])
        with pytest.raises(OSError):
            parser.close()


def test_verify_checks_every_byte_and_decodes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    photo = Image.fromarray(photograph(50, 70)).convert("RGBA")
    photo.info["xmp"] = b"<x/>"
    data = dvcodec.compress(photo)
    monkeypatch.setattr(decoder, "decode", None)
    Image.open(io.BytesIO(data)).verify()
    for at in range(4, len(data), 7):
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(OSError):
            Image.open(io.BytesIO(broken)).verify()
    (tmp_path / "x.dvq").write_bytes(data + b"x")
    with Image.open(tmp_path / "x.dvq") as image, pytest.raises(OSError, match="1 bytes follow"):
        image.verify()


def test_copies_pickles_and_frames() -> None:
    data = dvcodec.compress(image_of("P", 9, 8, "drawing"), lossless=True)
    with Image.open(io.BytesIO(data)) as image:
        assert image.tell() == 0
        image.seek(0)
        with pytest.raises(EOFError):
            image.seek(1)
    lazy = (Image.open(io.BytesIO(data)) for _ in range(4))
    makers = (pickle.dumps, Image.Image.copy, copy.copy, copy.deepcopy)
    for make, image in zip(makers, lazy, strict=True):
        made = make(image)  # type: ignore[operator]
        other = pickle.loads(made) if isinstance(made, bytes) else made
        other.load()
        assert same(other, image) and other.info == image.info
        other.putpixel((0, 0), 1)


@pytest.mark.parametrize("option", ["qualty", "optimize", "targetsize", "exif_bytes"])
def test_an_option_that_there_is_not_is_named_with_those_that_there_are(option: str, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=f"no save option `{option}` .the options are max_pixels, .*quality, .*lossless.*, xmp"
    ):
        Image.new("L", (4, 4)).save(tmp_path / "x.dvq", None, **{option: 5})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [{"quality": 101}, {"quality": "high"}, {"exif": 5}, {"xmp": [1]}, {"icc_profile": object()}, {"tune": 3}],
)
def test_a_value_that_cannot_be_is_refused(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        Image.new("L", (4, 4)).save(tmp_path / "x.dvq", None, **options)


def test_metadata_may_be_any_bytes_or_none() -> None:
    photo = Image.fromarray(photograph(20, 30))
    photo.info["icc_profile"] = b"profile"
    for given in (bytearray(b"<x/>"), memoryview(b"<x/>"), "<x/>"):
        file = io.BytesIO()
        photo.save(file, "DVQ", xmp=given, icc_profile=None)
        with Image.open(file) as back:
            assert back.info["xmp"] == b"<x/>" and "icc_profile" not in back.info


def test_pillows_limit_on_pixels_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dvcodec.compress(Image.new("L", (40, 30)), lossless=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(data)).load()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))


def test_every_cut_of_a_file_is_an_oserror() -> None:
    data = dvcodec.compress(Image.fromarray(photograph(20, 30)), lossless=False)
    for end in range(0, len(data), 3):
        with pytest.raises(OSError):
            Image.open(io.BytesIO(data[:end])).load()


def test_importing_the_module_registers() -> None:
    code = "import dvcodec.pillow; from PIL import Image; assert Image.registered_extensions()['.dvq'] == 'DVQ'"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_drafts_and_thumbnails_decode_smaller_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    views, plain = [], decoder.decode

    def noted(*arguments: Any, view: View, **options: Any) -> decoder.Decoded:
        views.append(view)
        return plain(*arguments, view=view, **options)

    monkeypatch.setattr(decoder, "decode", noted)
    data = dvcodec.compress(Image.fromarray(photograph(90, 170)))
    with Image.open(io.BytesIO(data)) as image:
        assert image.draft("L", (42, 22)) == ("RGB", (0, 0, 42.5, 22.5))
        assert image.size == (43, 23) and not views
        assert image.draft(None, (1, 1)) is None  # as Pillow's other readers, once only
        assert image.tobytes() == dvcodec.decompress(data, scale="1/4").tobytes()
        assert image.draft(None, (1, 1)) is None
    with Image.open(io.BytesIO(data)) as image:
        image.thumbnail((10, 10))
        assert image.size == (10, 5) and views == [View(4)] * 3
    with Image.open(io.BytesIO(data)) as image:
        assert image.draft(None, (100, 80)) is None and image.draft(None, None) is None and image.size == (170, 90)
    exact = dvcodec.compress(Image.fromarray(photograph(90, 170)), lossless=True, method="stored")
    with Image.open(io.BytesIO(exact)) as image:
        assert image.draft(None, (1, 1)) is None
        image.thumbnail((10, 10))
        assert image.size == (10, 5)


def test_save_all_saves_one_image_and_refuses_more(tmp_path: Path) -> None:
    one = Image.new("L", (4, 4))
    one.save(tmp_path / "x.dvq", save_all=True)
    with Image.open(tmp_path / "x.dvq") as back:
        assert back.size == (4, 4)
    with pytest.raises(InvalidArgument, match="no save option `append_images`"):
        one.save(tmp_path / "y.dvq", save_all=True, append_images=[one])
    gif = io.BytesIO()
    one.save(gif, "GIF", save_all=True, append_images=[Image.new("L", (4, 4), 9)])
    with Image.open(gif) as animation, pytest.raises(OSError, match="animation"):
        animation.save(tmp_path / "y.dvq", save_all=True)


def test_an_archive_is_named_as_one(tmp_path: Path) -> None:
    dvcodec.compress_archive([Image.new("L", (4, 4))], tmp_path / "a.dvq", lossless=True)
    with pytest.raises(OSError, match="archive of many images"):
        Image.open(tmp_path / "a.dvq")
