"""Read the metadata of a Pillow image, and name what a .dvq file cannot hold of them."""

import math
from typing import TYPE_CHECKING

from . import exif, xmp
from .metadata import COMMENT, LIMIT, MOST_TEXTS, RESERVED, Metadata, per_metre_of
from .opening import warnings_ignored

if TYPE_CHECKING:
    from PIL import Image

_RAW_EXIF = "Raw profile type exif"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_TIFF_IPTC, _TIFF_PHOTOSHOP, _PHOTOSHOP_IPTC = 33723, 34377, 1028


def read(image: "Image.Image") -> tuple[Metadata, tuple[str, ...]]:
    """Return the metadata of a loaded image, and the names of what is left out.

    Values may be bytes, bytearrays, memory views and, for EXIF, Pillow's Exif; what is of another type is left out.

    Args:
        image: The image; it is not changed.
    """
    with warnings_ignored():
        return _read(image)


def _read(image: "Image.Image") -> tuple[Metadata, tuple[str, ...]]:
    icc, packet = part(image.info.get("icc_profile")), _packet(image)
    block = _exif(image)
    parts = {"ICC": icc, "EXIF": block, "XMP": packet}
    if packet and _tag_was_removed(image, block or b""):
        packet = xmp.upright(packet)
    texts = _texts(image)
    lost = [name for name, value in parts.items() if value is None or len(value) > LIMIT]
    few = texts[:MOST_TEXTS] if sum(map(_bytes_of, texts)) <= LIMIT else ()
    lost += ["texts"] * (len(few) < len(texts)) + _foreign(image)
    kept = Metadata(icc or b"", block or b"", packet or b"", _resolution(image), few)
    return kept, tuple(lost)


def part(value: object) -> bytes | None:
    """Return a piece of metadata as bytes, EXIF without prefix; None if the value is of a type that has none."""
    from PIL import Image

    if value is None:
        return b""
    if isinstance(value, Image.Exif):
        try:
            value = value.tobytes() if len(value) else b""
        except MemoryError:
            raise
        except Exception:  # Pillow raises many kinds on values that do not suit their tags
            return None
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    return bytes(value).removeprefix(exif.PREFIX) if isinstance(value, bytes | bytearray | memoryview) else None


def packet_of(value: object) -> bytes | None:
    """Return an XMP packet in UTF-8; None if the value is no text."""
    raw = part(value)
    return xmp.to_utf8(raw) if raw else raw


def _packet(image: "Image.Image") -> bytes | None:
    return packet_of(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))


def _exif(image: "Image.Image") -> bytes | None:
    """Return the EXIF bytes as they are, unless the program has changed the tags, or a TIFF or a text holds them."""
    raw = part(image.info.get("exif"))
    if raw is None or not (raw or image.format == "TIFF" or _RAW_EXIF in image.info):
        return raw
    if raw and not exif.is_bounded(raw):
        return raw
    try:
        tags = image.getexif()
        if raw and tags.tobytes() == _untouched(image).tobytes():
            return raw if len(tags) or len(raw) > _EMPTY else b""
        kept = exif.without_layout(part(tags) or b"") if image.format == "TIFF" else tags
        return part(kept)
    except MemoryError:
        raise
    except Exception:  # Pillow raises many kinds on broken tags; broken metadata do not justify refusing an image
        return raw or None


_EMPTY = 20
"""Bytes of an EXIF block without tags, at most."""


def _untouched(image: "Image.Image") -> "Image.Exif":
    """Return the tags as Pillow reads them from `info`, whatever a program has made of its own since."""
    from PIL import Image

    other = Image.new("1", (1, 1))
    other.info = dict(image.info)
    return other.getexif()


def _tag_was_removed(image: "Image.Image", block: bytes) -> bool:
    """Tell whether a program has taken the orientation out of the tags, so that XMP must not bring it back."""
    try:
        given = exif.ORIENTATION in _untouched(image) or image.format == "TIFF"
        return given and exif.ORIENTATION not in image.getexif() and not exif.has_orientation(block)
    except MemoryError:
        raise
    except Exception:  # as above
        return False


def _resolution(image: "Image.Image") -> tuple[int, int] | None:
    """Return the resolution in pixels per metre; None if there is none, or only the one that EXIF holds."""
    value = image.info.get("dpi")
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") not in (1, 2):
        return None
    if not isinstance(value, tuple) or len(value) != 2 or value == (1, 1):  # what Pillow says of a TIFF without
        return None
    try:
        across, down = (float(one) for one in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(one) and 1 <= one / 0.0254 < 2**32 - 1 for one in (across, down)):
        return None
    return per_metre_of(across), per_metre_of(down)


def _texts(image: "Image.Image") -> tuple[tuple[str, str], ...]:
    """Return the keywords and texts of an image, the comments of other formats among them."""
    own = getattr(image, "text", None)
    if not isinstance(own, dict):
        own = image.info if image.format in (None, "DVQ") else {}
    found = {key: str(text) for key, text in own.items() if isinstance(key, str) and isinstance(text, str)}
    texts = {key: text for key, text in found.items() if key and key not in RESERVED}
    comment = "\n".join(filter(None, map(_text, _comments(image))))
    return tuple((texts | ({COMMENT: comment} if comment else {})).items())


def _comments(image: "Image.Image") -> list[object]:
    segments = getattr(image, "applist", ())
    return [body for name, body in segments if name == "COM"] or [image.info.get("comment")]


def _text(value: object) -> str:
    """Return a comment as text; formats do not say which encoding it is in."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes | bytearray | memoryview):
        return ""
    raw = bytes(value).rstrip(b"\0")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _bytes_of(text: tuple[str, str]) -> int:
    return sum(len(one.encode("utf-8", "replace")) + 4 for one in text)


def _foreign(image: "Image.Image") -> list[str]:
    """Return the names of further metadata, for which a .dvq file has no place."""
    blocks, tags = image.info.get("photoshop"), getattr(image, "tag_v2", {})
    codes = set(blocks) if isinstance(blocks, dict) else set()
    segments = getattr(image, "applist", ())
    density = image.info.get("aspect") or (not image.info.get("jfif_unit") and image.info.get("jfif_density"))
    languages = any(getattr(text, "lang", "") for text in getattr(image, "text", {}).values())
    found = {
        "IPTC": _PHOTOSHOP_IPTC in codes or _TIFF_IPTC in tags,
        "Photoshop's resources": bool(codes - {_PHOTOSHOP_IPTC}) or _TIFF_PHOTOSHOP in tags,
        "extended XMP": any(bytes(body).startswith(_EXTENDED_XMP) for name, body in segments if name == "APP1"),
        "the shape of its pixels": isinstance(density, tuple) and len({*density}) > 1,
        "languages of texts": languages,
        "further pictures": image.format == "MPO" and getattr(image, "n_frames", 1) > 1,
    }
    return [name for name, there in found.items() if there]
