"""Compress and decompress files, bytes and pictures, for the command line, the package and the plug-in.

Nothing here prints. Every failure that a user can cause is a DvcodecError.
"""

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FormatError
from ..image_io import atomic
from ..image_io.bounds import DEFAULT, Bounds
from ..image_io.memory import enough_memory
from ..progress import OnProgress, ignore
from . import coding, memory_estimates
from .bitstream.info import Info, describe
from .lossless import kept_file
from .reports import CompressReport, DecompressReport
from .settings import CompressSettings, Preview
from .sources import picture_and_file, read_path
from .view import WHOLE, DecodeOptions, View

if TYPE_CHECKING:
    from typing import Unpack

    from ..image_io.images import Picture
    from .decoder import Decoded


def compress_data(
    data: bytes, settings: CompressSettings, on_progress: OnProgress = ignore
) -> tuple[bytes, CompressReport]:
    """Compress an image file in memory.

    Args:
        data: The bytes of the image file, in any format that Pillow opens.
        settings: How to compress it.
        on_progress: Called with the share that is done.

    Returns:
        The bytes of the .dvq file, and a report.

    Raises:
        UnsupportedImage: If the image cannot be read or coded.
        TargetUnreachable: If no quality reaches the target.
        WeightsNotFound: If the weights are not installed.
    """
    start, size = time.perf_counter(), len(data)
    picture, original = picture_and_file(data, settings)
    del data  # a lossy file needs the pixels alone
    return compress_picture(
        picture, settings, source_bytes=size, start=start, on_progress=on_progress, original=original
    )


def compress_file(
    source: Path,
    target: Path,
    settings: CompressSettings,
    *,
    force: bool = False,
    keep_times: bool = False,
    on_progress: OnProgress = ignore,
) -> CompressReport:
    """Compress an image file to a .dvq file, which appears whole or not at all.

    Args:
        source: The image file.
        target: The file to write.
        settings: How to compress it.
        force: Whether to overwrite a file that exists.
        keep_times: Whether the output gets the times of the input. Its permissions a new file always gets.
        on_progress: Called with the share that is done.

    Returns:
        A report.

    Raises:
        OutputExists: Before any work is done, if the file exists, unless `force`.
        OutputFailed: If the file cannot be written.
        DvcodecError: As `compress_data`.
    """
    atomic.check_target(source, target, force=force)
    atomic.check_writable(target)
    data, report = compress_data(read_path(source), settings, on_progress)
    atomic.write(target, data, force=force, like=_attributes(source, keep_times))
    return report


def compress_picture(
    picture: "Picture",
    settings: CompressSettings,
    *,
    source_bytes: int = 0,
    start: float | None = None,
    on_progress: OnProgress | None = None,
    original: bytes = b"",
) -> tuple[bytes, CompressReport]:
    """Compress a picture in memory.

    Args:
        picture: The picture, read exactly if the settings are lossless.
        settings: How to compress it.
        source_bytes: Bytes of its image file, for the report.
        start: The time.perf_counter() from which the report counts seconds; now if it is None.
        on_progress: Called with the share that is done.
        original: The image file that the picture was read from, which lossless settings may keep as it is.

    Returns:
        The bytes of the .dvq file, and a report.

    Raises:
        DvcodecError: As `compress_data`.
    """
    from ..image_io import deep_samples, orientation

    start = time.perf_counter() if start is None else start
    picture = picture if settings.lossless else deep_samples.for_lossy(picture, convert=settings.convert)
    picture = orientation.stripped(picture) if settings.strip else picture
    memory_estimates.check_picture(picture, settings)
    with enough_memory(*picture.pixels.shape[:2]):
        kept, report_share = b"" if settings.strip else original, on_progress or ignore
        if settings.lossless:
            data, report = coding.lossless(picture, settings, kept, report_share)
        else:
            data, report = coding.lossy(picture, settings, report_share)
    if on_progress:
        on_progress(1.0)
    return data, replace(report, source_bytes=source_bytes, seconds=time.perf_counter() - start)


