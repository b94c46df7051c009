"""Decompress what a program gives to a picture: what the package's functions share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

from ..progress import OnProgress
from . import api
from .sources import FileSource, file_bytes
from .view import view_of

if TYPE_CHECKING:
    from ..image_io.images import Picture


class DecompressOptions(TypedDict, total=False):
    """The options of `dvcodec.decompress`, as keyword arguments for type checkers."""

    preview: int | str | None
    scale: str | float | None
    region: Sequence[int] | None
    device: str
    on_progress: OnProgress | None


def decompress_source(
    source: FileSource,
    *,
    preview: int | str | None = None,
    scale: str | float | None = None,
    region: Sequence[int] | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> "Picture":
    """Return the picture of a .dvq file; the arguments and errors are those of `dvcodec.decompress`."""
    view, data = view_of(scale, region), file_bytes(source)
    return api.decompress_picture(data, preview=preview, view=view, device=device, on_progress=on_progress).picture
