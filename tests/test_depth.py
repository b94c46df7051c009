"""Samples deeper than 8 bits are refused by their depth, or converted on demand; nothing is cut silently."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import png_of, tiff_of
from PIL import Image

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import DvcodecError, UnsupportedImage
from dvcodec.evaluation.images import load_rgb
from dvcodec.image_io import colour, images, isobmff, jxl_header
from dvcodec.image_io.depth import Depth, depth_of
from dvcodec.training.data.pictures import read_image
from fake import file_of, photograph

CASES = Path(__file__).parents[2] / "shared" / "cases"
COLOUR = Image.fromarray(photograph(24, 36))
GREY16 = (np.arange(24 * 36, dtype=np.uint16) * 75).reshape(24, 36)


def jpeg_2000(bits: int, *, bare: bool) -> bytes:
    """Return a JPEG 2000 file of RGB that claims a depth."""
    data = bytearray(file_of(COLOUR, "JPEG2000", no_jp2=bare))
    at = data.index(b"\xff\x4f\xff\x51") + 42
    data[at], data[at + 3], data[at + 6] = (bits - 1,) * 3
    return bytes(data)


def avif(bits: int) -> bytes:
    """Return an AVIF file whose properties claim a depth."""
    data = bytearray(file_of(COLOUR, "AVIF"))
    at = data.index(b"pixi") + 9
    data[at : at + 3] = bytes([bits] * 3)
    data[data.index(b"av1C") + 6] |= {8: 0, 10: 0x40, 12: 0x60}[bits]
    return bytes(data)


def icon(png: bytes) -> bytes:
    """Return an icon of one pixel, a PNG."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 1, 1, 0, 0, 1, 32, len(png), 22) + png


def deep_files() -> dict[str, tuple[bytes, Depth]]:
    """Return files, and their depths."""
    grey16 = Image.fromarray(GREY16)
    return {
        "sgi": (file_of(COLOUR.convert("L"), "SGI", bpc=2), Depth(16)),
        "png": (file_of(grey16, "PNG"), Depth(16)),
        "png RGBA": (png_of((1, 1, 16, 6), bytes(9)), Depth(16)),
        "tiff": (file_of(grey16, "TIFF"), Depth(16)),
        "planar tiff": (tiff_of([GREY16] * 3), Depth(16)),
        "float tiff": (file_of(Image.new("F", (4, 4)), "TIFF"), Depth(32, floating=True)),
        "signed tiff": (file_of(Image.new("I", (4, 4)), "TIFF"), Depth(32, signed=True)),
        "ppm": (b"P6 2 1 1023\n" + bytes(12), Depth(10)),
        "plain pgm": (b"P2 2 1 4095\n0 4095\n", Depth(12)),
        "pfm": (b"Pf\n1 1\n-1.0\n" + bytes(4), Depth(32, floating=True)),
        "jpeg 2000": (jpeg_2000(12, bare=False), Depth(12)),
        "jpeg 2000 codestream": (jpeg_2000(9, bare=True), Depth(9)),
        "grey jpeg 2000": (file_of(grey16, "JPEG2000"), Depth(16)),
        "avif 10": (avif(10), Depth(10)),
        "avif 12": (avif(12), Depth(12)),
        "icon": (icon(png_of((1, 1, 16, 6), bytes(9))), Depth(16)),
    }


@pytest.mark.parametrize("name", deep_files())
def test_deep_samples_are_noticed_and_refused_everywhere(name: str, tmp_path: Path) -> None:
    data, depth = deep_files()[name]
    with Image.open(io.BytesIO(data)) as image:
        assert depth_of(image) == depth
    path = tmp_path / "image.png"
    path.write_bytes(data)
    said = "floating-point samples" if depth.floating else f"samples of {depth.bits} bits"
    for read in (images.read, load_rgb, lambda path: read_image(path, 3), lambda path: dvcodec.compress(path)):
        with pytest.raises(DvcodecError, match=said) as caught:
            read(path)
        assert depth.floating or "8 bits" in str(caught.value)


def packed_bitmap(masks: tuple[int, int, int]) -> bytes:
    """Return a bitmap of 16 bits a pixel, 2 x 1."""
    head = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0) + struct.pack("<3I", *masks)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + 4, 0, 0, 14 + len(head)) + head + b"\xff\xff\x00\x00"


def shallow_files() -> dict[str, bytes]:
    return {
        "565": packed_bitmap((0xF800, 0x7E0, 0x1F)),
        "555": packed_bitmap((0x7C00, 0x3E0, 0x1F)),
        "sgi": file_of(COLOUR, "SGI"),
        "avif": avif(8),
        "jpeg 2000": jpeg_2000(8, bare=False),
        "ppm": b"P6 1 1 31\n\x1f\x00\x1f",
        "tiff": file_of(COLOUR, "TIFF"),
        "bilevel tiff": file_of(COLOUR.convert("1"), "TIFF"),
        "icon": icon(png_of((1, 1, 8, 6), bytes(5))),
        "tga 16": b"\0\0\2\0\0\0\0\0\0\0\0\0\1\0\1\0\x10\0\xff\x7f",
    }


