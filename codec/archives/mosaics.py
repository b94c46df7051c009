"""A mosaic's payload: images stacked into one picture, coded as a lossless file of which only what is new is kept.

What the segment's head tells (size, mode, checksum) is left out, so a mosaic costs no more than a bare bitstream.
"""

import numpy as np

from ...errors import FormatError
from ...image_io.images import Picture
from ..bitstream.container import PALETTE, PIXELS, Container, Parts, assemble
from ..bitstream.header import METHODS, MODELLED, Lossless, lossless_header
from ..bitstream.varint import Reader, write_varint
from ..lossless import methods, raw_samples
from .coders import Coders
from .layout import Head
from .loaders import Loaders

_WHOLE = tuple(METHODS.index(method) for method in (*MODELLED, "bilevel"))
"""Methods whose mosaics are complete files: there is more to them than pixels."""


def pack(file: bytes) -> bytes:
    """Return the payload for the lossless file of a stack."""
    container = Container(file)
    assert container.header.lossless is not None
    method = METHODS.index(container.header.lossless.method)
    if method in _WHOLE:
        return bytes([method]) + file
    palette, pixels = (_payload(container, name) for name in (PALETTE, PIXELS))
    return bytes([method]) + (write_varint(len(palette)) + palette if palette else b"") + pixels


def _payload(container: Container, name: str) -> bytes:
    section = container.section(name)
    return (container.payload(section) or b"") if section else b""


def unpack(payload: bytes, head: Head) -> bytes:
    """Undo `pack`. FormatError if the payload does not belong to the head."""
    method, rows = payload[0], len(head.positions) * head.height
    if method in _WHOLE:
        _check(Container(payload[1:]), head, rows)
        return payload[1:]
    if method >= len(METHODS):
        raise FormatError("a mosaic is not valid: an unknown method")
    reader = Reader(payload)
    reader.take(1)
    palette = reader.take(reader.varint("the size of the palette", 2048)) if head.palette else b""
    pixels = (payload[reader.position :],)
    header = lossless_header(rows, head.width, Lossless(head.mode, METHODS[method], head.samples_crc))
    return assemble(header, Parts(palette=palette, pixels=pixels))


def _check(container: Container, head: Head, rows: int) -> None:
    """Refuse a file that is another than the head says, before anything is decoded."""
    header = container.header
    kept = header.lossless
    if kept is None or (header.height, header.width, header.mode) != (rows, head.width, head.mode):
        raise FormatError("a mosaic is not valid: its file is not the one of its head")
    if kept.checksum != head.samples_crc:
        raise FormatError("a mosaic is not valid: its checksums differ")


def decode(payload: bytes, head: Head, loaders: Loaders) -> list[Picture]:
    """Return the images of a mosaic. FormatError if they are not what the head says."""
    stack = loaders.decompress(unpack(payload, head))
    values = raw_samples.of(stack)
    tiles = np.split(values, len(head.positions))
    return [raw_samples.picture(tile, stack.mode, stack.palette) for tile in tiles]


def encode(stack: Picture, coders: Coders) -> tuple[bytes, bool]:
    """Return the payload of a stack of images, and whether it begins with a palette."""
    file = methods.compress(stack, coders.method, coders.load, load_pages=coders.load_pages).data
    payload = pack(file)
    return payload, payload[0] not in _WHOLE and stack.palette is not None
