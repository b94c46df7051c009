"""Mutations of files that know their structure: checksums and sizes are made right again, so that decoders see them."""

import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sample_archives as sample

from dvcodec.codec.archives.layout import FILES, HEADER, MAX_COUNT, ArchiveHead, End, write_end, write_head
from dvcodec.codec.archives.splitting import join_files, split_files
from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.container import DvqFile, parse, payload_of
from dvcodec.codec.bitstream.header import BILEVEL, DEEP, LOSSY, METHODS, MODEL
from dvcodec.codec.bitstream.tiling import sections, strips
from dvcodec.errors import DvcodecError
from dvcodec.image_io.limits import MAX_SIDE, MODES

SIDES = (1, 2, 3, 7, 63, 64, 65, 255, 256, 257, 4096, 2**14, 2**16, MAX_SIDE)
"""Sides that headers claim."""
_MOST_SECTIONS = 2**10
_ONCE = ("icc", "palette", "adaptive_filter", "alpha", "exif", "xmp", "properties")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return a file that differs from a whole one, in most cases with right checksums."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        try:
            change = _archive if data.startswith(HEADER) else _image
            data = rng.choice((change,) * 7 + (_bytes,))(data, rng)
        except (DvcodecError, ValueError, IndexError, OverflowError):  # the format cannot hold it, or it is damaged
            data = _bytes(data, rng)
    return data


def _bytes(data: bytes, rng: random.Random) -> bytes:
    """Change, delete, insert or cut some bytes; what they mean is left alone."""
    at, count = rng.randrange(len(data) + 1), rng.choice((1, 1, 2, 8, 100))
    return rng.choice(
        (
            data[:at] + rng.randbytes(count) + data[at + count :],
            data[:at] + bytes([rng.choice((0, 1, 127, 128, 255))]) + data[at + 1 :],
            data[:at] + data[at + count :],
            data[:at] + rng.randbytes(count) + data[at:],
            data[:at] + data[:count] + data[at:],
            data[:at],
        )
    )


def parts_of(file: DvqFile) -> Parts:
    """Return the sections of a file, which are whole."""
    once: dict[str, Any] = {name: payload_of(getattr(file, name)) for name in _ONCE}
    return Parts(file.selected(len(file.chunks)), pixels=tuple(map(payload_of, file.pixels)), **once)


def _with(parts: Parts, name: str, value: Any) -> Parts:
    """Return the parts with another one in the place of one."""
    return replace(parts, **{name: value})


def _image(data: bytes, rng: random.Random) -> bytes:
    """Change a field of the header or a section of an image's file."""
    file = parse(data)
    change = rng.choice((_section, _section, _size, _field, _sections))
    header, parts = change(file.header, parts_of(file), rng)
    return assemble(header, parts)


def _section(header: Any, parts: Parts, rng: random.Random) -> tuple[Any, Parts]:
    """Change the bytes of a section."""
    there = [name for name in ("chunks", "pixels", *_ONCE) if getattr(parts, name)]
    name = rng.choice(there)
    own = getattr(parts, name)
    if isinstance(own, bytes):
        return header, _with(parts, name, _inside(own, rng))
    index = rng.randrange(len(own))
    old = own[index]
    new = replace(old, payload=_bytes(old.payload, rng)) if isinstance(old, Chunk) else _inside(old, rng)
    return header, _with(parts, name, (*own[:index], new, *own[index + 1 :]))


def _inside(section: bytes, rng: random.Random) -> bytes:
    """Change the bytes of a section: as they are, those that it deflates, or the size that a PNG file inside claims."""
    if section.startswith(b"\x89PNG") and rng.random() < 0.5:
        return _png(section, rng)
    for start in rng.sample((1, 2), 2):  # a byte says the method, of ICC perhaps two
        inflate = zlib.decompressobj(-15)
        try:
            plain = inflate.decompress(section[start:], 2**16)
        except zlib.error:
            continue
        if inflate.eof and rng.random() < 0.7:
            deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
            changed = rng.choice((_bytes(plain, rng), plain * rng.choice((2, 2**10)), bytes(rng.choice((0, 2**24)))))
            return section[:start] + deflate.compress(changed) + deflate.flush()
    return _bytes(section, rng)


def _png(file: bytes, rng: random.Random) -> bytes:
    """Return a PNG file with another size in its header, whose checksum is right."""
    sides = b"".join(rng.choice((*SIDES, 2**31 - 1)).to_bytes(4, "big") for _ in range(2))
    header = b"IHDR" + sides + file[24:29]
    return file[:12] + header + zlib.crc32(header).to_bytes(4, "big") + file[33:]


