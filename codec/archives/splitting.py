"""Join files into the payload of a segment and split it again. This needs no numpy."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from ...errors import FormatError, TruncatedFile
from ..bitstream.varint import Reader, write_varint
from .layout import MAX_PAYLOAD


def join_files(files: Sequence[bytes]) -> bytes:
    """Return the payload: the sizes of all files, followed by the files."""
    return b"".join([*(write_varint(len(data)) for data in files), *files])


def split_files(payload: bytes, count: int) -> list[slice]:
    """Return where in a payload its `count` files lie; raise FormatError if the sizes do not fit the payload."""
    reader = Reader(payload)
    try:
        sizes = [reader.varint("the size of a file", MAX_PAYLOAD) for _ in range(count)]
    except TruncatedFile:
        sizes = []
    if not sizes or reader.position + sum(sizes) != len(payload):
        raise FormatError("the sizes of a segment's files are not valid")
    ends = list(accumulate(sizes, initial=reader.position))
    return [slice(start, end) for start, end in pairwise(ends)]
