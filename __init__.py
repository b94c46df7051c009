"""dvcodec: an image codec built on hierarchical discrete variational autoencoders.

    import dvcodec
    data = dvcodec.compress(image, quality=50)      # a Pillow image to the bytes of a .dvq file
    image = dvcodec.decompress(data)                # and back
    dvcodec.register()                              # or: Image.open("x.dvq"), image.save("x.dvq", quality=50)

Importing this imports neither torch nor Pillow; the functions do when they are called.
"""

from typing import TYPE_CHECKING

from .codec.errors import DvcodecError as DvcodecError
from .codec.errors import FormatError as FormatError
from .codec.errors import InvalidArgument as InvalidArgument
from .codec.errors import OutputExists as OutputExists
from .codec.errors import OutputFailed as OutputFailed
from .codec.errors import TargetUnreachable as TargetUnreachable
from .codec.errors import TruncatedFile as TruncatedFile
from .codec.errors import UnsupportedImage as UnsupportedImage
from .codec.errors import WeightsNotFound as WeightsNotFound

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from .codec.info import Info

__version__ = "0.1.0"


def compress(
    image: "Image.Image",
    quality: float | None = None,
    *,
    weights: str | None = None,
    device: str = "auto",
    strip: bool = False,
    target_bpp: float | None = None,
    target_size: int | None = None,
    target_psnr: float | None = None,
    lossless: bool = False,
    method: str | None = None,
) -> bytes:
    """Return a Pillow image as the bytes of a .dvq file.

    `quality` is 1 to 100 (50 if nothing else is asked for); instead of it, one of `target_bpp` (file bits per pixel,
    at most), `target_size` (bytes, at most) and `target_psnr` (dB, at least) may be given. `weights` is a name or a
    path, `device` "auto", "cpu" or "cuda"; `strip` drops EXIF, ICC and XMP.

    `lossless=True`, which excludes all of these aims, keeps every pixel and the mode: 1, L, LA, RGB, RGBA, P or PA.
    `method` is then "stored", "webp", "model" or "bilevel", or None for the smallest file.
    """
    from .codec import files, images

    aims = (quality, target_bpp, target_size, target_psnr)
    settings = files.Settings(*aims, weights, device, strip, lossless, method)
    return files.compress_picture(images.from_image(image, exact=lossless), settings)[0]


def decompress(data: bytes, *, preview: int | str | None = None, device: str = "auto") -> "Image.Image":
    """Return the Pillow image of a .dvq file's bytes, its metadata in `info` as Pillow's own readers leave it.

    `preview=N` decodes only the first N chunks, `preview="all"` every whole one of a file that is cut or damaged.
    """
    from .codec import files, images

    return images.to_image(files.decompress_picture(bytes(data), preview=preview, device=device).picture)


def compress_array(
    array: "NDArray[np.uint8]",
    quality: float | None = None,
    *,
    weights: str | None = None,
    device: str = "auto",
    target_bpp: float | None = None,
    target_size: int | None = None,
    target_psnr: float | None = None,
    lossless: bool = False,
    method: str | None = None,
) -> bytes:
    """Return pixels as the bytes of a .dvq file: (H, W) grey, (H, W, 2) with alpha, (H, W, 3) RGB or (H, W, 4) RGBA."""
    from .codec import files, images

    aims = (quality, target_bpp, target_size, target_psnr)
    settings = files.Settings(*aims, weights, device, lossless=lossless, method=method)
    return files.compress_picture(images.from_array(array), settings)[0]


def decompress_array(data: bytes, *, preview: int | str | None = None, device: str = "auto") -> "NDArray[np.uint8]":
    """Return the pixels of a .dvq file's bytes, in the shape that compress_array takes; indices become colours."""
    from .codec import files, images

    return images.to_array(files.decompress_picture(bytes(data), preview=preview, device=device).picture)


def info(data: bytes) -> "Info":
    """Return what the header of a .dvq file's bytes tells, without decoding and without torch."""
    from .codec.info import describe

    return describe(bytes(data))


def register() -> None:
    """Register the Pillow plug-in: afterwards Image.open("x.dvq") and image.save("x.dvq", quality=50) work."""
    from .codec import pillow_plugin

    pillow_plugin.register()
