"""Read samples of 9 to 16 bits exactly, where a file's reader gives them, and turn them into other forms.

Pillow has a mode for deep grey and none for deep colours. But its decoders of PNG and TIFF can be asked for either
byte of a sample, by the modes in which they take it from the file: both together are the samples. PPM files are read
here.
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, PpmImagePlugin, TiffImagePlugin

from ..errors import UnsupportedImage
from . import tiff_planes
from .depth import Depth
from .opening import read_header

if TYPE_CHECKING:
    from .images import Picture

Samples = NDArray[np.uint16]
_GREY = ("I;16", "I;16L", "I;16B", "I;16N")
_COLOURS = frozenset(f"{mode};16{order}" for mode in ("RGB", "RGBA") for order in "LBN")
_INVERTED = 0  # of TIFF's tag of what samples mean: 0 is white
_PHOTOMETRIC = 262
MOST = 2**16 - 1


def are_read(image: Image.Image, depth: Depth) -> bool:
    """Tell whether `read` gives the samples of an image exactly.

    Args:
        image: The image, not loaded if it comes from a file.
        depth: What it says of its samples.
    """
    if depth.floating or depth.signed or not 8 < depth.bits <= 16:
        return False
    if isinstance(image, PpmImagePlugin.PpmImageFile) and image.tile:
        return True
    if isinstance(image, PngImagePlugin.PngImageFile) and image.tile:
        return _raw_mode(image) in (*_GREY, *_COLOURS, "LA;16B")
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tile:
        if tiff_planes.are_separate(image) and image.mode not in _GREY:
            return tiff_planes.are_read(image)
        same = len({tile[3][0] if isinstance(tile[3], tuple) else tile[3] for tile in image.tile}) == 1
        colours = _raw_mode(image) in _COLOURS and depth.bits == 16
        return same and (colours or image.mode in _GREY)
    return image.mode in _GREY and image.format in (None, "JPEG2000", "PNG", "TIFF", "DVQ")


def read(image: Image.Image, depth: Depth) -> tuple[Samples, int]:
    """Return the samples of an image that `are_read`, (H, W) or (H, W, channels), and the largest that they may be.

    Args:
        image: The image; it is loaded, or left as it was with its file.
        depth: What it says of its samples.

    Raises:
        UnsupportedImage: If the samples are brighter than white.
        OSError and others: If the file is broken.
    """
    file, white = getattr(image, "fp", None), 2**depth.bits - 1
    if isinstance(image, PpmImagePlugin.PpmImageFile) and file is not None:
        samples, white = _of_ppm(image, file)
    elif file is not None and tiff_planes.are_read(image):
        samples = tiff_planes.read(image, file)
    elif _raw_mode(image) in _COLOURS or _raw_mode(image) == "LA;16B":
        assert file is not None
        at = file.tell()
        try:
            samples = _of_bytes(image, file)
        finally:
            file.seek(at)
    else:
        samples = _of_grey(image, depth)
    if samples.max(initial=0) > white:
        raise UnsupportedImage(f"samples of {depth.bits} bits are brighter than white")
    return samples, white


def _raw_mode(image: Image.Image) -> str:
    """Return the mode in which a decoder takes the samples from a file that is not loaded yet."""
    for tile in getattr(image, "tile", ()):
        return str(tile[3][0] if isinstance(tile[3], tuple) else tile[3])
    return ""


def _of_grey(image: Image.Image, depth: Depth) -> Samples:
    """Return the levels of an image in one of Pillow's modes of deep grey."""
    image.load()
    levels = np.asarray(image).astype(np.uint16)
    spare = 16 - depth.bits
    if image.format == "JPEG2000" and spare:  # which its reader fills with zeros
        if (levels & ((1 << spare) - 1)).any():
            raise UnsupportedImage(
                f"samples of {depth.bits} bits cannot be read exactly", "reduce them to 8 bits first"
            )
        levels >>= spare
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PHOTOMETRIC) == _INVERTED:
        levels = (2**depth.bits - 1 - levels.astype(np.int64)).astype(np.uint16)
    return levels


def _of_bytes(image: Image.Image, file: BinaryIO) -> Samples:
    """Return the samples of a PNG or TIFF file of colours or alpha, by decoding it once for each byte."""
    raw = _raw_mode(image)
    if raw == "LA;16B":  # the four bytes of a pixel
        pixels = _decoded(image, file, "RGBA", "RGBA").astype(np.uint16)
        return (pixels[:, :, ::2] * np.uint16(256) + pixels[:, :, 1::2]).astype(np.uint16)
    mode, order = raw.split(";16")
    other = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}[order]
    high, low = (_decoded(image, file, mode, f"{mode};16{each}") for each in (order, other))
    return (high.astype(np.uint16) * np.uint16(256) + low).astype(np.uint16)