@pytest.mark.parametrize("name", shallow_files())
def test_what_fits_8_bits_is_accepted(name: str) -> None:
    assert images.read(shallow_files()[name]).pixels.dtype == np.uint8


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases that went wrong are not here")
def test_the_cases_that_went_wrong(tmp_path: Path) -> None:
    assert images.read(CASES / "02-rgb565.bmp").mode == "RGB"
    for name, bits in (("03-16bit.sgi", 16), ("04-10bit.avif", 10), ("15-grey16.png", 16)):
        for read in (images.read, lambda path: read_image(path, 1)):
            with pytest.raises(DvcodecError, match=f"samples of {bits} bits"):
                read(CASES / name)
        assert images.read(CASES / name, convert=True).notices == (f"reduced from {bits} to 8 bits a sample",)


def test_deep_grey_is_rounded_and_its_transparent_level_becomes_alpha() -> None:
    data = file_of(Image.fromarray(GREY16), "PNG", transparency=150)
    picture = images.read(data, convert=True)
    assert (picture.pixels == np.rint(GREY16 / 257)).all() and picture.mode == "LA"
    assert picture.alpha is not None and ((picture.alpha == 0) == (GREY16 == 150)).all()
    assert picture.notices == ("reduced from 16 to 8 bits a sample",)
    for format in ("TIFF", "PPM", "JPEG2000"):
        again = images.read(file_of(Image.fromarray(GREY16), format), convert=True)
        assert (again.pixels == np.rint(GREY16 / 257)).all(), format
    planes = images.read(tiff_of([GREY16] * 3), convert=True)  # which Pillow does not read
    assert (planes.pixels == np.rint(GREY16 / 257)[:, :, None]).all()
    assert planes.notices == ("reduced from 16 to 8 bits a sample",)


def grey_inks_profile() -> bytes:
    """Return a profile of CMYK that shows all inks as the grey of L* = 50."""
    identity = bytes(range(256))
    table = bytes([128, 128, 128] * 16)  # 2 points for each ink; in 8 bits, L* is 255 / 100 and a*, b* are + 128
    lut = b"mft1" + struct.pack(">4xBBBx9i", 4, 3, 2, *(65536 * (i % 4 == 0) for i in range(9)))
    lut += identity * 4 + table + identity * 3
    tags = {b"A2B0": lut, b"wtpt": b"XYZ " + struct.pack(">4x3i", 63190, 65536, 54061)}
    at, directory, body = 128 + 4 + 12 * len(tags), b"", b""
    for key, element in tags.items():
        directory += struct.pack(">4sII", key, at + len(body), len(element))
        body += element + bytes(-len(element) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", at + len(body), 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp") + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + directory + body


