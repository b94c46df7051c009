"""The listing of an archive for `dvcodec info`, written while the archive is read: memory does not grow with it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from .report import show
from .text import listed, number, one_line, printable, with_options

if TYPE_CHECKING:
    from ..codec.archives.info import ImageInfo, ListingTotals, SegmentInfo

_SEGMENT_WIDTHS, _IMAGE_WIDTHS = (9, 6, 6, 9, 14), (9, 11, 4, 8)
"""Characters of the columns but the last; a longer cell moves what follows it."""


def archive(source: str, label: str) -> None:
    """Print what an archive holds: the sums first, then its segments and its images in the order of the file.

    The rows wait in files, since the sums are known when all is read.

    Args:
        source: The path of the archive.
        label: What to call it.
    """
    from ..codec.archives.info import ListingTotals, segments
    from ..codec.archives.reader import Archive

    totals = ListingTotals()
    with Archive(Path(source)) as opened, _waiting() as segment_rows, _waiting() as image_rows:
        for segment in segments(opened, totals):
            print(_row(_segment(segment), _SEGMENT_WIDTHS), file=segment_rows)
            for image in segment.images:
                print(_row(_image(image), _IMAGE_WIDTHS), file=image_rows)
        show(f"{label}\n{_sums(totals, opened.size)}\n")
        _copy(("segment", "kind", "images", "bytes", "bits per pixel"), _SEGMENT_WIDTHS, segment_rows)
        show("")
        _copy(("image", "size", "mode", "coded", "name"), _IMAGE_WIDTHS, image_rows)


def _waiting() -> IO[str]:
    """Return a file that is deleted when it is closed."""
    return TemporaryFile("w+", encoding="utf-8", errors="backslashreplace")


def _copy(titles: tuple[str, ...], widths: tuple[int, ...], rows: IO[str]) -> None:
    """Print titles, and the rows that wait in a file."""
    show(_row(titles, widths))
    rows.seek(0)
    for row in rows:
        show(row.rstrip("\n"))


def _row(cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    """Return cells as a row of columns two blanks apart."""
    *firsts, last = cells
    padded = [cell.ljust(width) for cell, width in zip(firsts, widths, strict=False)]
    return ("  " + "  ".join([*padded, last])).rstrip()


def _sums(totals: ListingTotals, size: int) -> str:
    from ..codec.bitstream.header import VERSION

    rows: dict[str, object] = {
        "  archive": f"{_count(totals.images, 'image')} in {_count(totals.segments, 'segment')}",
        "  format": str(VERSION),
        "  file": f"{number(size)} B, {totals.bpp(size):.3f} bits per pixel without the names",
        "  names": f"{number(totals.name_bytes)} B" if totals.name_bytes else "none",
    }
    faults = "".join(f"\n  fault    {one_line(with_options(fault))}" for fault in totals.faults)
    return listed(rows) + faults


def _count(count: int, what: str) -> str:
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def _segment(part: SegmentInfo) -> tuple[str, ...]:
    weights = f"{part.weights_name or 'not installed'} ({part.weights_id})" if part.weights_id else ""
    return str(part.number), part.kind, number(len(part.images)), number(part.bytes), f"{part.bpp:.3f}", weights


def _image(image: ImageInfo) -> tuple[str, ...]:
    coded, name = "lossless" if image.lossless else "lossy", printable(image.name or image.target)
    return str(image.number), f"{image.width}x{image.height}", image.mode, coded, name
