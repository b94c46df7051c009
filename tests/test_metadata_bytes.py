"""Metadata as programs and files give them: types of bytes, encodings, tags that a program changed, hostile blocks."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

import dvcodec
from dvcodec.codec.bitstream import properties
from dvcodec.errors import FormatError, UnsupportedImage
from dvcodec.image_io import exif, images, metadata, orientation, writing, xmp
from dvcodec.image_io.metadata import Metadata
from fake import file_of, photograph

COLOUR = Image.fromarray(photograph(24, 36))
XMP = '<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/">\xe4\u4e2d</x:xmpmeta>'


def block(number: int = 6) -> bytes:
    """Return EXIF with an orientation, with prefix."""
    tags = Image.Exif()
    tags[274], tags[271] = number, "A camera"
    return tags.tobytes()


def shared_values(count: int = 2000, size: int = 20_000) -> bytes:
    """Return an EXIF block whose tags share one value."""
    entries = b"".join(struct.pack("<HHII", 40000 + i, 7, size, 8 + 2 + 12 * count + 4) for i in range(count))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + entries + bytes(4) + bytes(size)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_every_type_are_kept(kind: Callable[[bytes], object]) -> None:
    image = COLOUR.copy()
    image.info |= {"exif": kind(block()), "icc_profile": kind(b"profile" * 9), "xmp": kind(XMP.encode())}
    picture = images.from_image(image)
    assert picture.metadata == Metadata(b"profile" * 9, block()[6:], XMP.encode()) and picture.left_out == ()


def test_exif_objects_are_kept_and_other_types_named() -> None:
    image, tags = COLOUR.copy(), Image.Exif()
    tags.load(block())
    image.info["exif"] = tags
    assert orientation.of(images.from_image(image).metadata) == 6
    image.info |= {"exif": 5, "icc_profile": ["x"], "xmp": {}}
    assert images.from_image(image).left_out == ("ICC", "EXIF", "XMP") or image.info["xmp"] == {}


@pytest.mark.usefixtures("fake_weights")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, None])
def test_the_plug_in_takes_all_of_them(kind: Callable[[bytes], object] | None) -> None:
    dvcodec.register()
    tags = Image.Exif()
    tags.load(block())
    file = io.BytesIO()
    COLOUR.save(file, "DVQ", exif=tags if kind is None else kind(block()), xmp=XMP.encode("utf-16"))
    with Image.open(file) as image:
        assert image.getexif()[274] == 6 and image.info["xmp"].decode() == XMP.removeprefix("\ufeff")
    with pytest.raises(ValueError, match="`exif` is a int that holds no metadata"):
        COLOUR.save(io.BytesIO(), "DVQ", exif=5)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_xmp_of_every_encoding_of_unicode_becomes_utf_8(encoding: str) -> None:
    raw = XMP.encode(encoding)
    packet = xmp.to_utf8(raw)
    assert packet is not None and packet.decode("utf-8-sig") == XMP
    image = COLOUR.copy()
    image.info["xmp"] = raw
    data, dropped = writing.write(images.from_image(image), "PNG")
    assert dropped == () and images.read(data).metadata.xmp == packet


def test_xmp_of_a_declared_encoding_becomes_utf_8_and_what_is_no_text_is_named() -> None:
    declared = "<?xml version='1.0' encoding='ISO-8859-1'?><x>\xe4</x>"
    assert xmp.to_utf8(declared.encode("latin-1")) == declared.replace("ISO-8859-1", "UTF-8").encode()
    for raw in (b"\xff\xfe\0", b"<x>\xe4</x>", b"<?xml encoding='hex'?>00", b"<?xml encoding='none'?>"):
        image = COLOUR.copy()
        image.info["xmp"] = raw
        picture = images.from_image(image)
        assert picture.metadata.xmp == b"" and picture.left_out == ("XMP",)


def test_extended_xmp_is_named() -> None:
    body = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + bytes(8) + b"<x/>"
    plain = file_of(COLOUR, "JPEG", xmp=b"<x/>")
    data = plain[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + plain[2:]
    assert images.read(data).left_out == ("extended XMP",) and images.read(plain).left_out == ()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("way", ["exif_transpose", "in place", "by hand"])
def test_what_a_program_has_turned_stays_as_it_is(format: str, way: str) -> None:
    packet = b'<rdf:Description tiff:Orientation="6"/>'
    options = {"xmp": packet} if format in ("JPEG", "WEBP") else {}
    with Image.open(io.BytesIO(file_of(COLOUR, format, exif=block(), **options))) as image:
        if way == "exif_transpose":
            turned = ImageOps.exif_transpose(image)
        elif way == "in place":
            ImageOps.exif_transpose(image, in_place=True)
            turned = image
        else:
            image.load()  # Pillow turns a TIFF
            turned = image if format == "TIFF" else image.transpose(Image.Transpose.ROTATE_270)
            turned.getexif().pop(274, None)
        picture = images.from_image(turned)
    assert orientation.of(picture.metadata) == 1 and picture.pixels.shape == (36, 24, 3)
    if format != "TIFF" or way != "exif_transpose":  # Pillow's copies of a TIFF have no EXIF
        assert b"A camera" in picture.metadata.exif


@pytest.mark.usefixtures("fake_weights")
def test_a_dvq_file_turned_before_it_is_saved_again() -> None:
    dvcodec.register()
    file, again = io.BytesIO(), io.BytesIO()
    COLOUR.save(file, "DVQ", exif=block())
    with Image.open(file) as image:
        del image.getexif()[274], image.info["exif"]  # before load()
        image.save(again, "DVQ")
    with Image.open(again) as image:
        assert 274 not in image.getexif() and image.size == COLOUR.size


def test_exif_whose_tags_share_bytes_is_kept_but_never_taken_apart() -> None:
    hostile = shared_values()
    assert len(hostile) < 50_000 and not exif.is_bounded(hostile) and exif.is_bounded(block()[6:])
    assert exif.parse(hostile) is None and exif.parse(block()[6:]) is not None
    picture = images.from_array(np.asarray(COLOUR), Metadata(exif=hostile))
    for format in ("TIFF", "AVIF"):
        data, dropped = writing.write(picture, format)
        assert dropped == ("EXIF",) and len(data) < 50_000
    data, dropped = writing.write(picture, "PNG")
    assert dropped == () and hostile in data


def test_directories_that_lead_back_are_not_followed_for_ever() -> None:
    loop = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    assert not exif.is_bounded(loop)
    big = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + struct.pack("<Q", 2**60) + bytes(40)
    assert exif.is_bounded(big)


def test_a_tiff_whose_tags_share_bytes_is_refused_before_pillow_reads_it() -> None:
    with pytest.raises(UnsupportedImage, match="tags of the TIFF file claim"):
        images.read(shared_values())


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_through(tail: bytes) -> None:
    for start in (b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        raw = start + tail
        exif.is_bounded(raw)
        assert 1 <= exif.orientation(raw) <= 8
        assert len(exif.upright(raw)) == len(raw) and exif.orientation(exif.upright(raw)) == 1
        xmp.to_utf8(raw)


@given(
    st.one_of(st.none(), st.tuples(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1))),
    st.lists(st.tuples(st.text(st.characters(codec="utf-8"), max_size=9), st.text(st.characters(codec="utf-8")))),
)
def test_properties_come_back(resolution: tuple[int, int] | None, texts: list[tuple[str, str]]) -> None:
    kept = Metadata(resolution=resolution, texts=tuple(texts))
    assert properties.unpack(properties.pack(kept)) == kept


@pytest.mark.parametrize(
    "raw", [b"", b"\1", b"\0\1", b"\1\0", b"\1\1\5abc", b"\1\1\1\xff\0", b"\0\0" + b"\0\0" * 4097, b"\xff" * 9]
)
def test_properties_that_are_not_valid_are_refused(raw: bytes) -> None:
    with pytest.raises(FormatError):
        properties.unpack(metadata.pack(raw) if raw else b"\0")


@pytest.mark.parametrize("dpi", [72, 96, 150, 300, 600, 1200, 2400])
def test_resolutions_come_back_as_they_were(dpi: int) -> None:
    kept = Metadata(resolution=(metadata.per_metre_of(dpi),) * 2)
    assert kept.dpi == (dpi, dpi)
    for format in ("PNG", "JPEG", "TIFF", "BMP"):
        data = writing.write(images.from_array(np.asarray(COLOUR), kept), format)[0]
        assert images.read(data).metadata.resolution == kept.resolution, format


@pytest.mark.parametrize("format", ["TIFF", "AVIF", "JPEG"])
def test_broken_tags_of_which_pillow_warns_fail_nothing(format: str) -> None:
    """Warnings are errors in these tests, as they may be in a host's process."""
    broken = bytearray(block()[6:])
    broken[-1:] = b""  # the camera's name is cut
    image = COLOUR.copy()
    image.info["exif"] = bytes(broken)
    picture = images.from_image(image)
    assert picture.metadata.exif == bytes(broken)
    data, _ = writing.write(picture, format)
    with Image.open(io.BytesIO(data)) as back:
        assert orientation.of(images.from_image(back).metadata) == (1 if format == "TIFF" else 6)
