"""dvcodec: an image codec built on hierarchical discrete variational autoencoders.

    import dvcodec
    data = dvcodec.compress(image, quality=50)      # from a Pillow image to the bytes of a .dvq file
    image = dvcodec.decompress(data)                # and back
    dvcodec.compress_archive(images, "many.dvq")    # many images in one file
    dvcodec.register()                              # for Image.open("x.dvq") and image.save("x.dvq", quality=50)

Importing the package imports neither torch nor Pillow; its functions do so when they are called.
"""

from typing import TYPE_CHECKING

from .codec.settings import ArchiveSettings, BoundSettings, CompressSettings
from .codec.signatures import takes
from .errors import DvcodecError as DvcodecError
from .errors import FormatError as FormatError
from .errors import ImageNotFound as ImageNotFound
from .errors import InvalidArgument as InvalidArgument
from .errors import LimitExceeded as LimitExceeded
from .errors import OutputExists as OutputExists
from .errors import OutputFailed as OutputFailed
from .errors import TargetUnreachable as TargetUnreachable
from .errors import TruncatedFile as TruncatedFile
from .errors import UnsupportedImage as UnsupportedImage
from .errors import WeightsNotFound as WeightsNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from os import PathLike
    from typing import Unpack

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from .codec.archives.extraction import Unpacked
    from .codec.archives.info import ArchiveInfo
    from .codec.archives.opened import ImageArchive
    from .codec.archives.packing import PackReport
    from .codec.bitstream.info import Info
    from .codec.decompression import DecompressOptions
    from .codec.settings import ArchiveOptions, BoundOptions, CompressOptions
    from .codec.sources import FileSource, Tensor
    from .progress import OnProgress

    ImageSource = FileSource | Image.Image | NDArray[np.uint8 | np.uint16] | Tensor

__version__ = "0.1.0"


@takes(CompressSettings)  # writes the settings into the signature
def compress(
    image: "ImageSource",
    quality: float | None = None,
    *,
    on_progress: "OnProgress | None" = None,
    **options: "Unpack[CompressOptions]",
) -> bytes:
    """Compress an image.

    At most one of `quality`, the four targets and `lossless` may be given.

    Args:
        image: A Pillow image of a mode with at most 8 bits a channel; an array of type uint8, (H, W), (H, W, 2) with
            alpha, (H, W, 3) or (H, W, 4) with alpha; a tensor of type uint8 as torchvision has them, (H, W) or
            (1 to 4, H, W); or an image file: its path, its bytes, or a file that is open in binary mode.
        on_progress: Called with the share of the work that is done, 0 to 1; an estimate if there is a target. What it
            raises ends the work.
        quality, **options: The settings of `dvcodec.codec.settings.CompressSettings`, which describes them.

    Returns:
        The bytes of a .dvq file.

    Raises:
        InvalidArgument or UnsupportedImage: If this is no image that can be coded, or a setting is out of range.
        LimitExceeded: If the image is larger than `max_pixels` and `max_memory` allow.
        TargetUnreachable or WeightsNotFound: If no quality reaches the target, or weights are not installed.
    """
    from .codec.compression import compress_source

    return compress_source(image, CompressSettings(quality=quality, **options), on_progress)


@takes(BoundSettings)
def decompress(
    source: "FileSource",
    *,
    preview: int | str | None = None,
    scale: str | float | None = None,
    region: "Sequence[int] | None" = None,
    device: str = "auto",
    on_progress: "OnProgress | None" = None,
    **options: "Unpack[BoundOptions]",
) -> "Image.Image":
    """Decompress a file of one image.

    Args:
        source: A .dvq file: its bytes, its path, or a file that is open in binary mode.
        preview: None decodes the whole file. N decodes only the first N chunks, which give a coarser image of full
            size. "all" decodes every whole chunk of a file that is cut short or damaged.
        scale: "1/2", "1/4" or "1/8", or such a number, for a smaller picture, which costs less; sides are rounded up.
        region: Left, top, width and height in pixels of the part to return, with the pixels of the whole image. They
            refer to the image as it is shown, that is, turned as its EXIF orientation says.
        device: "auto", "cpu" or "cuda". auto takes the GPU if there is one.
        on_progress: Called with the share of the work that is done, 0 to 1. What it raises ends the work.
        **options: How large images may be, by `dvcodec.codec.settings.BoundSettings`.

    Returns:
        A Pillow image. Its `info` holds the metadata as Pillow's own readers leave it.

    Raises:
        FormatError: If this is not a valid .dvq file, or TruncatedFile if it is cut short, unless `preview` allows.
        WeightsNotFound: If the weights that the file names are not installed.
        InvalidArgument or LimitExceeded: If an argument is not valid, or the image larger than they allow.
    """
    from .codec.decompression import decompress_source
    from .image_io import images

    picture = decompress_source(
        source, preview=preview, scale=scale, region=region, device=device, on_progress=on_progress, **options
    )
    return images.to_image(picture)


@takes(CompressSettings)
def compress_array(
    array: "NDArray[np.uint8 | np.uint16] | Tensor",
    quality: float | None = None,
    *,
    on_progress: "OnProgress | None" = None,
    **options: "Unpack[CompressOptions]",
) -> bytes:
    """Compress an array of pixels, or a tensor, with the errors of `compress`.

    Args:
        array: Pixels of 8 bits a channel: (H, W) grey, (H, W, 2) grey with alpha, (H, W, 3) RGB or (H, W, 4) RGBA;
            or a tensor as torchvision has them, channels first.
        on_progress: As for `compress`.
        quality, **options: The settings of `dvcodec.codec.settings.CompressSettings`, which describes them.

    Returns:
        The bytes of a .dvq file.
    """
    from .codec.compression import compress_pixels

    return compress_pixels(array, CompressSettings(quality=quality, **options), on_progress)


