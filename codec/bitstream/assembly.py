"""Assembles the bytes of a .dvq file of one image from its sections. docs/FORMAT.md is the specification."""

import zlib
from dataclasses import dataclass

from .header import EXIF, EXTRA, ICC, PROPERTIES, XMP, Header, sections, write
from .varint import write_varint


@dataclass(frozen=True)
class Chunk:
    """The coded symbols of `layers` consecutive layers."""

    layers: int
    payload: bytes


@dataclass(frozen=True)
class Parts:
    """The sections of a file to be written. An empty one is left out, except alpha: empty, it stands for opaque."""

    chunks: tuple[Chunk, ...] = ()
    """Symbols of a hierarchy, coarse first."""
    alpha: bytes = b""
    """The alpha channel, where it has a section of its own; empty where it is opaque."""
    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    properties: bytes = b""
    """Resolution and texts."""
    adaptive_filter: bytes = b""
    """Of lossy images: the filter that was fitted to the image."""
    palette: bytes = b""
    """Of lossless images: palette and transparent colour."""
    pixels: tuple[bytes, ...] = ()
    """Of lossless images: the samples, in as many sections as the method has."""


def assemble(header: Header, parts: Parts) -> bytes:
    """Return the bytes of a file.

    Raises:
        ValueError: If the format cannot hold such an image.
    """
    extra = parts.palette if header.lossless else parts.adaptive_filter
    metadata = ((parts.icc, ICC), (parts.exif, EXIF), (parts.xmp, XMP), (parts.properties, PROPERTIES))
    flags = sum(flag for part, flag in (*metadata, (extra, EXTRA)) if part)
    table, payloads = [], []
    for part in sections(header, flags):  # in the order of the file
        if part == "chunks":
            table.append(write_varint(len(parts.chunks)))
            table += [write_varint(chunk.layers) + _row(chunk.payload) for chunk in parts.chunks]
            payloads += [chunk.payload for chunk in parts.chunks]
            continue
        own = parts.pixels if part == "pixels" else (getattr(parts, part),)
        table += map(_row, own)
        payloads += own
    start = write(header, flags) + b"".join(table)
    return b"".join([start, zlib.crc32(start).to_bytes(4, "little"), *payloads])


def _row(payload: bytes) -> bytes:
    """Return a section's row of the table: its size and, unless it is empty, its CRC-32."""
    return write_varint(len(payload)) + (zlib.crc32(payload).to_bytes(4, "little") if payload else b"")