def _decoded(image: Image.Image, file: BinaryIO, mode: str, raw: str) -> NDArray[np.uint8]:
    """Return what the decoder of a file makes of it when it takes the samples in another mode."""
    reader: Any = type(image)
    again: Any = read_header(reader, file)
    again._mode = mode
    again.tile = [tile._replace(args=_with_mode(tile.args, raw)) for tile in again.tile]
    again.load()
    return np.asarray(again)


def _with_mode(arguments: Any, raw: str) -> Any:
    return (raw, *arguments[1:]) if isinstance(arguments, tuple) else raw


def _of_ppm(image: ImageFile.ImageFile, file: BinaryIO) -> tuple[Samples, int]:
    """Return the samples of a PGM or PPM file, and its largest value."""
    decoder, _, offset, arguments = image.tile[0]
    white = arguments[-1] if isinstance(arguments, tuple) and decoder != "raw" else MOST
    channels = 3 if image.mode == "RGB" else 1
    count = image.width * image.height * channels
    at = file.tell()
    try:
        file.seek(offset)
        found = _plain(file, count) if decoder == "ppm_plain" else np.frombuffer(file.read(2 * count), ">u2")
    finally:
        file.seek(at)
    if len(found) < count or found.max(initial=0) > white:
        raise UnsupportedImage("cannot read the image: its samples are cut short or brighter than white")
    shape = (image.height, image.width, channels) if channels > 1 else (image.height, image.width)
    return found[:count].astype(np.uint16).reshape(shape), int(white)


def _plain(file: BinaryIO, count: int) -> NDArray[np.int64]:
    """Return numbers that are written in decimal digits."""
    words = re.sub(rb"#[^\r\n]*", b" ", file.read()).split()[:count]
    if any(len(word) > 5 or not word.isdigit() for word in words):
        raise UnsupportedImage("cannot read the image: a sample is no number up to 65535")
    return np.array([int(word) for word in words], np.int64)


def key_of(image: Image.Image, samples: Samples) -> int | tuple[int, ...] | None:
    """Return the transparent level or colour of a deep image, or None."""
    key = image.info.get("transparency")
    values = key if isinstance(key, tuple) else (key,)
    fits = samples.ndim == 2 if len(values) == 1 else samples.shape[2:] == (len(values),) == (3,)
    return key if fits and all(isinstance(value, int) and 0 <= value <= MOST for value in values) else None


def without_key(picture: Picture) -> Picture:
    """Return a deep picture whose transparent level or colour has become an alpha channel."""
    if picture.palette is None:
        return picture
    same = picture.pixels == np.array(picture.palette.transparent)
    clear = same if same.ndim == 2 else same.all(axis=2)
    return replace(picture, alpha=np.where(clear, 0, picture.white).astype(np.uint16), palette=None)


def in_16_bits(values: NDArray[Any], white: int) -> Samples:
    """Return samples scaled so that white becomes 65535; the nearest level below it gives the samples back."""
    return ((values.astype(np.int64) * MOST + white // 2) // white).astype(np.uint16)


def scaled_key(key: Any, white: int) -> int | tuple[int, ...]:
    """Return a transparent level or colour for samples `in_16_bits`."""
    values = [int(value) for value in in_16_bits(np.array(key).reshape(-1), white)]
    return tuple(values) if isinstance(key, tuple) else values[0]


def for_lossy(picture: Picture, *, convert: bool) -> Picture:
    """Return a picture in 8 bits, a deep one rounded; raise UnsupportedImage if that was not asked for."""
    if picture.deep and not convert:
        hint = "keep them with `lossless`, or reduce them to 8 bits with `convert`"
        raise UnsupportedImage(f"samples of {picture.white.bit_length()} bits are not supported by lossy files", hint)
    return in_8_bits(picture) if picture.deep else picture


def in_8_bits(picture: Picture) -> Picture:
    """Return a deep picture rounded to 8 bits, with a notice."""
    plain = without_key(picture)
    pixels, alpha = (
        None if one is None else ((one.astype(np.int64) * 255 + plain.white // 2) // plain.white).astype(np.uint8)
        for one in (plain.pixels, plain.alpha)
    )
    assert pixels is not None
    notice = f"reduced from {picture.white.bit_length()} to 8 bits a sample"
    return replace(plain, pixels=pixels, alpha=alpha, white=255, notices=(*plain.notices, notice))


def pillow_mode(mode: str, white: int) -> str:
    """Return Pillow's mode for deep samples; raise UnsupportedImage for colours and alpha, for which it has none."""
    if mode != "L":
        bits = white.bit_length()
        raise UnsupportedImage(f"Pillow has no mode for {mode} of {bits} bits a sample", "use `decompress_array`")
    return "I;16"


def to_image(picture: Picture) -> Image.Image:
    """Return a Pillow image of deep grey, without metadata; as Pillow's readers do, white becomes 65535.

    Raises:
        UnsupportedImage: If there are colours or alpha, for which Pillow has no mode.
    """
    pillow_mode(picture.mode, picture.white)
    return Image.fromarray(in_16_bits(picture.pixels, picture.white))
