"""Write an archive as a stream: images go in one by one, and segments are written as soon as they are full."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from ...errors import InvalidArgument, UnsupportedImage
from ...image_io.images import Picture
from ..bitstream.header import FILE
from . import choice, names
from .choice import Together
from .coders import Coders
from .grouping import Group, Waiting, stands_alone
from .layout import (
    FILES,
    HEADER,
    KINDS,
    MAX_COUNT,
    MAX_IMAGES,
    MAX_WEIGHTS,
    SET,
    ArchiveHead,
    End,
    write_end,
    write_head,
)
from .splitting import join_files

FILES_BYTES = 2**20
"""Bytes above which a segment of files takes no further file."""
WEIGHTS_EVERY = 64
"""Every 64th set repeats the id of its weights, in case the first ones are damaged."""


@dataclass
class Totals:
    """What was written into an archive."""

    images: int = 0
    segments: int = 0
    pixels: int = 0
    bytes: int = 0
    """Bytes of the whole archive."""
    name_bytes: int = 0
    """Those of `bytes` that are names."""
    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    """For each kind of segment that occurs, the numbers of segments, images and bytes without names."""


class Writer:
    """Writes pictures into segments and keeps few of them in memory."""

    def __init__(self, file: BinaryIO, coders: Coders) -> None:
        """Start an archive by writing its header to a binary file."""
        self._file, self._coders = file, coders
        self._waiting = Waiting()
        self._files: list[tuple[int, str, bytes]] = []
        self._taken: set[str] = set()
        self._weights: list[bytes] = []
        self._sets = 0
        self.totals = Totals()
        self._write(HEADER)

    def add(self, picture: Picture, name: str = "", original: bytes = b"") -> None:
        """Add a picture. After an error the archive can be continued without it.

        Args:
            picture: The picture, with its metadata.
            name: A safe name that no other picture has, or an empty one.
            original: The image file that it was read from, which is kept as it is where that takes the fewest bytes.

        Raises:
            UnsupportedImage: If the method of the archive cannot code the picture.
            TargetUnreachable: If no quality reaches the target of a lossy archive.
            InvalidArgument: If the name is not safe or not unique, or the archive is full.
        """
        self._check_name(name)
        if self._coders.lossy is None:
            choice.check(picture, self._coders, original)
        if self.totals.images >= MAX_IMAGES:
            raise InvalidArgument(f"an archive holds {MAX_IMAGES} images at most")
        position = self.totals.images
        ready: list[Group] = []
        if self._coders.lossy is not None:
            self._add_files([(position, name, self._coders.lossy(picture))])
        elif stands_alone(picture) or self._coders.method == FILE:
            self._add_files([(position, name, choice.file(picture, self._coders, original).data)])
        else:
            ready = self._waiting.add(position, name, picture, original)
        self._count(picture, name)
        for group in ready:
            self._flush(group)

    def _check_name(self, name: str) -> None:
        if name and not names.is_safe(name):
            raise InvalidArgument(f"the name {name!r} is not safe on every system", "choose another")
        if name and names.key(name) in self._taken:
            raise InvalidArgument(f"two images would be extracted as {names.target(name, 0)}", "rename one")

    def _count(self, picture: Picture, name: str) -> None:
        self.totals.images += 1
        self.totals.pixels += picture.pixels.shape[0] * picture.pixels.shape[1]
        if name:
            self._taken.add(names.key(name))

    def finish(self) -> Totals:
        """Write the images that wait and the end mark; raise UnsupportedImage if no image was added."""
        if not self.totals.images:
            raise UnsupportedImage("there are no images to put into the archive")
        for group in self._waiting.rest():
            self._flush(group)
        self._flush_files()
        self._write(write_end(End(self.totals.images, self.totals.segments, tuple(self._weights))))
        return self.totals

    def _flush(self, group: Group) -> None:
        """Write a group as a segment, or add its images to the files that wait."""
        coded = choice.code(group, self._coders)
        if isinstance(coded, Together):
            self._together(group, coded)
        else:
            self._add_files(list(zip(group.positions, group.names, coded, strict=True)))

    def _together(self, group: Group, coded: Together) -> None:
        number, weights_id = self._number(coded.weights_id) if coded.kind == SET else (0, b"")
        head = ArchiveHead(
            coded.kind,
            tuple(group.positions),
            len(coded.payload),
            zlib.crc32(coded.payload),
            mode=group.alike.mode,
            height=group.alike.height,
            width=group.alike.width,
            samples_crc=coded.samples_crc,
            palette=coded.palette,
            weights=number,
            weights_id=weights_id,
        )
        self._segment(head, group.names, coded.payload)

    def _number(self, weights_id: bytes) -> tuple[int, bytes]:
        """Return the number that stands for weights in this archive, and their id where it must be written."""
        new = weights_id not in self._weights
        if new and len(self._weights) == MAX_WEIGHTS:
            raise InvalidArgument(f"an archive can use {MAX_WEIGHTS} bits-back models at most")
        if new:
            self._weights.append(weights_id)
        self._sets += 1
        return self._weights.index(weights_id), weights_id if new or self._sets % WEIGHTS_EVERY == 0 else b""

    def _add_files(self, entries: Sequence[tuple[int, str, bytes]]) -> None:
        for entry in entries:
            self._files.append(entry)
            if len(self._files) == MAX_COUNT or sum(len(data) for *_, data in self._files) >= FILES_BYTES:
                self._flush_files()

    def _flush_files(self) -> None:
        """Write the files that wait as one segment, if there are any."""
        if not self._files:
            return
        positions, own_names, files = zip(*sorted(self._files), strict=True)
        self._files = []
        payload = join_files(files)
        self._segment(ArchiveHead(FILES, positions, len(payload), zlib.crc32(payload)), list(own_names), payload)

    def _segment(self, head: ArchiveHead, own_names: list[str], payload: bytes) -> None:
        section = names.pack(own_names)
        named = ArchiveHead(**{**vars(head), "names_size": len(section), "names_crc": zlib.crc32(section)})
        data = write_head(named)
        before = self.totals.bytes
        self._write(data + section + payload)
        extra = len(data) - len(write_head(head)) + len(section)
        self._note(head, self.totals.bytes - before - extra, extra)

    def _note(self, head: ArchiveHead, size: int, name_bytes: int) -> None:
        assert head.kind in KINDS
        kind = self.totals.kinds.setdefault(head.kind, {"segments": 0, "images": 0, "bytes": 0})
        kind["segments"] += 1
        kind["images"] += len(head.positions)
        kind["bytes"] += size
        self.totals.segments += 1
        self.totals.name_bytes += name_bytes

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self.totals.bytes += len(data)
