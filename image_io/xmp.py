"""Bring XMP packets of any encoding into UTF-8, which .dvq files and PNG hold, and take their orientation."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0<", "utf-16-be"),
    (b"<\0", "utf-16-le"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9._-]{1,40})["']""")
_CHARACTER_SETS = re.compile(
    r"(utf-?(8|16|32)|iso-8859-\d+|windows-\d+|(us-)?ascii|shift_jis|euc-\w+|gb\w+|big5|koi8-\w)$"
)
_ORIENTATION = re.compile(rb'tiff:Orientation(="|>)([0-9])')


def to_utf8(packet: bytes) -> bytes | None:
    """Return a packet in UTF-8, as it is if it is that already, or None if it is not text in the encoding it claims."""
    mark = next(((mark, name) for mark, name in _MARKS if packet.startswith(mark)), None)
    declared = None if mark else _DECLARED.search(packet)
    encoding = mark[1] if mark else declared[1].decode().lower() if declared else "utf-8"
    if mark is None and not _CHARACTER_SETS.match(encoding):
        return None
    try:
        text = packet.decode(encoding)
    except (UnicodeError, LookupError):
        return None
    if encoding == "utf-8":
        return packet
    text = text.removeprefix("\ufeff")
    return re.sub(r"""^(\s*<\?xml[^>]{0,200}?encoding=["'])[^"']{1,40}""", r"\g<1>UTF-8", text).encode()


def orientation(packet: bytes) -> int:
    """Return the orientation that a packet in UTF-8 gives, 1 to 8; 1 if there is none."""
    found = _ORIENTATION.search(packet)
    value = int(found[2]) if found else 1
    return value if 1 <= value <= 8 else 1


def upright(packet: bytes) -> bytes:
    """Return the packet with the orientation 1."""
    return _ORIENTATION.sub(rb"tiff:Orientation\g<1>1", packet)
