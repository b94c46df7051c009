"""EXIF, ICC and XMP: kept through every format, packed small, bounded."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dvcodec.errors import FormatError, UnsupportedImage
from dvcodec.image_io import images, metadata, writing
from dvcodec.image_io.images import Picture
from dvcodec.image_io.metadata import Metadata
from fake import file_of, photograph

COLOUR = Image.fromarray(photograph(24, 36))
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa4</x:xmpmeta>'
ICC = b"\0\0\2\x0cprofile" * 40


def plain(block: bytes) -> bytes:
    """Return an EXIF block without prefix."""
    return block.removeprefix(b"Exif\0\0")


def exif(orientation: int = 6) -> bytes:
    """Return EXIF with an orientation, without prefix."""
    tags = Image.Exif()
    tags[274] = orientation
    tags[271] = "A camera"
    return plain(tags.tobytes())


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_metadata_survive_every_format(format: str) -> None:
    picture = Picture(np.asarray(COLOUR), None, Metadata(ICC, exif(1), XMP))
    data, dropped = writing.write(picture, format)
    assert dropped == ()
    back = images.read(data).metadata
    tags = Image.Exif()
    tags.load(back.exif)
    assert back.icc == ICC and back.xmp == XMP and tags[271] == "A camera"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_orientation_is_metadata_and_never_applied(format: str) -> None:
    image = images.read(file_of(COLOUR, format, exif=b"Exif\0\0" + exif(6)))
    assert image.pixels.shape == (24, 36, 3) and image.metadata.exif == exif(6)
    again = images.read(writing.write(image, format)[0])
    assert again.pixels.shape == (24, 36, 3) and again.metadata.exif == exif(6)


def test_exif_of_a_tiff_is_rebuilt_without_what_describes_the_file() -> None:
    tags = Image.Exif()
    tags[271] = "A camera"
    kept = images.read(file_of(COLOUR, "TIFF", exif=tags, compression="tiff_lzw")).metadata
    back = Image.Exif()
    back.load(kept.exif)
    assert back[271] == "A camera" and not set(back) & {256, 257, 258, 259, 273, 279}
    assert images.read(file_of(COLOUR, "TIFF")).metadata == Metadata()


def test_what_a_format_cannot_hold_is_named() -> None:
    picture = Picture(np.asarray(COLOUR), None, Metadata(ICC, exif(), XMP))
    assert writing.write(picture, "BMP")[1] == writing.write(picture, "PPM")[1] == ("ICC", "EXIF", "XMP")
    long = Picture(picture.pixels, None, Metadata(b"", exif(), XMP * 3000))
    assert writing.write(long, "JPEG")[1] == ("XMP",)
    assert writing.write(long, "PNG")[1] == ()


@given(st.binary(max_size=300), st.integers(1, 20))
def test_metadata_come_back_and_are_never_much_larger(raw: bytes, times: int) -> None:
    packed = metadata.pack(raw * times)
    assert metadata.unpack(packed) == raw * times and len(packed) <= len(raw) * times + 1


def test_metadata_are_bounded() -> None:
    with pytest.raises(UnsupportedImage, match="`strip`"):
        metadata.pack(bytes(metadata.LIMIT + 1))
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = deflate.compress(bytes(metadata.LIMIT + 1)) + deflate.flush()
    for section in (
        b"\1" + bomb,
        b"\1",
        b"\1abc",
        b"\2abc",
        metadata.pack(bytes(99)) + b"x",
        metadata.pack(bytes(99))[:-1],
    ):
        with pytest.raises(FormatError):
            metadata.unpack(section)


def test_broken_exif_of_a_tiff_counts_as_absent() -> None:
    image = Image.open(io.BytesIO(file_of(COLOUR, "TIFF")))
    image.getexif()[271] = object()
    assert images.from_image(image).metadata.exif == b""


def test_the_image_keeps_its_own_tags() -> None:
    image = Image.open(io.BytesIO(file_of(COLOUR, "TIFF")))
    before = dict(image.getexif())
    images.from_image(image)
    assert dict(image.getexif()) == before and 256 in before


def test_a_camera_s_directories_survive_in_a_tiff() -> None:
    tags = Image.Exif()
    tags[271] = "A camera"
    tags.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    tags.get_ifd(0x8825)[1] = "N"
    picture = Picture(np.asarray(COLOUR), None, Metadata(b"", plain(tags.tobytes()), b""))
    data, dropped = writing.write(picture, "TIFF")
    back = Image.open(io.BytesIO(data)).getexif()
    assert dropped == () and back[271] == "A camera"
    assert back.get_ifd(0x8769)[0x9003] == "2026:01:01 00:00:00" and back.get_ifd(0x8825)[1] == "N"


def test_webp_keeps_colours_under_transparent_pixels() -> None:
    alpha = np.zeros(COLOUR.size[::-1], np.uint8)
    data, _ = writing.write(Picture(np.asarray(COLOUR), alpha, Metadata()), "WEBP")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))[..., :3], np.asarray(COLOUR))


@pytest.mark.parametrize(
    "tag, value", [(256, 4000), (257, 3000), (262, 0), (266, 2), (284, 2), (338, (1,)), (339, (3,))]
)
def test_a_photograph_s_exif_says_nothing_of_how_a_tiff_lies(tag: int, value: int | tuple[int]) -> None:
    tags = Image.Exif()
    tags[tag], tags[271] = value, "A camera"
    tags.get_ifd(0x8769)[36867] = "2020:01:01 00:00:00"  # Pillow's own writer then
    for kept in (plain(tags.tobytes()), plain(b"Exif\0\0" + tags.tobytes())):
        data, dropped = writing.write(Picture(np.asarray(COLOUR), None, Metadata(exif=kept)), "TIFF")
        assert dropped == ()
        back = images.read(data)
        assert (back.pixels == np.asarray(COLOUR)).all() and b"A camera" in back.metadata.exif


@pytest.mark.parametrize("format", ["TIFF", "AVIF"])
@pytest.mark.parametrize("broken", [b"xx", b"II*\0", b"II*\0\xff\xff\xff\xff"])
def test_broken_exif_is_left_out_and_named_where_it_is_taken_apart(format: str, broken: bytes) -> None:
    data, dropped = writing.write(Picture(np.asarray(COLOUR), None, Metadata(exif=broken)), format)
    assert images.read(data).pixels.shape == (24, 36, 3)
    assert dropped == ("EXIF",) or images.read(data).metadata.exif == b""
