"""dvcodec: an image codec built on hierarchical discrete variational autoencoders.

    import dvcodec
    data = dvcodec.compress(image, quality=50)      # a Pillow image to the bytes of a .dvq file
    image = dvcodec.decompress(data)                # and back
    dvcodec.compress_archive(images, "many.dvq")    # many images without loss in one file
    dvcodec.register()                              # or: Image.open("x.dvq"), image.save("x.dvq", quality=50)

Importing this imports neither torch nor Pillow; the functions do when they are called.
"""

from typing import TYPE_CHECKING

from .errors import DvcodecError as DvcodecError
from .errors import FormatError as FormatError
from .errors import InvalidArgument as InvalidArgument
from .errors import OutputExists as OutputExists
from .errors import OutputFailed as OutputFailed
from .errors import TargetUnreachable as TargetUnreachable
from .errors import TruncatedFile as TruncatedFile
from .errors import UnsupportedImage as UnsupportedImage
from .errors import WeightsNotFound as WeightsNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike
    from typing import Unpack

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from .codec.archives.extraction import Unpacked
    from .codec.archives.info import ArchiveInfo
    from .codec.archives.packing import PackReport
    from .codec.bitstream.info import Info
    from .codec.settings import CompressOptions

__version__ = "0.1.0"


def compress(image: "Image.Image", quality: float | None = None, **options: "Unpack[CompressOptions]") -> bytes:
    """Compress a Pillow image.

    Args:
        image: An image of a mode with at most 8 bits a channel.
        quality: 1 to 100; 50 if nothing else is asked for.
        **options: The settings of `codec.settings.CompressSettings` by name. Instead of a quality, one of `target_bpp`
            (file bits per pixel, at most), `target_size` (bytes, at most), `target_psnr` (dB, at least) and
            `lossless=True`, which keeps every pixel and the mode (1, L, LA, RGB, RGBA, P or PA).
            Lossless files take `method`: "stored", "webp", "model" or "bilevel", or None for the smallest file.
            Lossy files take `effort`, 1 to 9 (default 4): more passes are slower but give better quality at about the
            same size; and `tune`, "psnr" (default) or "perceptual": errors then count more where they are visible.
            `weights` is a name or a path, `device` "auto", "cpu" or "cuda"; `strip` drops EXIF, ICC and XMP.

    Returns:
        The bytes of a .dvq file.

    Raises:
        InvalidArgument: If settings contradict each other or are out of range.
        UnsupportedImage: If the image, or the method asked for, cannot be coded.
        TargetUnreachable: If no quality reaches the target.
        WeightsNotFound: If there are no such weights.
    """
    from .codec import api
    from .codec.settings import CompressSettings
    from .image_io import images

    settings = CompressSettings(quality=quality, **options)
    return api.compress_picture(images.from_image(image, exact=settings.lossless), settings)[0]


def decompress(data: bytes, *, preview: int | str | None = None, device: str = "auto") -> "Image.Image":
    """Return the Pillow image of a .dvq file's bytes, its metadata in `info` as Pillow's own readers leave it.

    `preview=N` decodes only the first N chunks, `preview="all"` every whole one of a file that is cut or damaged.
    """
    from .codec import api
    from .image_io import images

    return images.to_image(api.decompress_picture(bytes(data), preview=preview, device=device).picture)


def compress_array(
    array: "NDArray[np.uint8]", quality: float | None = None, **options: "Unpack[CompressOptions]"
) -> bytes:
    """Compress pixels to the bytes of a .dvq file.

    Args:
        array: (H, W) grey, (H, W, 2) grey with alpha, (H, W, 3) RGB or (H, W, 4) RGBA, 8 bits a channel.
        quality: 1 to 100; 50 if nothing else is asked for.
        **options: As for `compress`.
    """
    from .codec import api
    from .codec.settings import CompressSettings
    from .image_io import images

    return api.compress_picture(images.from_array(array), CompressSettings(quality=quality, **options))[0]


def decompress_array(data: bytes, *, preview: int | str | None = None, device: str = "auto") -> "NDArray[np.uint8]":
    """Return the pixels of a .dvq file's bytes, in the shape that compress_array takes; indices become colours."""
    from .codec import api
    from .image_io import images

    return images.to_array(api.decompress_picture(bytes(data), preview=preview, device=device).picture)


def info(data: bytes) -> "Info":
    """Return what the header of a .dvq file's bytes tells, without decoding and without torch."""
    from .codec.bitstream.info import describe

    return describe(bytes(data))


def compress_archive(
    images: "Iterable[Image.Image | tuple[str, Image.Image]]",
    target: "str | PathLike[str]",
    *,
    method: str | None = None,
    weights: str | None = None,
    device: str = "auto",
    strip: bool = False,
    force: bool = False,
) -> "PackReport":
    """Write Pillow images, or pairs of a name and an image, into one lossless archive; return what was written.

    The images are taken one at a time and few of them are kept, so thousands may come from a generator. A name is a
    relative path that is safe on every system (InvalidArgument if not). `method` is "stored", "webp", "model",
    "bilevel" or "bits-back", or None for the smallest. The archive is there when all is written, or not at all.
    """
    from pathlib import Path

    from .codec.archives.packing import packing
    from .codec.settings import ArchiveSettings
    from .image_io import images as pictures

    settings = ArchiveSettings(method=method, strip=strip, weights=weights, device=device)
    with packing(Path(target), settings, force=force) as archive:
        for item in images:
            name, image = item if isinstance(item, tuple) else ("", item)
            archive.add(pictures.from_image(image, exact=True), name)
    assert archive.report is not None
    return archive.report


def decompress_archive(source: "str | PathLike[str]", *, device: str = "auto") -> "Iterator[Unpacked]":
    """Give every image of an archive with its name and its place, one segment after the other.

    Images that went in alternately come out segment by segment; `position` tells their order. If something is damaged,
    all that is whole comes first and FormatError then says what is lost.
    """
    from pathlib import Path

    from .codec.archives.extraction import unpack

    return unpack(Path(source), device=device)


def archive_info(source: "str | PathLike[str]") -> "ArchiveInfo":
    """Return what an archive holds: its segments, the images in them, and what is damaged; nothing is decoded."""
    from pathlib import Path

    from .codec.archives.info import describe

    return describe(Path(source))


def register() -> None:
    """Register the Pillow plug-in: afterwards Image.open("x.dvq") and image.save("x.dvq", quality=50) work."""
    from .codec import pillow_plugin

    pillow_plugin.register()
