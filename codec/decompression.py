"""Decompress what a program gives to a picture: what the package's functions share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import api
from .sources import FileSource, file_bytes
from .view import view_of

if TYPE_CHECKING:
    from ..image_io.images import Picture


def decompress_source(
    source: FileSource,
    *,
    preview: int | str | None,
    scale: str | float | None,
    region: Sequence[int] | None,
    device: str,
) -> "Picture":
    """Return the picture of a .dvq file; the arguments and errors are those of `dvcodec.decompress`."""
    view, data = view_of(scale, region), file_bytes(source)
    return api.decompress_picture(data, preview=preview, view=view, device=device).picture
