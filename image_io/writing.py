"""Write pictures as image files. What a format cannot hold of the pixels is refused; metadata are named."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from ..errors import OutputFailed
from . import colour, deep_writing, orientation
from .formats import FORMATS, Format
from .images import Picture, coded_mode, one_line, to_image
from .metadata import NO_METADATA
from .metadata_output import save_arguments
from .opening import warnings_ignored


def write(picture: Picture, format: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the bytes of an image file.

    All formats but JPEG and AVIF keep the pixels exactly; these are written at quality 95, 4:4:4. Deep samples are
    written to those formats alone that hold them. Where the format
    cannot hold the orientation, the pixels are turned.

    Args:
        picture: The picture.
        format: A name in `formats.FORMATS`.

    Returns:
        The bytes, and the names of the metadata that the format cannot hold (`metadata_output.save_arguments`).

    Raises:
        OutputFailed: If the format cannot hold the pixels.
    """
    spec = FORMATS[format]
    picture, lost = _with_fitting_profile(picture, spec)
    arguments, dropped = save_arguments(picture.metadata, spec)
    if orientation.of(picture.metadata) != 1 and (not spec.turns or orientation.holder(picture.metadata) in dropped):
        picture = orientation.turned(picture)
        arguments, dropped = save_arguments(picture.metadata, spec)
    height, width = picture.pixels.shape[:2]
    _refuse_size(width, height, spec)
    if picture.deep:
        return deep_writing.write(picture, spec, arguments), (*lost, *dropped)
    image, concealed = _in_a_mode_of(to_image(replace(picture, metadata=NO_METADATA)), spec)
    options = {**spec.options, **({"sizes": [image.size]} if format == "ICO" else {}), **arguments}
    return _saved(image, spec, options), (*lost, *dropped, *concealed)


def _with_fitting_profile(picture: Picture, format: Format) -> tuple[Picture, tuple[str, ...]]:
    """Return the picture with a profile for RGB where its grey pixels will be written so, and what has none."""
    kept = picture.metadata
    if picture.mode not in ("1", "L", "LA") or not (kept.icc and format.icc) or "L" in format.modes:
        return picture, ()
    profile = colour.of_channels(kept.icc, grey=False)
    return replace(picture, metadata=replace(kept, icc=profile)), () if profile else ("ICC",)


def _refuse_size(width: int, height: int, format: Format) -> None:
    """Refuse a size that the format cannot hold, or for which Pillow would write another."""
    if max(width, height) > format.side:
        reason = f"{format.label} cannot hold more than {format.side} x {format.side} pixels"
    elif format.sizes and (width != height or width not in format.sizes):
        reason = f"{format.label} holds {' or '.join(f'{side} x {side}' for side in format.sizes)} pixels only"
    else:
        return
    raise OutputFailed(f"{reason}; the image has {width} x {height}", "use .png")


def _saved(image: Image.Image, format: Format, options: dict[str, Any]) -> bytes:
    """Return the file that Pillow writes."""
    try:
        with warnings_ignored():
            return _save(image, format.name, options)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's writers raise many kinds
        if not options.get("optimize"):
            raise OutputFailed(f"cannot write {format.label}: {one_line(error)}", "use .png") from error
    # Pillow guesses how long the optimised file may be, and noise is longer; without it, no guess is needed.
    return _saved(image, format, {**options, "optimize": False})


def _save(image: Image.Image, format: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _in_a_mode_of(image: Image.Image, format: Format) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the image in a mode that the format holds, its own or one with the same colours, and what is left out."""
    keyed = image.has_transparency_data and image.mode in ("1", "L", "P", "RGB")
    if image.mode in format.modes and not (keyed and not _holds_key(image, format)):
        return image, ()
    image = _without_opaque_alpha(image.convert(coded_mode(image)))
    if format.indexed and image.mode not in format.modes:
        return _indexed(image, format)
    with_alpha, without = ("LA", "RGBA"), ("L", "RGB")
    suited = [mode for mode in (with_alpha if image.mode in with_alpha else without) if mode in format.modes]
    if not suited and image.mode in with_alpha:
        raise OutputFailed(f"{format.label} cannot hold the alpha channel", "use .png or .webp")
    wanted = image.mode if image.mode in format.modes else (suited or ["RGBA"])[-1]
    return image.convert(wanted), ()


def _holds_key(image: Image.Image, format: Format) -> bool:
    """Tell whether the format keeps the image's transparent colour or table."""
    if image.mode not in format.keys:
        return False
    plain = image.palette is None or image.palette.mode == "RGB"
    return not format.indexed or (plain and isinstance(image.info.get("transparency"), int))


def _without_opaque_alpha(image: Image.Image) -> Image.Image:
    """Return the image without an alpha channel that is 255 everywhere."""
    if image.mode not in ("LA", "RGBA") or image.getchannel("A").getextrema() != (255, 255):
        return image
    return image.convert(image.mode[:-1])


def _indexed(image: Image.Image, format: Format) -> tuple[Image.Image, tuple[str, ...]]:
    """Return indices into a palette of exactly the image's colours; refuse more of them than the format holds."""
    pixels = np.asarray(image.convert("RGBA"))
    clear = pixels[:, :, 3] == 0
    if ((pixels[:, :, 3] != 255) & ~clear).any():
        raise OutputFailed(
            f"{format.label} cannot hold an alpha channel with partial transparency", "use .png or .webp"
        )
    codes = pixels.view("<u4")[:, :, 0]
    concealed = len(np.unique(codes[clear])) > 1
    codes = np.where(clear, codes[clear][:1] if clear.any() else 0, codes)
    colours, indices = np.unique(codes, return_inverse=True)
    if len(colours) > 256:
        raise OutputFailed(f"{format.label} cannot hold more than 256 colours", "use .png or .webp")
    palette = colours.astype("<u4").view(np.uint8).reshape(-1, 4)
    made = Image.frombytes("P", image.size, indices.astype(np.uint8).tobytes())
    made.putpalette(palette[:, :3].tobytes())
    if clear.any():
        made.info["transparency"] = int(np.flatnonzero(palette[:, 3] == 0)[0])
    return made, ("colours of transparent pixels",) if concealed else ()
