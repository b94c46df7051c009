"""Read TIFF files of 16 bits a sample whose channels lie in planes, one after the other, and mend those of one plane.

Of several planes, Pillow takes one byte of each such sample: the upper one of compressed planes, and every byte of
others as a sample. But a plane by itself is a grey image, which it reads well. So each plane becomes a TIFF file of its
own, in memory, with the bytes of the strips or tiles as they are.
"""

import io
import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from ..errors import UnsupportedImage
from .opening import read_header

_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _OFFSETS, _ORIENTATION = 258, 259, 262, 266, 273, 274
_SAMPLES, _SIZES, _PLANAR = 277, 279, 284
_TILE_OFFSETS, _TILE_SIZES, _EXTRA, _FORMAT = 324, 325, 338, 339
_COPIED = (256, 257, _COMPRESSION, _FILL_ORDER, _ORIENTATION, 278, 317, 322, 323)
"""Tags that a plane has as the whole has: size, orientation, rows, tiles, and how its bytes are packed."""
_GREY, _RGB, _STRAIGHT = 1, 2, 2
_UNSIGNED, _SEPARATE = 1, 2
_CHANNELS = {"RGB": 3, "RGBA": 4}
_LONG = 4
_HEAD = 8


def are_separate(image: Image.Image) -> bool:
    """Tell whether an image is a TIFF file whose channels lie in planes."""
    return isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_PLANAR) == _SEPARATE


def mend(image: Image.Image) -> None:
    """Let the decoder of a TIFF file of one plane, not compressed, take the samples in the mode that they have.

    Pillow names each plane by one letter of the mode, and forgets what follows the letter: bits, order, inversion. Of
    planes beyond the channels it takes what follows for a letter; they are left out.

    Args:
        image: An image; others than these are left as they are.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not are_separate(image):
        return
    tags = image.tag_v2
    formats, bits = tags.get(_FORMAT, (_UNSIGNED,)), tags.get(_BITS, (1,))
    key = (tags.prefix, tags.get(_PHOTOMETRIC, 0), formats[:1], tags.get(_FILL_ORDER, 1), bits[:1], ())
    known = TiffImagePlugin.OPEN_INFO.get(key)
    raw: list[Any] = [tile for tile in image.tile if tile.codec_name == "raw"]
    if tags.get(_SAMPLES, 1) == 1 and known:
        image.tile = [tile._replace(args=(known[1], *tile.args[1:])) for tile in raw] or image.tile
    elif raw:
        image.tile = [tile for tile in raw if tile.args[0] != ";"]


def are_read(image: Image.Image) -> bool:
    """Tell whether `read` gives the samples of an image exactly.

    Args:
        image: The image, not loaded if it comes from a file.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not image.tile or image.mode not in _CHANNELS:
        return False
    tags, channels = image.tag_v2, _CHANNELS[image.mode]
    plain = tags.get(_PHOTOMETRIC) == _RGB and set(tags.get(_BITS, ())) == {16}
    straight = channels == 3 or tags.get(_EXTRA, ())[:1] == (_STRAIGHT,)
    unsigned = set(tags.get(_FORMAT, (_UNSIGNED,))) == {_UNSIGNED}
    return are_separate(image) and plain and straight and unsigned


def read(image: Image.Image, file: BinaryIO) -> NDArray[np.uint16]:
    """Return the samples of an image that `are_read`, (H, W, 3 or 4). The file's position is kept.

    Raises:
        UnsupportedImage: If the planes do not lie in the file.
        OSError and others: If the file is broken.
    """
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    at = file.tell()
    try:
        planes = [_plane(image, file, index) for index in range(_CHANNELS[image.mode])]
    finally:
        file.seek(at)
    return np.dstack(planes)


def _plane(image: TiffImagePlugin.TiffImageFile, file: BinaryIO, index: int) -> NDArray[np.uint16]:
    reader: Any = TiffImagePlugin.TiffImageFile
    plane: Any = read_header(reader, io.BytesIO(_file_of(image, file, index)))
    plane.load()
    return np.asarray(plane).astype(np.uint16)


def _file_of(image: TiffImagePlugin.TiffImageFile, file: BinaryIO, index: int) -> bytes:
    """Return a TIFF file of one plane: the bytes of its strips or tiles, and then the tags."""
    tags = image.tag_v2
    offset_tag, size_tag = (_TILE_OFFSETS, _TILE_SIZES) if _TILE_OFFSETS in tags else (_OFFSETS, _SIZES)
    offsets, sizes = (_of_plane(tags.get(tag, ()), index, tags.get(_SAMPLES, 1)) for tag in (offset_tag, size_tag))
    if not offsets or len(offsets) != len(sizes) or sum(sizes) > file.seek(0, io.SEEK_END):
        raise UnsupportedImage("cannot read the image: its planes do not lie in the file")
    parts = []
    for offset, size in zip(offsets, sizes, strict=True):
        file.seek(offset)
        parts.append(file.read(size))
    if [len(part) for part in parts] != sizes:
        raise UnsupportedImage("cannot read the image: it is cut short")
    own = {tag: [int(tags[tag])] for tag in _COPIED if tag in tags}
    own |= {_BITS: [16], _PHOTOMETRIC: [_GREY], _SAMPLES: [1], size_tag: sizes}
    own[offset_tag] = [_HEAD + end - size for end, size in zip(accumulate(sizes), sizes, strict=True)]
    return _with_tags(b"".join(parts), own, tags.prefix)


def _of_plane(values: Sequence[int], index: int, planes: int) -> list[int]:
    """Return the offsets or sizes that belong to a plane: those of all planes stand one after the other."""
    count = len(values) // planes
    return list(values[index * count : (index + 1) * count])


def _with_tags(body: bytes, tags: dict[int, list[int]], prefix: bytes) -> bytes:
    """Return a TIFF file of some bytes, which begin at `_HEAD`, and tags, whose values are written in 32 bits."""
    order, at = "<" if prefix == b"II" else ">", _HEAD + len(body)
    far, entries, behind = b"", b"", at + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        here = packed if len(values) == 1 else struct.pack(f"{order}I", behind + len(far))
        far += b"" if len(values) == 1 else packed
        entries += struct.pack(f"{order}HHI", tag, _LONG, len(values)) + here
    head = prefix + struct.pack(f"{order}HI", 42, at)
    return head + body + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + far
