"""Small files of every kind, section and mode, to be mutated."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sample_archives as sample
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import dvcodec
from dvcodec.codec.archives.layout import KINDS as SEGMENTS
from dvcodec.codec.archives.layout import ArchiveHead
from dvcodec.codec.bitstream.assembly import Parts
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.bitstream.header import ARCHIVE, KINDS
from fake import file_of, photograph

GOLDEN = Path(__file__).parent / "golden"
KEPT = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "TIFF", "JPEG2000", "BMP", "PPM")
"""Formats of files that are kept."""


def colour(height: int = 20, width: int = 24) -> Image.Image:
    """A picture of colours with every kind of metadata."""
    image = Image.fromarray(photograph(height, width))
    exif = Image.Exif()
    exif[274], exif[270] = 6, "turned"
    image.info |= {"icc_profile": b"icc" * 20, "exif": exif.tobytes(), "xmp": b"<x/>"}
    image.info |= {"dpi": (96, 72), "comment": b"some text"}
    return image


def clear(height: int = 20, width: int = 24) -> Image.Image:
    """A picture with an alpha channel of many values."""
    return Image.fromarray(np.dstack([photograph(height, width), photograph(height, width, 1)[:, :, 0]]))


def with_colour_chunks() -> bytes:
    """A PNG file whose colours are described by chunks, and that has texts."""
    chunks, stream = PngInfo(), io.BytesIO()
    chunks.add(b"gAMA", (45455).to_bytes(4, "big"))
    chunks.add_text("Comment", "a text")
    Image.fromarray(photograph(9, 11)).save(stream, "PNG", pnginfo=chunks, dpi=(300, 300))
    return stream.getvalue()


def single() -> Iterator[tuple[str, bytes]]:
    """Files of one image, with every section; no method needs a model of pixels."""
    yield "lossy", dvcodec.compress(colour())
    yield "lossy alpha", dvcodec.compress(clear())
    yield "lossy colours", dvcodec.compress(with_colour_chunks())
    pictures: dict[str, tuple[str, Any]] = {
        "alpha": ("stored", clear()),
        "palette": ("stored", clear().quantize()),
        "metadata": ("webp", colour()),
        "indices": ("webp", colour().quantize(16)),
        "black and white": ("stored", colour().convert("1")),
    }
    for name, (method, picture) in pictures.items():
        yield f"{method} {name}", dvcodec.compress(picture, lossless=True, method=method)
    y, x = np.mgrid[:9, :12]
    slope = (x * 300 + y * y * 70).astype(np.uint16)
    for method in ("deep", "stored"):
        yield f"{method} slope", dvcodec.compress(slope, lossless=True, method=method)
    for format in KEPT:
        yield f"file {format}", dvcodec.compress(file_of(colour(), format), lossless=True, method="file")


def archives(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Archives that need no model of pixels, of every kind of segment that such archives have."""
    path = folder / "a.dvq"
    sample.small(path)
    yield "archive", path.read_bytes()
    pictures = [(f"{i}.png", Image.fromarray(photograph(16, 20, i))) for i in range(3)]
    dvcodec.compress_archive([*pictures, ("alpha.png", clear())], path, force=True, quality=60)
    yield "archive lossy", path.read_bytes()
    files = [(format, file_of(colour(), format)) for format in ("PNG", "JPEG", "GIF")]
    deep = np.arange(300, dtype=np.uint16).reshape(15, 20) * np.uint16(200)
    dvcodec.compress_archive(files, path, force=True, lossless=True, method="file")
    yield "archive files", path.read_bytes()
    dvcodec.compress_archive([("deep.png", deep)], path, force=True, lossless=True)
    yield "archive deep", path.read_bytes()


def golden() -> Iterator[tuple[str, bytes]]:
    """All golden files: models of pixels, black and white, bits-back, and filters are among them."""
    for path in sorted(GOLDEN.rglob("*.dvq")):
        if "damaged" not in path.parts:
            yield str(path.relative_to(GOLDEN)), path.read_bytes()


def lacking(files: dict[str, bytes]) -> set[str]:
    """Return the kinds of files and segments, modes and sections that files lack altogether."""
    wanted = {*KINDS, *SEGMENTS, *Parts.__dataclass_fields__, "1", "L", "LA", "RGB", "RGBA", "P", "deep samples"}
    found = set()
    for data in files.values():
        kind = KINDS[data[5]]
        found.add(kind)
        if kind == ARCHIVE:
            found |= {head.kind for head, *_ in sample.segments(data) if isinstance(head, ArchiveHead)}
            continue
        file = parse(data)
        found |= {section.part for section in file.sections} | {file.header.mode}
        found |= {"deep samples"} if file.header.deep else set()
    return wanted - found