def test_inks_are_converted_by_their_profile() -> None:
    inks = COLOUR.convert("CMYK")
    plain = images.read(file_of(inks, "TIFF"), convert=True)
    assert plain.notices == ("converted from CMYK to sRGB by a formula, without a profile that fits",)
    assert (plain.pixels == np.asarray(inks.convert("RGB"))).all() and plain.metadata.icc == colour.srgb()
    broken = images.read(file_of(inks, "TIFF", icc_profile=b"no profile"), convert=True)
    assert broken.notices == plain.notices and (broken.pixels == plain.pixels).all()
    profiled = images.read(file_of(inks, "TIFF", icc_profile=grey_inks_profile()), convert=True)
    assert profiled.notices == ("converted from CMYK to sRGB by its profile",)
    assert np.abs(profiled.pixels.astype(int) - 119).max() <= 1 and profiled.metadata.icc == colour.srgb()
    lab = images.read(file_of(Image.new("LAB", (4, 4), (128, 128, 128)), "TIFF"), convert=True)
    assert lab.notices == ("converted from Lab to sRGB by its profile",)
    assert np.abs(lab.pixels.astype(int) - 119).max() <= 1  # L* of 50


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_taken_on_demand(format: str) -> None:
    frames = [COLOUR.convert("P") if format == "GIF" else COLOUR, COLOUR.rotate(180)]
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {}
    data = file_of(frames[0], format, save_all=True, append_images=frames[1:], **options)
    with pytest.raises(UnsupportedImage, match=r"2 frames.*`convert`"):
        images.read(data)
    picture = images.read(data, convert=True)
    assert picture.notices == ("only the first of 2 frames",)
    assert (picture.pixels == np.asarray(frames[0].convert("RGB"))).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_transparent_levels_of_shallow_grey_survive(bits: int) -> None:
    key, steps = 1, 2**bits - 1
    rows = b"\0\x1b" + b"\0\x40"  # 8 / bits pixels each
    width = 8 // bits
    data = png_of((width, 2, bits, 0), rows, (b"tRNS", struct.pack(">H", key)))
    samples = np.array([[row >> (8 - bits * (i + 1)) & steps for i in range(width)] for row in (0x1B, 0x40)])
    for lossless in (True, False):
        picture = images.read(data, keep_mode=lossless)
        shown = np.asarray(images.to_image(picture).convert("LA"))
        assert (shown[:, :, 0] == samples * 255 // steps).all()
        assert ((shown[:, :, 1] == 0) == (samples == key)).all()
    again, _ = api.decompress_data(dvcodec.compress(data, lossless=True, method="webp"))
    assert (np.asarray(images.to_image(images.read(again, keep_mode=True)).convert("LA")) == shown).all()


def test_what_is_converted_is_reported() -> None:
    data = file_of(Image.fromarray(GREY16), "PNG")
    _, report = api.compress_data(data, CompressSettings(lossless=True, convert=True, method="webp"))
    assert report.notices == ("reduced from 16 to 8 bits a sample",)
    assert dvcodec.decompress(dvcodec.compress(data, convert=True, lossless=True, method="webp")).mode == "L"


def test_the_header_of_jpeg_xl() -> None:
    pytest.importorskip("pillow_jxl")
    for made, expected in (
        (COLOUR.convert("L"), (36, 24, 8, False, False)),
        (Image.fromarray(GREY16), (36, 24, 16, False, False)),
        (Image.new("F", (40, 300)), (40, 300, 32, True, False)),
        (Image.new("RGB", (64, 64)), (64, 64, 8, False, False)),
    ):
        data = file_of(made, "JXL", lossless=True)
        header = jxl_header.read(io.BytesIO(data))
        assert (header.width, header.height, header.bits, header.floating, header.animated) == expected
    # 8 x 8, not all defaults, with extra fields: no orientation, intrinsic size or preview, but an animation; 10 bits
    bits = "1" + "00000" + "100" + "0" + "1" + "000" + "0" + "0" + "1" + "00" + "00" + "00" + "0" + "0" + "10"
    packed = int(bits[::-1], 2).to_bytes(8, "little")
    assert jxl_header.read(io.BytesIO(b"\xff\x0a" + packed)) == jxl_header.JxlHeader(8, 8, 10, False, True)


def test_jpeg_xl_is_read_whether_or_not_pillow_knows_it() -> None:
    pytest.importorskip("pillow_jxl")
    picture = images.read(file_of(COLOUR, "JXL", lossless=True))
    assert (picture.pixels == np.asarray(COLOUR)).all()


@pytest.mark.parametrize(
    ("data", "package"),
    [(b"\0\0\0\x18ftypheic" + bytes(20), "pillow-heif"), (b"\xff\x0a" + bytes(20), "pillow-jxl-plugin")],
)
def test_a_missing_plugin_is_named(data: bytes, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name not in ("JXL", "HEIF")])
    with pytest.raises(UnsupportedImage, match=f"the package {package}"):
        images.read(data)


def test_heic_is_read_by_its_plugin() -> None:
    heif = pytest.importorskip("pillow_heif")
    for mode, bits in (("RGB", 8), ("RGB;16", 10)):
        made = heif.from_bytes(mode, (8, 6), bytes(8 * 6 * (3 if bits == 8 else 6)))
        file = io.BytesIO()
        made.save(file)
        if bits > 8:
            with pytest.raises(UnsupportedImage, match="samples of 10 bits"):
                images.read(file.getvalue())
        assert images.read(file.getvalue(), convert=True).pixels.shape == (6, 8, 3)


def test_large_jpeg_xl_is_refused_before_it_is_decoded() -> None:
    claim = int("0" + "11" + f"{2**20 - 1:030b}"[::-1] + "000" + "11" + f"{2**20 - 1:030b}"[::-1], 2)
    width = 1 + 2 + 30 + 3 + 2 + 30
    bits = int(f"{claim:0{width}b}"[::-1], 2)
    with pytest.raises(UnsupportedImage, match="pixels are too many"):
        images.read(b"\xff\x0a" + bits.to_bytes(16, "little"))


def test_boxes_that_lie_end_the_search() -> None:
    for data in (b"", b"\0\0\0\x08meta", b"\0\0\0\x01meta", b"\xff\xff\xff\xffmeta" + bytes(9), b"\0\0\0\x04free" * 3):
        assert isobmff.bits(isobmff.primary_properties(io.BytesIO(data))) == 8
