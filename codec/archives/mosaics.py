"""Mosaics: images stacked into one picture, which is coded as a lossless file.

The file leaves out what the head of the segment holds (size, mode, checksum), so that a mosaic costs no more than
a bare bitstream.
"""

from dataclasses import replace

import numpy as np

from ...errors import FormatError
from ...image_io.bounds import Bounds
from ...image_io.images import Picture
from ..bitstream.assembly import Parts, assemble
from ..bitstream.container import DvqFile, parse, payload_of
from ..bitstream.header import BILEVEL, KINDS, MODEL, STORED, WEBP, Header
from ..bitstream.varint import Reader, write_varint
from ..decoder import decode as decode_file
from ..loaders import Loaders
from ..lossless import methods, raw_samples
from .coders import Coders
from .layout import MAX_PIXELS, ArchiveHead

_BARE, _WHOLE = (tuple(map(KINDS.index, kinds)) for kinds in ((STORED, WEBP), (MODEL, BILEVEL)))
"""Numbers of the methods whose mosaics are bare pixels, and of those whose mosaics are complete files."""


def pack(file: bytes) -> bytes:
    """Return the payload that stands for the lossless file of a stack of images."""
    parsed = parse(file)
    method = KINDS.index(parsed.header.kind)
    if method in _WHOLE:
        return bytes([method]) + file
    palette = payload_of(parsed.palette)
    head = bytes([method]) + (write_varint(len(palette)) + palette if palette else b"")
    return head + payload_of(parsed.pixels[0])


def unpack(payload: bytes, head: ArchiveHead) -> DvqFile:
    """Undo `pack`: return the parsed file of a stack. FormatError if the payload does not fit the head."""
    method, rows = payload[0], len(head.positions) * head.height
    if method in _WHOLE:
        file = parse(payload[1:])
        _check(file, head, rows)
        return file
    if method not in _BARE:
        raise FormatError("a mosaic is not valid: an unknown method")
    reader = Reader(payload)
    reader.take(1)
    palette = reader.take(reader.varint("the size of the palette", 2048)) if head.palette else b""
    pixels = (payload[reader.position :],)
    header = Header(kind=KINDS[method], width=head.width, height=rows, mode=head.mode, samples_crc=head.samples_crc)
    return parse(assemble(header, Parts(palette=palette, pixels=pixels)))


def _check(file: DvqFile, head: ArchiveHead, rows: int) -> None:
    """Raise FormatError, before anything is decoded, for a file that does not fit the head of its segment."""
    header = file.header
    if header.kind not in (MODEL, BILEVEL) or (header.height, header.width, header.mode) != (
        rows,
        head.width,
        head.mode,
    ):
        raise FormatError("a mosaic is not valid: its file does not fit its head")
    if header.samples_crc != head.samples_crc:
        raise FormatError("a mosaic is not valid: its checksums differ")


def decode(payload: bytes, head: ArchiveHead, loaders: Loaders, bounds: Bounds) -> list[Picture]:
    """Decode a mosaic.

    Args:
        payload: The payload of the segment.
        head: Its head.
        loaders: Where the models come from.
        bounds: How much memory decoding may take. They do not bound the stack's pixels.

    Returns:
        The images, from top to bottom.

    Raises:
        FormatError: If the payload is not valid, or does not fit the head.
        WeightsNotFound: If weights that it names are not installed.
    """
    stack = decode_file(unpack(payload, head), loaders, bounds=replace(bounds, max_pixels=MAX_PIXELS)).picture
    values = raw_samples.of(stack)
    tiles = np.split(values, len(head.positions))
    return [raw_samples.picture(tile, stack.mode, stack.palette) for tile in tiles]


def encode(stack: Picture, coders: Coders) -> tuple[bytes, bool]:
    """Encode a stack of images.

    Args:
        stack: The images as one picture, one below the other.
        coders: The method, and the models that it may use.

    Returns:
        The payload, and whether it begins with a palette.
    """
    file = methods.compress(stack, coders.method, coders.load, load_bilevel=coders.load_bilevel).data
    payload = pack(file)
    return payload, payload[0] not in _WHOLE and stack.palette is not None
