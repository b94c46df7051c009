"""Take EXIF blocks apart: bounded before another library parses them, and their orientation."""

from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

PREFIX = b"Exif\0\0"
"""What stands before the TIFF structure in a JPEG file, and in Pillow's `info`."""
ORIENTATION = 274
XMP_TAG = 700
SUB_DIRECTORIES = (0x8769, 0x8825, 0xA005)
"""Tags of the directories in a directory: Exif, GPS, interoperability."""
# What describes how a TIFF file lies on disk, or is kept elsewhere (XMP, ICC): meaningless in another file.
_TIFF_LAYOUT = frozenset(
    (*range(254, 260), 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, *range(322, 326), 330, 332, 338, 339, 347)
).union(range(512, 534), (XMP_TAG, 33723, 34377, 34675))
_SIZE_OF_TYPE = np.array([0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8], np.int64)
_SHARED = 4
"""How many times larger than a block its values may be together; some writers let two tags share a value."""
Take = Callable[[int, int], bytes]
"""A function that returns bytes, given an offset and a size; fewer at the end."""


def is_bounded(exif: bytes) -> bool:
    """Tell whether the values of an EXIF block are, taken together, not much larger than the block.

    Tags may share their bytes, and directories too, so that a parser that copies values needs the square of the block.

    Args:
        exif: A TIFF structure, without prefix.
    """
    return _is_bounded(lambda at, size: exif[at : at + size], len(exif))


def file_is_bounded(file: BinaryIO) -> bool:
    """Tell the same of an image file; one that is no TIFF is bounded. The file's position is kept."""

    def take(at: int, size: int) -> bytes:
        file.seek(at)
        return file.read(size)

    before = file.tell()
    try:
        return take(0, 4) not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") or _is_bounded(take, file.seek(0, 2))
    finally:
        file.seek(before)


def _is_bounded(take: Take, size: int) -> bool:
    head = take(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    if not order:
        return True  # every parser refuses it
    big = 43 in head[2:4]
    budget, offsets = _SHARED * size + 4096, [_number(head[8:16] if big else head[4:8], order)]
    while offsets and budget >= 0:
        at = offsets.pop()
        entries, following = _directory(take, at, order, big)
        known = entries["type"] < len(_SIZE_OF_TYPE)
        sizes = _SIZE_OF_TYPE[np.where(known, entries["type"], 0)].astype(float) * entries["count"].astype(float)
        budget -= 16 + entries.nbytes + int(min(sizes.sum(), 2.0**62))
        inner = entries["value"][np.isin(entries["tag"], SUB_DIRECTORIES)]
        offsets += [int(offset) for offset in (*inner[:16], following) if offset]
    return budget >= 0


def _number(field: bytes, order: str) -> int:
    return int.from_bytes(field, "little" if order == "<" else "big")


def _directory(take: Take, at: int, order: str, big: bool) -> tuple[NDArray[np.void], int]:
    """Return the entries of a directory, as far as they go, and the offset of the next one."""
    wide, head = ("8", 8) if big else ("4", 2)
    entry = np.dtype([(name, f"{order}u{size}") for name, size in _fields(wide)])
    count = min(_number(take(at, head), order), 2**16)
    raw = take(at + head, count * entry.itemsize + int(wide))
    entries = np.frombuffer(raw, entry, min(count, len(raw) // entry.itemsize))
    return entries, _number(raw[count * entry.itemsize :], order)


def _fields(wide: str) -> tuple[tuple[str, str], ...]:
    return ("tag", "2"), ("type", "2"), ("count", wide), ("value", wide)


def parse(exif: bytes) -> "Image.Exif | None":
    """Return the tags of an EXIF block, or None if it is broken or not bounded."""
    from PIL import Image

    from .opening import warnings_ignored

    tags = Image.Exif()
    try:
        if not is_bounded(exif):
            return None
        with warnings_ignored():
            tags.load(PREFIX + exif)
            tags.tobytes()  # some faults show only here
    except MemoryError:
        raise
    except Exception:  # Pillow raises many kinds on broken tags
        return None
    return tags


def without_layout(exif: bytes) -> "Image.Exif | None":
    """Return the tags of an EXIF block but those that describe a TIFF's pixels, or None if it is broken."""
    tags = parse(exif)
    if tags is not None:
        for tag in _TIFF_LAYOUT.intersection(tags):
            del tags[tag]
    return tags


def orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8; 1 if there is none, or none that is valid."""
    found = _orientation_entry(exif)
    value = _number(exif[found[0] : found[0] + 2], found[1]) if found else 1
    return value if 1 <= value <= 8 else 1


def has_orientation(exif: bytes) -> bool:
    """Tell whether a block gives an orientation."""
    return _orientation_entry(exif) is not None


def upright(exif: bytes) -> bytes:
    """Return the block with the orientation 1, and every other byte as it was."""
    found = _orientation_entry(exif)
    if not found:
        return exif
    at, order = found
    return exif[:at] + (1).to_bytes(2, "little" if order == "<" else "big") + exif[at + 2 :]


def _orientation_entry(exif: bytes) -> tuple[int, str] | None:
    """Return where the value of the orientation stands, and the byte order ("<" or ">"); None if there is none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4], "")
    if not order:
        return None
    at = _number(exif[4:8], order)
    entries, _ = _directory(lambda at, size: exif[at : at + size], at, order, big=False)
    short = np.flatnonzero((entries["tag"] == ORIENTATION) & (entries["type"] == 3) & (entries["count"] == 1))
    return (at + 2 + 12 * int(short[0]) + 8, order) if len(short) else None
