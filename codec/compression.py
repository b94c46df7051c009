"""Compress what a program gives to bytes: what the package's functions share."""

from typing import TYPE_CHECKING

from ..progress import OnProgress, callable_or_none
from . import api
from .reports import log_notices
from .settings import CompressSettings
from .sources import FileSource, Tensor, array_of, picture_and_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


def compress_source(
    source: "FileSource | Image.Image | NDArray[np.uint8 | np.uint16] | Tensor",
    settings: CompressSettings,
    on_progress: OnProgress | None,
) -> bytes:
    """Return the bytes of a .dvq file; the arguments and errors are those of `dvcodec.compress`."""
    callable_or_none(on_progress)
    picture, original = picture_and_file(source, settings)
    data, report = api.compress_picture(picture, settings, on_progress=on_progress, original=original)
    log_notices(report.notices, report.dropped)
    return data


def compress_pixels(
    array: "NDArray[np.uint8 | np.uint16] | Tensor", settings: CompressSettings, on_progress: OnProgress | None
) -> bytes:
    """Return the bytes of a .dvq file; the arguments and errors are those of `dvcodec.compress_array`."""
    from ..image_io import images

    callable_or_none(on_progress)
    return api.compress_picture(images.from_array(array_of(array)), settings, on_progress=on_progress)[0]
