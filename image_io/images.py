"""Convert image files, Pillow images and arrays to pictures and back; refuse those that cannot be coded."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import DvcodecError, InvalidArgument, UnsupportedImage
from . import acceptance, conversion, deep_samples, exif, metadata, metadata_input, tiff_planes, transparency
from .acceptance import Source
from .bounds import DEFAULT, Bounds
from .limits import MAX_AREA, MAX_SIDE, MODES
from .metadata import NO_METADATA, Metadata
from .opening import opened
from .view_stream import stream_of


@dataclass(frozen=True)
class Palette:
    """The colours of palette indices, and what is transparent, as Pillow keeps them."""

    mode: str
    """RGB or RGBA; empty if there are no indices, but only a transparent colour."""
    colours: bytes = b""
    """The entries, 3 or 4 bytes each, at most 256."""
    transparent: int | tuple[int, ...] | bytes | None = None
    """An index, a grey level, three colour values, or alpha by index."""


@dataclass(frozen=True)
class Picture:
    """An image as the codec sees it. `palette` and `bilevel` are set for lossless coding only."""

    pixels: NDArray[Any]
    """(H, W) grey values or palette indices, or (H, W, 3) RGB: of type uint8, or uint16 where samples are deep."""
    alpha: NDArray[Any] | None = None
    """(H, W) opacity, or None."""
    metadata: Metadata = NO_METADATA
    palette: Palette | None = None
    bilevel: bool = False
    """Whether the mode is 1; the pixels are then 0 and 255."""
    notices: tuple[str, ...] = ()
    """What a user should know of how it was read, each a line: what was converted or left out."""
    left_out: tuple[str, ...] = ()
    """Names of what the source holds beside these and a .dvq file cannot, such as "IPTC"."""
    white: int = 255
    """The largest value that a sample may have: 255, or more, to 65535, where samples are deep, for lossless coding."""

    @property
    def deep(self) -> bool:
        """Whether samples have more than 8 bits."""
        return self.pixels.dtype == np.uint16

    @property
    def mode(self) -> str:
        """Pillow's name of the mode: L, LA, RGB or RGBA, and 1, P or PA for lossless coding."""
        if self.bilevel:
            return "1"
        indexed = self.palette is not None and self.palette.mode
        return ("P" if indexed else "L" if self.pixels.ndim == 2 else "RGB") + ("" if self.alpha is None else "A")


def read(
    source: bytes | memoryview | Path, *, keep_mode: bool = False, convert: bool = False, bounds: Bounds = DEFAULT
) -> Picture:
    """Read an image file in any format that Pillow opens.

    Args:
        source: The path of the file, or its bytes.
        keep_mode: Whether to keep the mode and the palette, for lossless coding.
        convert: Whether to convert what 8 bits of grey or RGB cannot hold; the picture's notices say so.
        bounds: How large the image may be.

    Raises:
        LimitExceeded: If the image is larger than the bounds allow.
        UnsupportedImage: If the image cannot be read or coded.
    """
    try:
        with source.open("rb") if isinstance(source, Path) else stream_of(source) as file:
            if not exif.file_is_bounded(file):
                raise UnsupportedImage("the tags of the TIFF file claim many times more bytes than it has")
            with opened(file) as image:
                return from_image(image, keep_mode=keep_mode, convert=convert, bounds=bounds)
    except (DvcodecError, MemoryError):
        raise
    except UnidentifiedImageError:
        empty = not (source.stat().st_size if isinstance(source, Path) else len(source))
        raise UnsupportedImage("the file is empty" if empty else "not an image that Pillow can read") from None
    except FileNotFoundError:
        raise UnsupportedImage("no such file") from None
    except Image.DecompressionBombError:  # some readers have checks of their own
        raise UnsupportedImage("more pixels than `Image.MAX_IMAGE_PIXELS` of Pillow allows", "raise it") from None
    except Exception as error:  # Pillow's readers raise many kinds on broken files
        raise _unreadable(error) from error


