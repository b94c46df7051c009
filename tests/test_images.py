"""Images in and out: modes, what is refused, which formats are written."""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import png_of_pixels
from PIL import Image, UnidentifiedImageError

from dvcodec.errors import OutputFailed, UnsupportedImage
from dvcodec.image_io import formats, images, transparency, writing
from dvcodec.image_io.limits import MODES
from fake import file_of, photograph

COLOUR = Image.fromarray(photograph(24, 36))


@pytest.mark.parametrize(
    ("mode", "comes_back"),
    [
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("L", "L"),
        ("LA", "LA"),
        ("1", "L"),
        ("P", "RGB"),
        ("PA", "RGBA"),
        ("RGBX", "RGB"),
        ("RGBa", "RGBA"),
        ("La", "LA"),
        ("YCbCr", "RGB"),
        ("HSV", "RGB"),
    ],
)
def test_modes(mode: str, comes_back: str) -> None:
    image = COLOUR.convert("LA").convert(mode) if mode in ("La", "PA") else _convert(mode)
    picture = images.from_image(image)
    assert picture.mode == comes_back and picture.pixels.shape[:2] == (24, 36)
    assert images.to_image(picture).mode == comes_back
    assert picture.pixels.dtype == np.uint8 and picture.pixels.flags.c_contiguous


def _convert(mode: str) -> Image.Image:
    return COLOUR.convert("RGBA").convert(mode) if mode == "RGBa" else COLOUR.convert(mode)


def test_transparency_of_palettes_and_keys_becomes_alpha() -> None:
    palette = COLOUR.convert("P")
    for image, mode in ((palette, "RGBA"), (COLOUR.convert("L"), "LA")):
        key = int(np.asarray(image)[3, 5])
        data = file_of(image, "PNG", transparency=key)
        picture = images.read(data)
        assert picture.mode == mode and picture.alpha is not None
        assert ((picture.alpha == 0) == (np.asarray(image) == key)).all()
    assert images.read(file_of(palette, "PNG")).mode == "RGB"


def test_pixels_are_taken_as_they_are() -> None:
    assert (images.read(file_of(COLOUR, "PNG")).pixels == np.asarray(COLOUR)).all()
    one_bit = COLOUR.convert("1")
    assert (images.read(file_of(one_bit, "PNG")).pixels == np.asarray(one_bit) * np.uint8(255)).all()


