"""Which images are coded, by what is known before they are loaded; the others are refused, or converted on demand."""

from dataclasses import dataclass

from PIL import Image

from ..errors import UnsupportedImage
from . import colour, deep_samples, inks, jxl_header, png_chunks, tiff_planes
from .colour import ColourSpace
from .depth import Depth, depth_of
from .limits import MAX_AREA, MAX_SIDE

# Formats whose further frames are not an animation: a camera's previews, gain maps and second eyes; a drawing's layers.
_FIRST_FRAME_IS_THE_IMAGE = frozenset({"MPO", "PSD"})


@dataclass(frozen=True)
class Source:
    """What an image says before it is loaded, and does not keep."""

    depth: Depth
    colour: ColourSpace | None
    """What it says of its colours outside an ICC profile."""
    grey_bits: int
    """The bits of a grey sample in its file, by which a transparent level is meant."""
    notices: tuple[str, ...] = ()
    """What is converted or left out, each a line."""


def check(image: Image.Image, *, convert: bool = False, deep: bool = False) -> Source:
    """Look at an image before it is decoded.

    Args:
        image: The image, not loaded if it comes from a file.
        convert: Whether to accept what 8 bits of grey or RGB cannot hold, if it can be converted.
        deep: Whether to accept deep samples where they can be read exactly.

    Raises:
        UnsupportedImage: For images that would lose something visible or meant.
    """
    if 0 in image.size:
        raise UnsupportedImage("the image has no pixels")
    if max(image.size) > MAX_SIDE or image.width * image.height > MAX_AREA:
        raise UnsupportedImage(f"{image.width} x {image.height} pixels are too many", "cut it into parts first")
    depth = depth_of(image)
    _refuse_numbers(image, depth)
    losses = [*_frames(image), *_inks(image), *([] if depth.fits else _depth(image, depth, deep))]
    for reason, hint, _ in losses:
        if not convert:
            raise UnsupportedImage(reason, hint)
    meant = colour.read(image)
    lost = meant is not None and not meant.profile()
    notices = [notice for *_, notice in losses] + (
        ["without its colour space, which no profile expresses"] if lost else []
    )
    notices += [f"only the largest of {len(sizes)} sizes"] if len(sizes := _sizes(image)) > 1 else []
    return Source(depth, None if lost else meant, png_chunks.grey_bits(image), tuple(notices))


_Loss = tuple[str, str, str]
"""The reason of a refusal, what the user can do, and the notice of a conversion."""


def _refuse_numbers(image: Image.Image, depth: Depth) -> None:
    """Refuse samples that are not levels between black and white: what they show is for the user to say."""
    if depth.floating:
        hint = "tone-map it to 8-bit RGB or grey first"
        raise UnsupportedImage(f"floating-point samples (mode {image.mode}) are not supported", hint)
    if depth.signed and not depth.fits:
        hint = "scale it to 8 bits first"
        raise UnsupportedImage(f"signed samples of {depth.bits} bits (mode {image.mode}) are not supported", hint)


def _frames(image: Image.Image) -> list[_Loss]:
    animated = getattr(image, "is_animated", False) or _is_animated_jxl(image)
    if not animated or image.format in _FIRST_FRAME_IS_THE_IMAGE:
        return []
    frames = "all" if image.format == "JXL" else getattr(image, "n_frames", 2)
    reason = "the file is an animation or has several pages" + (f" ({frames} frames)" if frames != "all" else "")
    return [
        (reason, "save one frame as PNG first, or take the first with `convert`", f"only the first of {frames} frames")
    ]


def _sizes(image: Image.Image) -> set[object]:
    """Return the sizes in which an icon file has its image, which is opened in the largest."""
    sizes = image.info.get("sizes", ()) if image.format in ("ICO", "ICNS") else ()
    return set(sizes) if isinstance(sizes, list | tuple | set | frozenset) else set()


def _is_animated_jxl(image: Image.Image) -> bool:
    """Tell whether a JPEG XL file has frames: its plug-in shows the first one alone."""
    file = getattr(image, "fp", None)
    if image.format != "JXL" or file is None:
        return False
    at = file.tell()
    try:
        return jxl_header.read(file).animated
    finally:
        file.seek(at)


def _inks(image: Image.Image) -> list[_Loss]:
    if image.mode not in inks.NAMES:
        return []
    name = inks.NAMES[image.mode]
    how = "by its profile" if inks.profile_of(image) is not None else "by a formula, without a profile that fits"
    hint = "convert it to RGB first, or by its profile with `convert`"
    return [(f"{name} pixels are not supported", hint, f"converted from {name} to sRGB {how}")]


def _depth(image: Image.Image, depth: Depth, deep: bool) -> list[_Loss]:
    exact = deep_samples.are_read(image, depth)
    if deep and exact:
        return []
    reason = f"samples of {depth.bits} bits (mode {image.mode}) are not supported"
    if not exact and tiff_planes.are_separate(image) and getattr(image, "tile", None):
        raise UnsupportedImage(f"{reason} in planes", "save them by pixels, or reduce them to 8 bits, first")
    notice = f"reduced from {depth.bits} to 8 bits a sample"
    if exact:
        reason = f"samples of {depth.bits} bits (mode {image.mode}) are not supported by lossy files"
        return [(reason, "keep them with `lossless`, or reduce them to 8 bits with `convert`", notice)]
    return [(reason, "reduce them to 8 bits first, or with `convert`", notice)]
