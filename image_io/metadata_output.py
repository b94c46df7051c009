"""Turn metadata into arguments of Pillow's save(), and name what a format cannot hold."""

from typing import Any

from . import colour, exif
from .colour import is_srgb
from .formats import Format
from .metadata import COMMENT, Metadata

_PARSES_EXIF = frozenset({"TIFF", "AVIF"})
"""Formats that Pillow writes EXIF to tag by tag, or not at all."""


def save_arguments(kept: Metadata, format: Format) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return Pillow's arguments that write metadata.

    Args:
        kept: The metadata.
        format: The format to write.

    Returns:
        The arguments, and the names of what the format cannot hold: "ICC", "EXIF", "XMP", "resolution", "comment" and
        "texts".
    """
    comment, texts = _texts(kept)
    fits = {
        "ICC": len(kept.icc) <= format.icc,
        "EXIF": _exif_fits(kept.exif, format),
        "XMP": len(kept.xmp) <= format.xmp and _is_text(kept.xmp),
        "resolution": kept.dpi is None or 1 <= min(kept.dpi) <= max(kept.dpi) <= format.resolution,
        "comment": len(comment.encode("utf-8", "replace")) <= format.comment,
        "texts": not texts or (format.texts and all(map(_is_keyword, texts))),
    }
    arguments: dict[str, Any] = {"icc_profile": kept.icc} if kept.icc and fits["ICC"] else {}
    if kept.dpi is not None and fits["resolution"]:
        arguments["dpi"] = kept.dpi
    block, packet = kept.exif if fits["EXIF"] else b"", kept.xmp if fits["XMP"] else b""
    if format.name == "PNG":
        arguments |= _png_arguments(packet, dict(kept.texts), kept.icc)
        arguments |= {"icc_profile": b""} if is_srgb(kept.icc) else {}  # PNG has either this or the chunk sRGB
    else:
        arguments |= {"comment": comment.encode("utf-8", "replace")} if comment and fits["comment"] else {}
        arguments |= {"xmp": packet} if packet and format.name != "TIFF" else {}
    arguments |= _tiff_arguments(block, packet) if format.name == "TIFF" else {}
    arguments |= {"exif": exif.PREFIX + block} if block and format.name != "TIFF" else {}
    return arguments, tuple(name for name, there in fits.items() if not there)


def _texts(kept: Metadata) -> tuple[str, dict[str, str]]:
    """Return the comment and the other texts."""
    texts = dict(kept.texts)
    return texts.pop(COMMENT, ""), texts


def _exif_fits(block: bytes, format: Format) -> bool:
    if block and len(block) <= format.exif and format.name in _PARSES_EXIF:
        return exif.without_layout(block) is not None
    return len(block) <= format.exif


def _is_text(packet: bytes) -> bool:
    try:
        packet.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_keyword(keyword: str) -> bool:
    """Tell whether PNG takes a keyword: 1 to 79 printable characters of Latin-1."""
    return 1 <= len(keyword) <= 79 and all(c.isprintable() and ord(c) < 256 for c in keyword)


def _png_arguments(packet: bytes, texts: dict[str, str], icc: bytes) -> dict[str, Any]:
    """Return Pillow's arguments for chunks: XMP and texts, and colours that came from chunks before."""
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    if packet:
        chunks.add_itxt("XML:com.adobe.xmp", packet.decode())
    for keyword, text in texts.items():
        if _is_keyword(keyword):
            chunks.add_text(keyword, text.encode("utf-8", "replace").decode())
    meant = colour.of_profile(icc)
    for kind, body in meant.png_chunks() if meant is not None else ():
        chunks.add(kind, body)
    return {"pnginfo": chunks} if chunks.chunks else {}


def _tiff_arguments(block: bytes, packet: bytes) -> dict[str, Any]:
    """Return Pillow's arguments for TIFF, which keeps EXIF and XMP as tags of its own directory."""
    from PIL import Image

    tags = (exif.without_layout(block) if block else None) or Image.Exif()
    if packet:
        tags[exif.XMP_TAG] = packet
    # libtiff, which compresses, cannot write directories inside the directory; Pillow's own writer can
    plain: dict[str, Any] = {"compression": None} if any(tag in tags for tag in exif.SUB_DIRECTORIES) else {}
    return {"exif": tags, **plain} if len(tags) else {}
