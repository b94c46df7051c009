"""Decompress what a program gives to a picture: what the package's functions share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from ..image_io.bounds import Bounds
from ..progress import OnProgress, callable_or_none
from . import api
from .settings import BoundOptions
from .sources import FileSource, file_bytes
from .view import view_of

if TYPE_CHECKING:
    from ..image_io.images import Picture


class DecompressOptions(BoundOptions, total=False):
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
    **options: Unpack[BoundOptions],
) -> Picture:
    """Return the picture of a .dvq file; the arguments and errors are those of `dvcodec.decompress`."""
    callable_or_none(on_progress)
    bounds, view, data = Bounds(**options), view_of(scale, region), file_bytes(source)
    return api.decompress_picture(
        data, preview=preview, view=view, device=device, on_progress=on_progress, bounds=bounds
    ).picture
