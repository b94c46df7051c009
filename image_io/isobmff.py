"""Properties of the primary image of an AVIF or HEIC file, from its boxes (ISO/IEC 14496-12 and 23008-12)."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

LARGEST_META = 2**20
"""Bytes of the `meta` box that are looked at."""
_MOST = 4096  # boxes at the top level that are looked at


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the body of each box in some bytes; one that does not fit ends them."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        size = size or len(data) - at
        if size < head or at + size > len(data):
            return
        yield kind, data[at + head : at + size]
        at += size


def body_of(file: BinaryIO, wanted: bytes, limit: int) -> bytes:
    """Return the first `limit` bytes of the first box of a type at a file's top level; none if there is no such box."""
    at = 0
    for _ in range(_MOST):
        file.seek(at)
        start = file.read(16)
        if len(start) < 8:
            return b""
        size, kind = struct.unpack_from(">I4s", start)
        head = 8
        if size == 1 and len(start) == 16:
            size, head = struct.unpack_from(">Q", start, 8)[0], 16
        if kind == wanted:
            file.seek(at + head)
            return file.read(min(limit, size - head) if size else limit)
        if size < head:
            return b""
        at += size
    return b""


def primary_properties(file: BinaryIO) -> list[tuple[bytes, bytes]]:
    """Return the types and bodies of the properties of the primary image; all of the file if it names none."""
    meta = dict(boxes(body_of(file, b"meta", LARGEST_META)[4:]))
    parts = list(boxes(meta.get(b"iprp", b"")))
    found = [one for kind, body in parts if kind == b"ipco" for one in boxes(body)]
    item = meta.get(b"pitm", b"")
    number = int.from_bytes(item[4 : 8 if item[:1] == b"\1" else 6], "big")
    try:
        own = {index for kind, body in parts if kind == b"ipma" for index in _associations(body).get(number, ())}
    except (struct.error, IndexError):
        own = set()
    chosen = [found[index - 1] for index in sorted(own) if 1 <= index <= len(found)]
    return chosen or found


def _associations(body: bytes) -> dict[int, list[int]]:
    """Return the numbers of the properties of each item, from an `ipma` box."""
    version, wide = body[0], body[3] & 1
    (entries,) = struct.unpack_from(">I", body, 4)
    items: dict[int, list[int]] = {}
    at = 8
    for _ in range(entries):
        number, count = struct.unpack_from(">IB" if version else ">HB", body, at)
        at += 5 if version else 3
        indices = struct.unpack_from(f">{count}{'H' if wide else 'B'}", body, at)
        at += count * (1 + wide)
        items.setdefault(number, []).extend(index & (0x7FFF if wide else 0x7F) for index in indices)
    return items


def bits(properties: list[tuple[bytes, bytes]]) -> int:
    """Return the most bits of a sample that the properties of an image name, or 8 if they name none."""
    found = [8]
    for kind, body in properties:
        if kind == b"pixi" and len(body) > 5:
            found += body[5 : 5 + body[4]]
        elif kind == b"av1C" and len(body) > 2 and body[2] & 0x40:  # high_bitdepth, then twelve_bit
            found.append(12 if body[2] & 0x20 else 10)
        elif kind == b"hvcC" and len(body) > 18:
            found += [8 + (body[17] & 7), 8 + (body[18] & 7)]
    return max(found)