def decompress_data(
    data: bytes, *, format: str | None = None, **options: "Unpack[DecodeOptions]"
) -> tuple[bytes | memoryview, DecompressReport]:
    """Decompress a .dvq file in memory to an image file.

    Args:
        data: The bytes of the .dvq file.
        format: Pillow's name of the format of the image file. A .dvq file that keeps an image file of this format gives
            back that file; if the format is None, of any, and other files give PNG.
        **options: As for `decompress_picture`.

    Returns:
        The bytes of the image file, which may be a view of the .dvq file's, and a report.

    Raises:
        OutputFailed: If the format cannot hold the image.
        DvcodecError: As `decompress_picture`.
    """
    from ..image_io import writing

    start = time.perf_counter()
    decoded = decompress_picture(data, **options)
    kept = kept_file.of_format(data, format) if options.get("view", WHOLE) == WHOLE else b""
    file, dropped = (kept, ()) if kept else writing.write(decoded.picture, format or "PNG")
    height, width = decoded.picture.pixels.shape[:2]
    mode, seconds = decoded.picture.mode, time.perf_counter() - start
    return file, DecompressReport(
        width, height, mode, len(data), len(file), decoded.chunks, decoded.total, dropped, seconds, decoded.exact
    )


def decompress_file(
    source: Path,
    target: Path,
    *,
    force: bool = False,
    keep_times: bool = False,
    **options: "Unpack[DecodeOptions]",
) -> DecompressReport:
    """Decompress a .dvq file to an image file, which appears whole or not at all.

    Args:
        source: The .dvq file.
        target: The file to write. Its suffix names the format.
        force: Whether to overwrite a file that exists.
        keep_times: As for `compress_file`.
        **options: As for `decompress_picture`.

    Returns:
        A report.

    Raises:
        OutputExists: Before any work is done, if the file exists, unless `force`.
        OutputFailed: If the suffix does not name a format, or the file cannot be written.
        DvcodecError: As `decompress_data`.
    """
    atomic.check_target(source, target, force=force)
    atomic.check_writable(target)
    format = format_of(target)
    data = read_path(source, own=True)
    file, report = decompress_data(data, format=format, **options)
    atomic.write(target, file, force=force, like=_attributes(source, keep_times))
    return report


def decompress_picture(
    data: bytes,
    *,
    preview: Preview = None,
    view: View = WHOLE,
    device: str = "auto",
    on_progress: OnProgress | None = None,
    bounds: Bounds = DEFAULT,
) -> "Decoded":
    """Decompress a .dvq file in memory to a picture, by the installed weights.

    Args:
        data: The bytes of the .dvq file.
        preview, view: How much to decode; which part of the image, and how large.
        device: "auto", "cpu" or "cuda".
        on_progress: Called with the share that is done.
        bounds: How large the image may be.

    Returns:
        The picture, and how many chunks were decoded.

    Raises:
        DvcodecError: As `decompress_data`.
    """
    from .decoder import decompress
    from .loaders import installed

    report = on_progress or ignore
    return decompress(data, installed(device), preview=preview, view=view, on_progress=report, bounds=bounds)


def verify_data(data: bytes, *, device: str = "auto", bounds: Bounds = DEFAULT) -> DecompressReport:
    """Decode all symbols, alpha and metadata of a .dvq file and check every checksum, without writing anything.

    Args:
        data: The bytes of the .dvq file.
        device: "auto", "cpu" or "cuda".
        bounds: How large the image may be.

    Returns:
        A report.

    Raises:
        DvcodecError: The first fault of the file.
    """
    from .decoder import verify
    from .loaders import installed

    start = time.perf_counter()
    file = verify(data, installed(device), bounds)
    header, chunks, seconds = file.header, len(file.chunks), time.perf_counter() - start
    size = header.width, header.height
    return DecompressReport(*size, header.mode, len(data), 0, chunks, chunks, (), seconds, header.lossless)


def verify_file(source: Path, *, device: str = "auto", bounds: Bounds = DEFAULT) -> DecompressReport:
    """Verify a file: see verify_data."""
    return verify_data(read_path(source, own=True), device=device, bounds=bounds)


def inspect_data(data: bytes) -> Info:
    """Describe a .dvq file in memory by its header, without torch or weights, even one that is cut short."""
    return describe(data)


def inspect_file(source: Path) -> Info:
    """Describe a file: see inspect_data."""
    return describe(read_path(source, own=True))


def format_of(target: Path) -> str:
    """Return Pillow's name of the format that a suffix stands for; raise OutputFailed if nothing writes it."""
    from ..image_io import formats

    return formats.format_of(target)


def _attributes(source: Path, keep_times: bool) -> atomic.Attributes | None:
    """Return what an output takes over from its input; raise FormatError if the input is gone."""
    try:
        return atomic.attributes_of(source, times=keep_times)
    except OSError as error:
        raise FormatError(f"cannot read the file: {error.strerror or error}") from error
