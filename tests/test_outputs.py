"""Image files that are written: pixels as they are or refused, noise, sizes, orientation, and what went wrong once."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import OutputFailed
from dvcodec.image_io import images, orientation, writing
from dvcodec.image_io.metadata import Metadata
from fake import file_of, photograph
from program import dvcodec as command

CASES = Path(__file__).resolve().parent.parent / "../shared/cases"
RNG = np.random.default_rng(0)
cases = pytest.mark.skipif(not CASES.is_dir(), reason="the cases in ../shared are absent")


def exif(number: int) -> bytes:
    """Return EXIF with an orientation, without prefix."""
    tags = Image.Exif()
    tags[274] = number
    return tags.tobytes().removeprefix(b"Exif\0\0")


@pytest.mark.parametrize("side", [(1, 1), (3, 700), (700, 3), (160, 160), (640, 400)])
def test_noise_becomes_a_jpeg_whatever_pillow_guesses(side: tuple[int, int]) -> None:
    """A profile and a comment beside it; nothing of the process is changed."""
    noise = np.where(RNG.random((*side, 3)) < 0.5, 0, 255).astype(np.uint8)
    kept = Metadata(RNG.bytes(300_000), exif(1), b"<x/>" * 15_000, (11811, 11811), (("Comment", "c" * 60_000),))
    before = ImageFile.MAXBLOCK
    for metadata in (Metadata(), kept):
        data, dropped = writing.write(replace(images.from_array(noise), metadata=metadata), "JPEG")
        with Image.open(io.BytesIO(data)) as image:
            assert np.asarray(image).shape == noise.shape and dropped == ()
    assert before == ImageFile.MAXBLOCK


def transparent_ways() -> dict[str, Image.Image]:
    """Return images that are transparent by a colour, by a table, and by an alpha channel."""
    grey = Image.fromarray(photograph(16, 16)).convert("L")
    key, indexed, soft = grey.copy(), grey.convert("P"), grey.convert("RGBA")
    key.info["transparency"] = int(np.asarray(grey)[3, 4])
    indexed.info["transparency"] = bytes(range(256))
    soft.putalpha(grey)
    return {"key": key, "table": indexed, "alpha": soft}


@pytest.mark.parametrize("way", transparent_ways())
@pytest.mark.parametrize("format", ["GIF", "ICO", "BMP", "TIFF", "WEBP", "PPM", "TGA", "PCX", "JPEG2000", "PNG"])
def test_transparency_is_kept_or_refused(way: str, format: str) -> None:
    image = transparent_ways()[way]
    picture = images.from_image(image, keep_mode=True)
    if format in ("BMP", "PPM", "PCX") or (format == "GIF" and way != "key"):
        with pytest.raises(OutputFailed, match="cannot hold"):
            writing.write(picture, format)
        return
    data, dropped = writing.write(picture, format)
    with Image.open(io.BytesIO(data)) as back:
        assert dropped == () and back.size == image.size
        assert (visible(back.convert("RGBA")) == visible(image.convert("RGBA"))).all()


def visible(image: Image.Image) -> NDArray[np.uint8]:
    """Return the pixels, with fully transparent ones as 0."""
    pixels = np.asarray(image)
    return pixels * (pixels[:, :, 3:] > 0)


@cases
@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "ico", "tif", "webp", "avif", "ppm", "tga", "jp2"])
def test_a_turned_photograph_is_shown_upright_in_every_output(suffix: str, tmp_path: Path) -> None:
    source = CASES / "11-orientation6.jpg"
    for strip in (False, True):
        data, _ = api.compress_data(source.read_bytes(), CompressSettings(strip=strip))
        picture = api.decompress_picture(data).picture
        flat = replace(picture, pixels=picture.pixels & np.uint8(0xC0))  # few colours, for GIF
        shown = writing.write(flat, writing_format(suffix))[0]
        with Image.open(io.BytesIO(shown)) as image:
            assert ImageOps.exif_transpose(image).size == (64, 96)
        assert dvcodec.decompress_array(data).shape[:2] == (96, 64)


def writing_format(suffix: str) -> str:
    """Return the format of a suffix."""
    return api.format_of(Path(f"x.{suffix}"))


@pytest.mark.parametrize("number", range(1, 9))
def test_pixels_turn_as_pillow_turns_them(number: int) -> None:
    image = Image.fromarray(photograph(6, 10))
    image.info["exif"] = b"Exif\0\0" + exif(number)
    picture = replace(images.from_image(image), metadata=Metadata(exif=exif(number), resolution=(100, 200)))
    turned = orientation.turned(picture)
    assert (turned.pixels == np.asarray(ImageOps.exif_transpose(image))).all()
    assert orientation.of(turned.metadata) == 1 and len(turned.metadata.exif) == len(exif(number))
    assert turned.metadata.resolution == ((200, 100) if number >= 5 else (100, 200))


def test_gif_keeps_256_colours_and_one_transparent_one_or_refuses() -> None:
    colours = RNG.permutation(2**24)[:256].astype("<u4")
    pixels = colours.view(np.uint8).reshape(16, 16, 4)[:, :, :3]
    data, dropped = writing.write(images.from_array(pixels), "GIF")
    assert dropped == () and (images.to_array(images.read(data)) == pixels).all()
    more = np.concatenate([pixels, pixels[:1] ^ 255])
    with pytest.raises(OutputFailed, match="GIF cannot hold more than 256 colours"):
        writing.write(images.from_array(more), "GIF")
    alpha = np.full((16, 16, 1), 255, np.uint8)
    alpha[:2] = 0
    data, dropped = writing.write(images.from_array(np.dstack([pixels, alpha])), "GIF")
    back = images.to_array(images.read(data))
    assert (back[:, :, 3:] == alpha).all() and (back[2:, :, :3] == pixels[2:]).all()
    assert dropped == ("colours of transparent pixels",)
    alpha[5] = 128
    with pytest.raises(OutputFailed, match="partial transparency"):
        writing.write(images.from_array(np.dstack([pixels, alpha])), "GIF")


@pytest.mark.parametrize(
    ("format", "side", "reason"),
    [
        ("ICO", 257, "ICO cannot hold more than 256 x 256 pixels; the image has 257 x 257"),
        ("ICNS", 512, "ICNS holds 1024 x 1024 pixels only; the image has 512 x 512"),
    ],
)
def test_icons_are_never_resized(format: str, side: int, reason: str) -> None:
    with pytest.raises(OutputFailed, match=reason):
        writing.write(images.from_array(np.zeros((side, side), np.uint8)), format)
    for size in ((256, 256), (17, 40), (1, 1), (256, 3)):
        data, _ = writing.write(images.from_array(np.zeros(size, np.uint8)), "ICO")
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == size[::-1]


def test_an_opaque_alpha_channel_needs_no_place() -> None:
    pixels = np.dstack([photograph(5, 6), np.full((5, 6), 255, np.uint8)])
    data, dropped = writing.write(images.from_array(pixels), "BMP")
    assert dropped == () and (images.read(data).pixels == pixels[:, :, :3]).all()


@pytest.mark.usefixtures("fake_weights")
def test_what_is_left_out_is_a_warning_in_both_directions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    image = Image.fromarray(photograph(24, 40))
    Path("a.jpg").write_bytes(file_of(image, "JPEG", comment=b"hello", dpi=(300, 300), exif=b"Exif\0\0" + exif(6)))
    seen = command("compress", "a.jpg")
    assert seen.code == 0 and "warning" not in seen.err
    seen = command("decompress", "a.dvq", "-o", "a.bmp")
    warning = "dvcodec: a.dvq: warning: written without EXIF, comment, which the format cannot hold\n"
    assert seen.code == 0 and warning in seen.err
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x04abcd"
    segment = b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc
    plain = file_of(image, "JPEG")
    Path("b.jpg").write_bytes(plain[:2] + segment + plain[2:])
    seen = command("compress", "b.jpg")
    assert "dvcodec: b.jpg: warning: written without IPTC, which a .dvq file cannot hold\n" in seen.err
    assert command("compress", "b.jpg", "--quiet", "--force").err == ""


@pytest.mark.usefixtures("fake_weights")
def test_programs_hear_of_it_through_logging(caplog: pytest.LogCaptureFixture) -> None:
    dvcodec.compress(tagged := Image.fromarray(photograph(24, 40)))
    assert not caplog.records
    tagged.info["exif"] = 17
    dvcodec.compress(tagged)
    assert [record.getMessage() for record in caplog.records] == ["written without EXIF, which a .dvq file cannot hold"]
