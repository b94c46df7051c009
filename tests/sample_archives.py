"""Small archives for tests, and ways to look into them and to damage them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from test_lossless import same

import dvcodec
from dvcodec.codec.archives.layout import HEADER, ArchiveHead, End, parse, write_end
from dvcodec.codec.archives.members import Member, members
from dvcodec.codec.archives.reader import Archive, Loss
from dvcodec.codec.loaders import Loaders, installed

Named = list[tuple[str, Image.Image]]


def digits(count: int, side: int = 12, start: int = 0, mode: str = "1") -> Named:
    """Bilevel blobs that are alike, named d0000.png on."""
    made = []
    y, x = np.mgrid[:side, :side]
    for index in range(start, start + count):
        cy, cx, radius = np.random.default_rng(index).uniform((3, 3, 1), (side - 3, side - 3, 4))
        blob = ((y - cy) ** 2 + (x - cx) ** 2 < radius**2).astype(np.uint8) * np.uint8(255)
        made.append((f"d{index:04}.png", Image.fromarray(blob).convert(mode)))
    return made


def small(path: Path, *, names: bool = True) -> Named:
    """Write an archive of three mosaics, a segment of files and nothing that a model codes; return the images."""
    images = [*digits(12), *digits(6, 9, 100, "L"), *digits(9, 14, 200)]
    kept = Image.new("RGB", (5, 4), (1, 2, 3))
    kept.info["icc_profile"] = b"icc" * 5
    images.append(("kept.png", kept))
    write(path, images if names else [("", image) for _, image in images])
    return images


def write(path: Path, images: Iterable[tuple[str, Image.Image]], method: str | None = None) -> None:
    """Write an archive, over any that is there."""
    dvcodec.compress_archive(images, path, method=method, force=True, lossless=True)


def read(path: Path, loaders: Loaders | None = None) -> tuple[dict[int, Member], list[Loss]]:
    """The images that are whole, by place, and what is wrong."""
    with Archive(path) as archive:
        parts = list(members(archive, loaders or installed("cpu")))
    found = {part.position: part for part in parts if isinstance(part, Member)}
    losses = [part for part in parts if isinstance(part, Loss)]
    assert len(found) + len(losses) == len(parts)
    return found, losses


def segments(data: bytes) -> Iterator[tuple[ArchiveHead | End, int, int, int]]:
    """Every head of a whole archive, and where it begins, where its names begin, and where the segment ends."""
    at = len(HEADER)
    while at < len(data):
        head, size = parse(data[at : at + 2048])
        end = at + size + (head.names_size + head.payload_size if isinstance(head, ArchiveHead) else 0)
        yield head, at, at + size, end
        at = end


def joined(*parts: bytes, images: int, count: int) -> bytes:
    """An archive of segments that are bytes already."""
    return HEADER + b"".join(parts) + write_end(End(images, count))


def kinds(path: Path) -> list[tuple[str, int]]:
    """Kind and number of images of every segment."""
    return [(part.kind, len(part.images)) for part in dvcodec.archive_info(path).segments]


def back(path: Path) -> list[tuple[str, Image.Image]]:
    """All images of an archive in their order."""
    found = sorted(dvcodec.decompress_archive(path, device="cpu"), key=lambda one: one.position)
    assert [one.position for one in found] == list(range(len(found)))
    return [(one.name, one.image) for one in found]


def equal(one: list[tuple[str, Image.Image]], other: list[tuple[str, Image.Image]]) -> bool:
    """Whether names, images and order are the same."""
    names = [name for name, _ in one] == [name for name, _ in other]
    return names and all(same(a, b) for (_, a), (_, b) in zip(one, other, strict=True))