def decompress_array(source: "FileSource", **options: "Unpack[DecompressOptions]") -> "NDArray[np.uint8 | np.uint16]":
    """Decompress a file of one image to an array of pixels, with the errors of `decompress`.

    Args:
        source: A .dvq file: its bytes, its path, or a file that is open in binary mode.
        **options: The options of `decompress`: preview, scale, region, device, on_progress, max_pixels and max_memory.

    Returns:
        Pixels in a shape that `compress_array` takes, which may be written to. Palette indices become colours, and the
        pixels are turned as the orientation in EXIF asks for, since an array cannot hold it.
    """
    from .codec.decompression import decompress_source
    from .image_io import images, orientation

    return images.to_array(orientation.turned(decompress_source(source, **options)))


def info(source: "FileSource") -> "Info":
    """Describe a file of one image by its header; nothing is decoded and torch is not imported.

    Args:
        source: A .dvq file: its bytes, its path, or a file that is open in binary mode.

    Returns:
        The header's values and the bytes of each part. A damaged or cut file is described as far as it goes.

    Raises:
        FormatError: If the file cannot be read, or does not begin with a valid header.
        InvalidArgument: If `source` is none of these.
    """
    from .codec.bitstream.info import describe
    from .codec.sources import file_bytes

    return describe(file_bytes(source))


@takes(ArchiveSettings)
def compress_archive(
    images: "Iterable[ImageSource | tuple[str, ImageSource]] | Mapping[str, ImageSource]",
    target: "str | PathLike[str]",
    *,
    force: bool = False,
    **options: "Unpack[ArchiveOptions]",
) -> "PackReport":
    """Write images into one archive.

    The images are taken one at a time and few of them are kept, so that a generator may give thousands. The archive
    appears at `target` when all images are written, or not at all.

    Args:
        images: Images as `compress` takes them, pairs of a name and an image, or images by their names. A name is a
            relative path that is safe on every system; paths have their own.
        target: The file to write.
        force: Whether to overwrite a file that exists.
        **options: The settings of `dvcodec.codec.settings.ArchiveSettings`, which describes them.

    Returns:
        What was written: images, segments, bytes and bits per pixel.

    Raises:
        DvcodecError: As `compress`; also if a name is not safe or unique, or the file exists or cannot be written.
    """
    from .codec.archives.packing import packing
    from .codec.reports import log_notices
    from .codec.sources import path_of, pictures_of

    with packing(path_of(target), settings := ArchiveSettings(**options), force=force) as archive:
        for name, picture, original in pictures_of(images, settings):
            log_notices(picture.notices, archive.add(picture, name, original))
    assert archive.report is not None
    return archive.report


@takes(BoundSettings)
def decompress_archive(
    source: "str | PathLike[str]", *, device: str = "auto", **options: "Unpack[BoundOptions]"
) -> "Iterator[Unpacked]":
    """Yield the images of an archive, segment after segment.

    Images of different sizes may come in another order than they went in; `position` tells the original one.

    Args:
        source: The archive.
        device: "auto", "cpu" or "cuda". auto takes the GPU if there is one.
        **options: How large images may be, by `dvcodec.codec.settings.BoundSettings`.

    Yields:
        The name, the Pillow image and the position of every image.

    Raises:
        FormatError: If this is no archive; or, after every whole image, if others are lost to damage.
        DvcodecError: As `decompress`.
    """
    from .codec.archives.extraction import unpack
    from .codec.sources import path_of

    return unpack(path_of(source), device=device, bounds=BoundSettings(**options).bounds)


@takes(BoundSettings)
def open_archive(
    source: "str | PathLike[str]", *, device: str = "auto", **options: "Unpack[BoundOptions]"
) -> "ImageArchive":
    """Open an archive to read single images.

    It has `names`, `len()`, `read(name)`, indexing, slices and iteration, and is a context manager. Only the heads of
    its segments are read until an image is asked for. Threads may share it, and it can be pickled for other processes.

    Args:
        source: The archive.
        device: "auto", "cpu" or "cuda". auto takes the GPU if there is one.
        **options: How large images may be, by `dvcodec.codec.settings.BoundSettings`.

    Returns:
        The archive, a sequence of Pillow images in the order in which they went in.

    Raises:
        FormatError: If this is no archive, or it is damaged: `decompress_archive` then gives every whole image.
    """
    from .codec.archives.opened import ImageArchive
    from .codec.sources import path_of

    return ImageArchive(path_of(source), device, bounds=BoundSettings(**options).bounds)


@takes(BoundSettings)
def archive_info(source: "str | PathLike[str]", **options: "Unpack[BoundOptions]") -> "ArchiveInfo":
    """Describe an archive without decoding it; raise FormatError if it is none, LimitExceeded if it lists too much.

    Args:
        source: The archive.
        **options: How large images may be, by `dvcodec.codec.settings.BoundSettings`.

    Returns:
        Its segments, the images in them, and what is damaged.
    """
    from .codec.archives.info import describe
    from .codec.sources import path_of

    return describe(path_of(source), BoundSettings(**options).bounds)


def register() -> None:
    """Register the Pillow plug-in: afterwards Image.open("x.dvq") and image.save("x.dvq", quality=50) work."""
    from .codec import pillow_plugin

    pillow_plugin.register()