def from_image(
    image: Image.Image, *, keep_mode: bool = False, convert: bool = False, bounds: Bounds = DEFAULT
) -> Picture:
    """Return the pixels and the metadata of a Pillow image. The image is loaded, but not changed.

    Args:
        image: The image.
        keep_mode: Whether to keep the mode and the palette, for lossless coding.
        convert: Whether to convert what 8 bits of grey or RGB cannot hold; the picture's notices say so.
        bounds: How large the image may be.

    Raises:
        LimitExceeded: If the image is larger than the bounds allow.
        InvalidArgument: If this is not a Pillow image.
        UnsupportedImage: If the image cannot be read or coded.
    """
    if not isinstance(image, Image.Image):
        raise InvalidArgument(f"{type(image).__name__} is not a Pillow image", "open it with PIL.Image.open")
    try:
        tiff_planes.mend(image)
        source = acceptance.check(image, convert=convert, deep=keep_mode and not convert)
        bounds.check_pixels(image.height, image.width)
        if not source.depth.fits and (not convert or tiff_planes.are_read(image)):
            deep = _deep(image, source)
            return replace(deep_samples.in_8_bits(deep), notices=source.notices) if convert else deep
        image.load()
        shown = transparency.without_impossible_key(conversion.prepared(image, source))
        kept, left_out = metadata_input.read(image)
        kept = _with_profile(kept, image, shown, source)
        picture = _loaded(shown, keep_mode=keep_mode)
    except (DvcodecError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise many kinds on broken files
        raise _unreadable(error) from error
    return replace(picture, metadata=kept, left_out=left_out, notices=source.notices)


def _deep(image: Image.Image, source: Source) -> Picture:
    """Return the picture of an image whose samples are deep."""
    samples, white = deep_samples.read(image, source.depth)
    image.load()
    kept, left_out = metadata_input.read(image)
    key = deep_samples.key_of(image, samples)
    palette = None if key is None else Palette("", b"", key)
    kept = _with_profile(kept, image, image, source)
    plain = replace(from_array(samples, kept), white=white, palette=palette)
    return replace(plain, left_out=left_out, notices=source.notices)


def _with_profile(kept: Metadata, image: Image.Image, shown: Image.Image, source: Source) -> Metadata:
    """Return the metadata of an image, with the profile of the image that is made from it."""
    if source.colour is not None:
        return replace(kept, icc=source.colour.profile())
    return kept if shown is image else replace(kept, icc=metadata_input.part(shown.info.get("icc_profile")) or b"")


def _loaded(image: Image.Image, *, keep_mode: bool) -> Picture:
    """Return the picture of a loaded image, without metadata."""
    if keep_mode:
        return _as_it_is(image)
    mode = coded_mode(image)
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return from_array(pixels)


def from_array(array: NDArray[Any], kept: Metadata = NO_METADATA) -> Picture:
    """Return a picture of an array.

    Args:
        array: (H, W) grey, (H, W, 2) grey with alpha, (H, W, 3) RGB or (H, W, 4) RGBA, of type uint8, or
            uint16 for lossless coding, where 65535 is white.
        kept: Its metadata.

    Raises:
        UnsupportedImage: If the array has another type or shape, or is too large.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise UnsupportedImage("what a masked array hides has no pixels", "fill it first")
    if array.dtype not in (np.uint8, np.uint16):
        raise UnsupportedImage(f"pixels of type {array.dtype} are not supported", "scale them to uint8 or uint16 first")
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4) or not array.size:
        raise UnsupportedImage(
            f"an array of shape {array.shape} is not an image", "its shape must be (H, W) or (H, W, 1 to 4)"
        )
    height, width = array.shape[:2]
    if max(height, width) > MAX_SIDE or height * width > MAX_AREA:
        raise UnsupportedImage(f"{width} x {height} pixels are too many", "cut it into parts first")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    white = int(np.iinfo(array.dtype).max)
    if array.ndim == 2 or array.shape[2] == 3:
        return Picture(np.ascontiguousarray(array), None, kept, white=white)
    colour = array[:, :, 0] if array.shape[2] <= 2 else array[:, :, :3]
    alpha = None if array.shape[2] == 1 else np.ascontiguousarray(array[:, :, -1])
    return Picture(np.ascontiguousarray(colour), alpha, kept, white=white)


def _as_it_is(image: Image.Image) -> Picture:
    """Return the picture of a loaded image in its own mode."""
    if image.mode not in MODES:
        raise UnsupportedImage(f"mode {image.mode} cannot be coded without loss", "convert it to RGB or RGBA first")
    plain = from_array(np.asarray(image, np.uint8) * np.uint8(255 if image.mode == "1" else 1))
    return replace(plain, palette=_palette(image), bilevel=image.mode == "1")


def _palette(image: Image.Image) -> Palette | None:
    """Return the palette and the transparent colour of an image."""
    key = transparency.key_of(image)
    if image.mode in ("P", "PA"):
        mode = image.palette.mode if image.palette is not None else "RGB"
        mode = mode if mode in ("RGB", "RGBA") else "RGB"
        return Palette(mode, bytes(image.getpalette(mode) or ()), key)
    return None if key is None else Palette("", b"", key)


def to_array(picture: Picture) -> NDArray[Any]:
    """Return the pixels as an array of its own, which may be written to and which `from_array` takes.

    Alpha is the last channel. Indices become colours, and a transparent colour becomes alpha.
    """
    picture = deep_samples.without_key(picture) if picture.deep else picture
    if picture.palette is not None:
        image = to_image(picture)
        return np.array(image.convert(coded_mode(image)))
    if picture.alpha is not None:
        return np.dstack([picture.pixels, picture.alpha])
    return np.require(picture.pixels, requirements=["C", "W"])


def coded_mode(image: Image.Image) -> str:
    """Return which of L, LA, RGB and RGBA stands for the image's mode."""
    grey = image.mode in ("1", "L", "LA", "La")
    return ("L" if grey else "RGB") + ("A" if image.has_transparency_data else "")


def to_image(picture: Picture) -> Image.Image:
    """Return a Pillow image with the metadata in its `info`.

    Raises:
        UnsupportedImage: If Pillow has no mode for the samples: it has one for deep grey, in 16 bits, and none for deep
            colours or alpha.
    """
    image = deep_samples.to_image(picture) if picture.deep else _plain_image(picture)
    if picture.palette is not None:
        if picture.palette.mode:
            image.putpalette(picture.palette.colours, picture.palette.mode)
        if picture.palette.transparent is not None:
            key = picture.palette.transparent
            image.info["transparency"] = deep_samples.scaled_key(key, picture.white) if picture.deep else key
    metadata.attach(picture.metadata, image)
    return image


def _plain_image(picture: Picture) -> Image.Image:
    """Return the samples as an image of the picture's mode, without palette and metadata."""
    height, width = picture.pixels.shape[:2]
    if picture.bilevel:
        rows = np.packbits(picture.pixels != 0, axis=1)
        return Image.frombytes("1", (width, height), rows.tobytes())
    samples = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    if picture.mode in ("P", "PA"):
        return Image.frombytes(picture.mode, (width, height), samples.tobytes())
    return Image.fromarray(samples)


def _unreadable(error: Exception) -> UnsupportedImage:
    """Return what a user reads for an error of Pillow's readers."""
    if "MAX_TEXT_" in str(error):  # the names of limits of its own
        return UnsupportedImage("texts or a profile are larger than Pillow unpacks", "remove them first")
    return UnsupportedImage(f"cannot read the image: {one_line(error)}")


def one_line(error: Exception) -> str:
    """Return the message of another library's error in one line."""
    return " ".join(str(error).split()) or type(error).__name__
