"""Smaller pictures and parts of pictures: the arguments, every kind of file, orientation, and archives."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

import dvcodec
from dvcodec.codec.view import View, parse_region, view_of
from dvcodec.errors import InvalidArgument
from fake import photograph
from program import dvcodec as command
from program import names, picture

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("scale", ["1/4", 0.25, Fraction(1, 4), np.float64(0.25)])
def test_scales_are_texts_or_numbers(scale: Any) -> None:
    assert view_of(scale) == View(4)


@pytest.mark.parametrize(
    "scale", ["1/3", "", "1/16", "1e999999999", "1/0", 2, 0, -0.5, float("nan"), True, b"1/2", [1], "½", "1/2 "]
)
def test_other_scales_are_refused(scale: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^scale .* is not valid \(one of 1/2, 1/4, 1/8\)$"):
        view_of(scale)


@pytest.mark.parametrize(
    "region", [(), (1, 2, 3), (0, 0, 0, 5), (-1, 0, 5, 5), (0, 0, 5.0, 5), (0, 0, True, 5), "1,2,3,4", 7, b"\1\2\3\4"]
)
def test_other_regions_are_refused(region: Any) -> None:
    with pytest.raises(InvalidArgument, match="left, top, width and height in pixels"):
        view_of(region=region)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "-1,0,2,2", "0,0,0,1", "a,b,c,d", "1e3,0,1,1", "9" * 5000])
def test_other_texts_of_regions_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_region(text)


def test_a_region_is_not_scaled() -> None:
    with pytest.raises(InvalidArgument, match="`scale` and `region` exclude each other"):
        view_of("1/2", (0, 0, 1, 1))


FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "photograph": ("RGB", {}),
    "grey photograph": ("L", {}),
    "photograph with alpha": ("RGBA", {}),
    "stored": ("RGBA", {"lossless": True, "method": "stored"}),
    "stored palette": ("P", {"lossless": True, "method": "stored"}),
    "webp": ("LA", {"lossless": True, "method": "webp"}),
    "bilevel": ("1", {"lossless": True}),
}


def file_of(mode: str, options: dict[str, Any]) -> bytes:
    """A file of 75 x 50 pixels."""
    image = Image.fromarray(photograph(50, 75)).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return dvcodec.compress(image, **options)


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("kind", FILES.values(), ids=list(FILES))
def test_regions_are_those_of_the_whole_image(kind: tuple[str, dict[str, Any]]) -> None:
    data = file_of(*kind)
    whole = dvcodec.decompress(data)
    for left, top, width, height in ((0, 0, 75, 50), (7, 11, 13, 17), (74, 49, 1, 1), (0, 40, 75, 10)):
        part = dvcodec.decompress(data, region=(left, top, width, height))
        wanted = whole.crop((left, top, left + width, top + height))
        assert part.mode == whole.mode and part.size == (width, height)
        assert part.convert("RGBA").tobytes() == wanted.convert("RGBA").tobytes()


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("kind", FILES.values(), ids=list(FILES))
def test_every_kind_of_file_gives_smaller_pictures(kind: tuple[str, dict[str, Any]]) -> None:
    data, (mode, options) = file_of(*kind), kind
    whole = dvcodec.decompress(data)
    for denominator in (2, 4, 8):
        small = dvcodec.decompress(data, scale=f"1/{denominator}")
        assert small.size == (-(-75 // denominator), -(-50 // denominator))
        assert small.mode == {"1": "L", "P": "RGB"}.get(mode, mode)
        if options:
            assert small.tobytes() == whole.convert(small.mode).reduce(denominator).tobytes()
    assert dvcodec.decompress(data, scale=1).tobytes() == whole.tobytes()


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("region", [(70, 0, 6, 1), (0, 0, 10**9, 1), (0, 50, 1, 1)])
def test_regions_outside_the_image_are_refused(region: Sequence[int]) -> None:
    given = ",".join(map(str, region))
    with pytest.raises(InvalidArgument, match=f"^the region {given} is not inside the image of 75 x 50 pixels$"):
        dvcodec.decompress(file_of("RGB", {}), region=region)


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_are_those_of_the_image_as_it_is_shown(orientation: int) -> None:
    tags = Image.Exif()
    tags[0x0112] = orientation
    image = Image.fromarray(photograph(50, 75))
    image.info["exif"] = tags.tobytes()
    data = dvcodec.compress(image)
    shown = ImageOps.exif_transpose(dvcodec.decompress(data))
    part = ImageOps.exif_transpose(dvcodec.decompress(data, region=(5, 9, 20, 30)))
    assert part.tobytes() == shown.crop((5, 9, 25, 39)).tobytes()


@pytest.mark.usefixtures("fake_weights")
def test_damaged_orientations_count_as_none() -> None:
    for exif in (b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0\0\0\0\0"):
        image = Image.fromarray(photograph(8, 9))
        image.info["exif"] = exif
        assert dvcodec.decompress(dvcodec.compress(image), region=(8, 7, 1, 1)).size == (1, 1)


def test_small_pictures_of_photographs_look_like_the_whole() -> None:
    with Image.open(io.BytesIO((ROOT / "examples" / "kodim23.png").read_bytes())) as photo:
        image = photo.convert("RGB").crop((300, 150, 428, 246))
    data = dvcodec.compress(image)
    whole = dvcodec.decompress(data)
    for denominator, least in ((2, 38), (4, 36), (8, 40)):
        small = np.asarray(dvcodec.decompress(data, scale=1 / denominator))
        error = np.square(small - np.asarray(whole.reduce(denominator), np.float64)).mean()
        assert 10 * np.log10(255**2 / error) > least
    for turned in (image.convert("L"), image.crop((0, 0, 1, 1)), image.crop((3, 5, 70, 14))):
        eighth = dvcodec.decompress(dvcodec.compress(turned), scale="1/8")
        assert (eighth.mode, eighth.size) == (turned.mode, tuple(-(-side // 8) for side in turned.size))


@pytest.mark.usefixtures("fake_weights")
def test_the_command_writes_smaller_pictures_and_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture(Path("a.png"))
    assert command("compress", "a.png").code == 0
    assert command("decompress", "a.dvq", "--scale", "1/8", "-o", "small.png").code == 0
    assert command("decompress", "a.dvq", "--region", "3,4,5,6", "-o", "part.png").code == 0
    with Image.open("small.png") as small, Image.open("part.png") as part:
        assert small.size == (5, 3) and part.size == (5, 6)
    seen = command("decompress", "a.dvq", "--region", "40,0,1,1", "-o", "out.png")
    assert seen.code == 1
    assert seen.err == "dvcodec: a.dvq: the region 40,0,1,1 is not inside the image of 40 x 24 pixels\n"
    for wrong in (("--scale", "1/3"), ("--region", "1,2,3"), ("--scale", "1/2", "--region", "0,0,1,1")):
        seen = command("decompress", "a.dvq", *wrong, "-o", "out.png")
        assert seen.code == 2 and "Invalid value for --" in seen.usage
    assert names(tmp_path) == ["a.dvq", "a.png", "part.png", "small.png"]


@pytest.mark.usefixtures("fake_weights")
def test_archives_give_smaller_pictures_and_regions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, size in (("a.png", (40, 24)), ("b.png", (9, 7))):
        picture(Path(name), size)
    assert command("compress", "a.png", "b.png", "--lossless", "--archive", "x.dvq", "--method", "stored").code == 0
    assert command("decompress", "x.dvq", "--scale", "1/2", "--output-dir", "small").code == 0
    with Image.open("a.png") as whole, Image.open("small/a.png") as small:
        assert small.tobytes() == whole.reduce(2).tobytes()
    seen = command("decompress", "x.dvq", "--region", "10,0,20,20", "--output-dir", "part")
    assert seen.code == 1 and names(Path("part")) == ["a.png"]
    assert "dvcodec: x.dvq: b.png: the region 10,0,20,20 is not inside the image of 9 x 7 pixels\n" in seen.err
