"""The Pillow plug-in: .dvq files behave as Pillow's own formats do."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, UnidentifiedImageError

import dvcodec
from dvcodec.codec import api, pillow_plugin
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
    monkeypatch.setattr(api, "decompress_picture", None)
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
        monkeypatch.setattr(api, "decompress_picture", None)
        image.load()
        assert (np.asarray(image) == first).all() and not image.tile