def png(depth: int, colour: int, samples: int) -> bytes:
    """Return a 3x2 PNG of any depth, which Pillow cannot write itself."""
    rows = (b"\0" + bytes(3 * samples * depth // 8)) * 2
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 3, 2, depth, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def cases_of_refusal() -> dict[str, tuple[bytes, str]]:
    """Return files that cannot be coded, and what the error must name."""
    grey16 = Image.fromarray(np.zeros((4, 4), np.uint16))
    frames = [COLOUR, COLOUR.rotate(90)]
    animation = {"save_all": True, "append_images": frames[1:]}
    return {
        "png 16-bit grey": (file_of(grey16, "PNG"), "8 bits"),
        "png 16-bit RGB": (png(16, 2, 3), "8 bits"),
        "png 16-bit grey + alpha": (png(16, 4, 2), "8 bits"),
        "png 16-bit RGBA": (png(16, 6, 4), "8 bits"),
        "tiff 16-bit": (file_of(grey16, "TIFF"), "8 bits"),
        "tiff 32-bit": (file_of(Image.new("I", (4, 4)), "TIFF"), "8 bits"),
        "tiff float": (file_of(Image.new("F", (4, 4)), "TIFF"), "tone-map"),
        "ppm 16-bit": (b"P6 2 1 65535\n" + bytes(12), "8 bits"),
        "jpeg CMYK": (file_of(COLOUR.convert("CMYK"), "JPEG"), "RGB"),
        "tiff Lab": (file_of(Image.new("LAB", (4, 4)), "TIFF"), "RGB"),
        "gif animation": (file_of(frames[0].convert("P"), "GIF", save_all=True, append_images=frames[1:]), "one frame"),
        "webp animation": (file_of(frames[0], "WEBP", **animation), "one frame"),
        "apng": (file_of(frames[0], "PNG", **animation), "one frame"),
        "tiff pages": (file_of(frames[0], "TIFF", **animation), "one frame"),
        "text": (b"hello, this is no image at all", "not an image"),
        "nothing": (b"", "the file is empty"),
        "cut png": (file_of(COLOUR, "PNG")[:500], "cannot read"),
        "cut jpeg": (file_of(COLOUR, "JPEG")[:600], "cannot read"),
    }


@pytest.mark.parametrize("name", cases_of_refusal())
def test_what_cannot_be_coded_is_refused_in_one_line_that_says_what_to_do(name: str) -> None:
    data, hint = cases_of_refusal()[name]
    with pytest.raises(UnsupportedImage, match=hint) as caught:
        images.read(data)
    assert "\n" not in str(caught.value)


def test_a_phones_multi_picture_jpeg_is_its_first_picture() -> None:
    data = file_of(COLOUR, "MPO", save_all=True, append_images=[COLOUR.resize((9, 9))])
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO" and getattr(image, "n_frames", 1) == 2
    assert images.read(data).pixels.shape == (24, 36, 3)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds nothing."""
    data = bytearray(png(8, 0, 1))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def test_bombs_are_refused_before_anything_is_allocated() -> None:
    for size in ((2**14 + 1, 2**14), (40000, 40000), (2**20, 1)):
        with pytest.raises(UnsupportedImage, match="pixels"):
            images.read(bomb(*size))


def test_large_photographs_are_no_bombs_and_pillows_limit_is_put_back() -> None:
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(UnsupportedImage, match="cannot read the image"):  # 200 megapixels: opened, then found empty
        images.read(bomb(20000, 10000))
    assert before == Image.MAX_IMAGE_PIXELS


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedImage, match=r"^no such file$"):
        images.read(tmp_path / "no.png")


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 2), np.float32), "float32"),
        (np.zeros((2, 2, 5), np.uint8), "shape"),
        (np.zeros((0, 2), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.broadcast_to(np.uint8(0), (1, 2**20)), "too many"),
        (np.broadcast_to(np.uint8(0), (2**15, 2**14)), "too many"),
    ],
)
def test_arrays_that_are_no_images(array: Any, reason: str) -> None:
    with pytest.raises(UnsupportedImage, match=reason):
        images.from_array(array)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "BMP", "PPM"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_formats_keep_the_decoded_pixels(format: str, channels: int) -> None:
    picture = images.from_array(photograph(21, 13)[:, :, :channels])
    data, _ = writing.write(picture, format)
    with Image.open(io.BytesIO(data)) as image:
        assert (np.asarray(image.convert(picture.mode)) == picture.pixels).all()


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_written_where_it_can_be(format: str, channels: int) -> None:
    mask = np.random.default_rng(0).integers(1, 256, (21, 13)).astype(np.uint8)
    pixels = np.dstack([photograph(21, 13)[:, :, : channels - 1], mask])
    data, _ = writing.write(images.from_array(pixels), format)
    with Image.open(io.BytesIO(data)) as image:
        assert (np.asarray(image.convert("RGBA"))[:, :, 3] == mask).all()


@pytest.mark.parametrize("format", ["JPEG", "PPM", "BMP"])
def test_alpha_is_never_dropped_silently(format: str) -> None:
    with pytest.raises(OutputFailed, match="cannot hold the alpha channel"):
        writing.write(images.from_array(np.zeros((4, 4, 4), np.uint8)), format)


def test_what_a_format_cannot_take_is_one_line() -> None:
    with pytest.raises(OutputFailed, match="WebP cannot hold more than 16383 x 16383 pixels; the image has 17000 x 1"):
        writing.write(images.from_array(np.zeros((1, 17000, 3), np.uint8)), "WEBP")


@pytest.mark.parametrize(
    ("name", "format"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.webp", "WEBP"), ("a.tif", "TIFF")]
)
def test_the_suffix_names_the_format(name: str, format: str) -> None:
    assert formats.format_of(Path(name)) == format


@pytest.mark.parametrize("name", ["a.foo", "a", "a.dvq", "a.psd"])
def test_unknown_suffixes_are_refused(name: str) -> None:
    with pytest.raises(OutputFailed, match="suffix"):
        formats.format_of(Path(name))


def test_no_warning_escapes() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        images.read(file_of(COLOUR.convert("P"), "PNG", transparency=b"\0\1\2"))


@pytest.mark.parametrize("lossless", [False, True])
def test_what_pillow_raises_for_broken_files_is_an_error_of_ours(lossless: bool) -> None:
    """A GIF that ends after its first frame makes Pillow raise IndexError when it is asked for further ones."""
    frames = [Image.new("P", (9, 8), shade) for shade in range(3)]
    for frame in frames:
        frame.putpalette(bytes(range(256)) * 3)
    whole = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    causes = set()
    for end in range(len(whole)):
        try:
            with Image.open(io.BytesIO(whole[:end])) as cut:
                images.from_image(cut, keep_mode=lossless)
        except (UnidentifiedImageError, UnsupportedImage) as error:
            causes.add(type(error.__cause__))
    assert IndexError in causes


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "YCbCr", "RGBA"])
@pytest.mark.parametrize("key", [b"\\xff\\0", 300, (1, 2, 3), (1, 2), 2**20, "red", -1, None, [1]])
def test_a_transparent_colour_that_cannot_be_is_none(mode: str, key: object) -> None:
    image = Image.new("RGB", (5, 4), (1, 2, 3)).convert(mode)
    plain = images.to_array(images.from_image(image))
    image.info["transparency"] = key
    picture = images.from_image(image)
    if transparency.key_of(image) is None:
        assert picture.alpha is None or mode == "RGBA"
        assert (images.to_array(picture) == plain).all()
    assert image.info["transparency"] == key, "the image is not changed"


@pytest.mark.parametrize("mode", MODES)
def test_arrays_are_the_callers_own(mode: str) -> None:
    array = images.to_array(images.from_image(Image.new("RGBA", (5, 4), (1, 2, 3, 4)).convert(mode), keep_mode=True))
    array[:] = 0
    assert array.flags.writeable and array.flags.c_contiguous


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
@pytest.mark.parametrize("behind", [False, True])
def test_what_pillow_does_not_unpack_is_said_in_plain_words(kind: bytes, behind: bool) -> None:
    bomb = (kind, b"name\0\0" + zlib.compress(bytes(2**21)))
    data = png_of_pixels(np.zeros((2, 2), np.uint8), bomb)
    if behind:
        end = png_of_pixels(np.zeros((2, 2), np.uint8))
        at = data.index(kind) - 4
        size = len(data) - len(end)
        data = data[:at] + data[at + size : -12] + data[at : at + size] + data[-12:]
    with pytest.raises(UnsupportedImage, match=r"larger than Pillow unpacks \(remove them first\)"):
        images.read(data)


def test_postscript_is_not_run() -> None:
    for data in (file_of(COLOUR, "EPS"), b"\xc5\xd0\xd3\xc6" + bytes(30)):
        with pytest.raises(UnsupportedImage, match="not run here"):
            images.read(data)


def test_of_an_icon_the_largest_size_is_taken_with_a_notice() -> None:
    small, both = (file_of(COLOUR, "ICO", sizes=sizes) for sizes in ([(24, 24)], [(16, 16), (24, 24)]))
    assert images.read(small).notices == ()
    picture = images.read(both)
    assert picture.notices == ("only the largest of 2 sizes",) and picture.pixels.shape[1] == 24


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "2.2", None, -1.0, (1.0,)])
def test_colours_that_are_no_numbers_count_as_none(value: Any) -> None:
    image = COLOUR.copy()
    image.info |= {"gamma": value, "chromaticity": (value,) * 8}
    assert images.from_image(image).metadata.icc == b""