def _size(header: Any, parts: Parts, rng: random.Random) -> tuple[Any, Parts]:
    """Claim another size, with as many sections as it asks for."""
    sides: dict[str, Any] = {"width": rng.choice(SIDES), "height": rng.choice(SIDES)}
    if rng.random() < 0.5:
        del sides[rng.choice(("width", "height"))]
    header = replace(header, **sides)
    counts: dict[str, Callable[[int, int], Any]] = {MODEL: strips, DEEP: strips, BILEVEL: sections}
    if parts.pixels and header.kind in counts and header.width * header.height <= 2**28:
        count = min(_MOST_SECTIONS, len(counts[header.kind](header.height, header.width)) + (header.kind == DEEP))
        parts = replace(parts, pixels=tuple(parts.pixels[i % len(parts.pixels)] for i in range(count)))
    return header, parts


def _field(header: Any, parts: Parts, rng: random.Random) -> tuple[Any, Parts]:
    """Change mode, quality, kind, or an id of weights."""
    name = rng.choice(("mode", "quality", "kind", "weights", "pixel_weights", "samples_crc", "white"))
    values: dict[str, Any] = {
        "mode": rng.choice(MODES),
        "quality": rng.choice((0, 1, 255, 256, 257, 5000, 25600, 25601, 65535)),
        "kind": rng.choice((LOSSY, *METHODS)),
        "weights": rng.choice((header.pixel_weights, rng.randbytes(8))),
        "pixel_weights": rng.choice((header.weights, rng.randbytes(8))),
        "white": rng.choice((0, 1, 255, 256, 4095, 2**16 - 1)),
        "samples_crc": rng.getrandbits(32),
    }
    return replace(header, **{name: values[name]}), parts


def _sections(header: Any, parts: Parts, rng: random.Random) -> tuple[Any, Parts]:
    """Leave out, repeat, add or reorder sections."""
    if rng.random() < 0.5:
        return header, _with(parts, rng.choice(_ONCE), rng.randbytes(rng.choice((0, 1, 9, 300))))
    name = rng.choice(("chunks", "pixels"))
    own = list(getattr(parts, name))
    rng.choice((lambda: rng.shuffle(own), lambda: own.extend(own[:1]), lambda: own.__delitem__(slice(0, 1))))()
    own = [replace(each, layers=rng.randint(1, 9)) if isinstance(each, Chunk) else each for each in own]
    return header, _with(parts, name, tuple(own))


def _archive(data: bytes, rng: random.Random) -> bytes:
    """Change a segment of an archive, the order of its segments, or its end mark."""
    found = list(sample.segments(data))
    heads = [
        (head, data[names : names + head.names_size], data[names + head.names_size : end])
        for head, _, names, end in found
        if isinstance(head, ArchiveHead)
    ]
    ends = [head for head, *_ in found if isinstance(head, End)]
    end = ends[-1]
    action, at = rng.random(), rng.randrange(len(heads))
    if action < 0.7:
        heads[at] = _segment(*heads[at], rng)
    elif action < 0.9:
        heads = rng.choice((heads[:at] + heads[at + 1 :], [*heads, heads[at]], rng.sample(heads, len(heads))))
    else:
        end = replace(end, images=rng.choice((0, 1, 2**24)), segments=rng.choice((0, 1, 2**20)))
    return HEADER + b"".join(sealed(*each) for each in heads) + write_end(end)


def sealed(head: ArchiveHead, names: bytes, payload: bytes) -> bytes:
    """Return a segment with right sizes and checksums."""
    sized = replace(head, payload_size=len(payload), payload_crc=zlib.crc32(payload))
    return write_head(replace(sized, names_size=len(names), names_crc=zlib.crc32(names))) + names + payload


def _segment(head: ArchiveHead, names: bytes, payload: bytes, rng: random.Random) -> tuple[ArchiveHead, bytes, bytes]:
    """Change a head, its names or its payload."""
    action = rng.random()
    if action < 0.2:
        return head, _bytes(names, rng), payload
    if action < 0.5 and head.kind == FILES:
        files = [payload[at] for at in split_files(payload, len(head.positions))]
        at = rng.randrange(len(files))
        files[at] = mutated(files[at], rng)
        return head, names, join_files(files)
    if action < 0.6:
        return head, names, _bytes(payload, rng)
    first, count = rng.choice((0, 1, 2**24 - 1, 2**23)), rng.choice((1, 2, MAX_COUNT))
    values: dict[str, Any] = {
        "positions": rng.choice((head.positions[:1], tuple(range(first, first + count)))),
        "width": rng.choice(SIDES),
        "height": rng.choice(SIDES),
        "mode": rng.choice(MODES),
        "samples_crc": rng.getrandbits(32),
        "palette": rng.random() < 0.5,
    }
    name = rng.choice(list(values) if head.kind != FILES else ["positions"])
    return replace(head, **{name: values[name]}), names, payload
