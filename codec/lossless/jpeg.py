"""The method `jpeg`: the coefficients of the JPEG image that pixels were decoded from, and what these miss."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError, TruncatedFile
from ...models.pixels.jpeg import detection, reconstruction, recovery
from ...models.pixels.jpeg.frame import GREY, SIDE, Frame
from ...models.pixels.jpeg.tables import QUALITIES, Table, standard
from ..bitstream.header import Header
from ..bitstream.varint import Reader
from . import jpeg_components, jpeg_corrections

Pixels = NDArray[np.uint8]
MARGIN = 4 * SIDE - 1
"""Most rows or columns that the JPEG image has beyond the pixels, on each side."""
_SMOOTH = 4
"""What is added to the sampling where chroma is interpolated."""
_MOST_WRONG = 0.5
"""Largest share of the blocks of pixels that may need corrections."""

Steps = NDArray[np.int64]


def encode(pixels: Pixels) -> tuple[bytes, ...] | None:
    """Return the sections of the method, or None for pixels that do not seem decoded from a JPEG image.

    They are the frame, luma, chroma where there is any, and corrections.

    Args:
        pixels: (H, W) grey or (H, W, 3) RGB.
    """
    origin = detection.origin_of(pixels)
    if origin is None:
        return None
    for tables in _likely(origin.tables):
        sections = _encoded(pixels, origin.frame, tables)
        if sections is not None:
            return sections
    return None


def _likely(tables: tuple[Table, ...]) -> list[tuple[Table, ...]]:
    """Return tables as they were found, and those with the chroma of luma's quality if that is another one.

    Chroma that has few details, or that clipped pixels hide, gives steps away that it does not have.
    """
    luma = tables[0]
    if len(tables) == 1 or not luma.quality or tables[1].quality == luma.quality:
        return [tables]
    return [tables, (luma, Table(standard(luma.quality, chroma=True), luma.quality, 0.0))]


def _encoded(pixels: Pixels, frame: Frame, tables: tuple[Table, ...]) -> tuple[bytes, ...] | None:
    """Return the sections under some tables, or None if too many blocks are not those of the coefficients found."""
    steps = tuple(table.steps for table in tables)
    found = recovery.recovered(pixels, frame, steps)
    made = reconstruction.pixels(found, steps, frame)
    wrong = jpeg_corrections.wrong_blocks(pixels, made)
    if wrong.mean() > _MOST_WRONG:
        return None
    parts = [found[:1], found[1:]] if len(found) > 1 else [found]
    coded = [jpeg_components.encode(part, own) for part, own in zip(parts, steps, strict=True)]
    return _packed_frame(frame, tables), *coded, jpeg_corrections.encode(pixels, made, wrong)


def _packed_frame(frame: Frame, tables: Sequence[Table]) -> bytes:
    form = frame.sampling + _SMOOTH * frame.smooth
    return bytes([form, 0, 0, 0, 0]) + b"".join(map(_packed_table, tables))


def _packed_table(table: Table) -> bytes:
    return bytes([table.quality]) + (b"" if table.quality else table.steps.astype(np.uint8).tobytes())


def decode(sections: Sequence[bytes], header: Header) -> Pixels:
    """Undo `encode`, without an alpha channel; raise FormatError if a section is not valid."""
    try:
        frame, (top, left), steps = _frame(Reader(sections[0]), header)
        found = jpeg_components.decode(sections[1], frame.blocks(0), 1, steps[0])
        if not header.grey:
            found += jpeg_components.decode(sections[2], frame.blocks(1), 2, steps[1])
    except TruncatedFile as error:
        raise FormatError("the pixels are not valid: a section ends too early") from error
    made = reconstruction.pixels(found, steps, frame)
    inside = np.ascontiguousarray(made[top : top + header.height, left : left + header.width])
    return jpeg_corrections.corrected(inside, sections[-1])


def _frame(reader: Reader, header: Header) -> tuple[Frame, tuple[int, int], list[Steps]]:
    """Read the frame, the place of the image in it, and the quantisation steps."""
    form = reader.number(1)
    top, left, bottom, right = margins = [reader.number(1) for _ in range(4)]
    sampling, smooth = form % _SMOOTH, form // _SMOOTH
    if smooth > 1 or max(margins) > MARGIN or (sampling == GREY) != header.grey:
        raise FormatError("the pixels are not valid: their frame")
    frame = Frame(header.height + top + bottom, header.width + left + right, sampling, bool(smooth))
    steps = [_steps(reader, chroma=chroma) for chroma in (False, True)[: 1 if header.grey else 2]]
    if reader.position != len(reader.data):
        raise FormatError("the pixels are not valid: bytes follow their frame")
    return frame, (top, left), steps


def _steps(reader: Reader, *, chroma: bool) -> Steps:
    quality = reader.number(1)
    if quality in QUALITIES:
        return standard(quality, chroma=chroma)
    steps = np.frombuffer(reader.take(SIDE * SIDE), np.uint8).astype(np.int64)
    if quality or not steps.all():
        raise FormatError("the pixels are not valid: their quantisation tables")
    return steps
