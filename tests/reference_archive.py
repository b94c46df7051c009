"""A second reader of archives, written from docs/FORMAT.md alone: pure Python, no code of the package.

It reads whole archives whose images are all coded by the method `stored`.
"""

import zlib

MODES = ("1", "L", "LA", "RGB", "RGBA", "P", "PA")
CHANNELS = {"1": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "P": 1, "PA": 2}
Image = tuple[str, str, int, int, bytes]
"""Name, mode, width, height, samples (mode 1: bits, rows begin a byte)."""


class Bytes:
    """A cursor."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        """The next bytes."""
        self.at += count
        assert self.at <= len(self.data)
        return self.data[self.at - count : self.at]

    def number(self, size: int) -> int:
        """A fixed number."""
        return int.from_bytes(self.take(size), "little")

    def varint(self) -> int:
        """LEB128."""
        value, shift, byte = 0, 0, 0x80
        while byte & 0x80:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
        return value

    def seal(self, start: int) -> None:
        """A CRC-32 of all bytes since `start`."""
        expected = zlib.crc32(self.data[start : self.at])
        assert self.number(4) == expected


def read(data: bytes) -> list[Image]:
    """The images of an archive in their order."""
    assert data[:6] == b"\x8bDVQ\4\5"
    found: dict[int, Image] = {}
    source, segments = Bytes(data, 6), 0
    while True:
        start = source.at
        assert source.take(2) == b"\xd1S"
        form = source.number(1)
        if form & 3 == 3:
            assert (source.varint(), source.varint()) == (len(found), segments)
            source.take(8 * source.varint())
            source.seal(start)
            assert source.at == len(data) and sorted(found) == list(range(len(found)))
            return [found[place] for place in sorted(found)]
        found |= segment(source, start, form)
        segments += 1


def segment(source: Bytes, start: int, form: int) -> dict[int, Image]:
    """The images of a segment by place."""
    count, places = source.number(1) + 1, [source.varint()]
    for _ in range(count - 1):
        places.append(places[-1] + 1 + (source.varint() if form & 4 else 0))
    kind, mode = form & 3, MODES[form >> 5]
    width, height = (source.varint(), source.varint()) if kind else (0, 0)
    names_size, names_crc = (source.varint(), source.number(4)) if form & 8 else (0, 0)
    size, crc = source.varint(), source.number(4)
    samples_crc = source.number(4) if kind else 0
    source.seal(start)
    section, payload = source.take(names_size), source.take(size)
    assert zlib.crc32(payload) == crc and zlib.crc32(section) == names_crc
    names = zlib.decompress(section, -15).decode().split("\0") if section else [""] * count
    if kind == 0:
        inner = Bytes(payload)
        sizes = [inner.varint() for _ in range(count)]
        images = [file(inner.take(size)) for size in sizes]
        assert inner.at == len(payload)
    else:
        assert kind == 1
        images = mosaic(payload, bool(form & 16), count, mode, width, height, samples_crc)
    return {place: (name, *image) for place, name, image in zip(places, names, images, strict=True)}


def mosaic(
    payload: bytes, palette: bool, count: int, mode: str, width: int, height: int, crc: int
) -> list[tuple[str, int, int, bytes]]:
    """The images of a mosaic."""
    source = Bytes(payload)
    assert source.number(1) == 1
    if palette:
        source.take(source.varint())
    samples = stored(payload[source.at :], mode, width, count * height, crc)
    step = len(samples) // count
    return [(mode, width, height, samples[i : i + step]) for i in range(0, len(samples), step)]


def stored(section: bytes, mode: str, width: int, height: int, crc: int) -> bytes:
    """The samples of the method `stored`, against their checksum."""
    samples = zlib.decompress(section[1:], -15) if section[0] == 1 else section[1:]
    row = -(-width // 8) if mode == "1" else width * CHANNELS[mode]
    assert section[0] in (0, 1) and len(samples) == row * height
    spread = samples
    if mode == "1":
        rows = [samples[i : i + row] for i in range(0, len(samples), row)]
        spread = bytes(255 * (line[x >> 3] >> (7 - x % 8) & 1) for line in rows for x in range(width))
    assert zlib.crc32(spread) == crc
    return samples


def file(data: bytes) -> tuple[str, int, int, bytes]:
    """A file of the kind `stored`."""
    source = Bytes(data)
    assert source.take(6) == b"\x8bDVQ\4\1"
    form = source.number(1)
    flags = form >> 3
    width, height, crc = source.varint(), source.varint(), source.number(4)
    sizes = {}
    for part, present in (
        ("icc", flags & 1),
        ("palette", flags & 8),
        ("pixels", 1),
        ("exif", flags & 2),
        ("xmp", flags & 4),
        ("properties", flags & 16),
    ):
        sizes[part] = source.varint() if present else 0
        source.take(4 if sizes[part] else 0)
    source.seal(0)
    source.take(sizes["icc"] + sizes["palette"])
    mode, section = MODES[form & 7], source.take(sizes["pixels"])
    assert source.at + sizes["exif"] + sizes["xmp"] + sizes["properties"] == len(data)
    return mode, width, height, stored(section, mode, width, height, crc)
