"""Names of images in an archive. They are stored beside each segment, compressed by deflate.

A name is a relative path with "/" between its parts. Only safe names are stored: they never lead out of the output
folder and mean the same on every system. An image without a name has an empty one; its file is named by its number.
"""

import re
import zlib
from pathlib import PurePosixPath

from ...errors import FormatError
from ...image_io.metadata import inflate
from ...image_io.suffixes import KNOWN

MAX_NAME = 1024
"""The most bytes of a name in UTF-8."""
_MAX_PART = 240
_SUFFIX = ".png"
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?", re.IGNORECASE)
"""Names of devices on Windows, whatever follows a full stop, with or without blanks before it."""
_FORBIDDEN = frozenset('\\:*?"<>|')


def _bad(character: str) -> bool:
    return character in _FORBIDDEN or not character.isprintable()


def _part_is_safe(part: str) -> bool:
    """Tell whether a folder or file may have this name on every system."""
    if not part or part[-1] in ". " or part[0] == " " or _RESERVED.fullmatch(part):
        return False
    good = part.isprintable() and _FORBIDDEN.isdisjoint(part)
    return good and len(part.encode("utf-8", "replace")) <= _MAX_PART


def is_safe(name: str) -> bool:
    """Tell whether a name stays inside the folder that it is unpacked into, on every system."""
    return len(name.encode("utf-8", "replace")) <= MAX_NAME and all(map(_part_is_safe, name.split("/")))


def made_safe(path: str) -> str:
    """Return the name for a file's path: the path itself if it is safe, else its last part, made safe.

    As tar and zip do, folders are kept where the path is relative and leads downwards.
    """
    name = path.removeprefix("./")
    if is_safe(name):
        return name
    last = "".join("_" if _bad(character) else character for character in re.split(r"[/\\]", path)[-1]).strip(" ")
    last = last.encode("utf-8", "replace")[-(_MAX_PART - 2) :].decode("utf-8", "ignore").rstrip(". ")
    return last if _part_is_safe(last) else f"_{last}"


def target(name: str, position: int) -> str:
    """Return the file that extraction writes: the name, ending in .png, or the number from 00001.png on."""
    if not name:
        return f"{position + 1:05}{_SUFFIX}"
    suffix = PurePosixPath(name).suffix
    if suffix.lower() == _SUFFIX:
        return name
    return (name.removesuffix(suffix) if suffix.lower() in KNOWN else name) + _SUFFIX


def key(name: str) -> str:
    """Return a key that is equal for two names that some system takes for one file."""
    import unicodedata

    return unicodedata.normalize("NFC", target(name, 0).casefold())


def pack(names: list[str]) -> bytes:
    """Return the section of a segment's names, compressed; empty if all names are."""
    if not any(names):
        return b""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress("\0".join(names).encode()) + deflate.flush()


def unpack(section: bytes, count: int) -> tuple[str, ...]:
    """Undo `pack`.

    Args:
        section: The compressed names.
        count: How many there must be.

    Returns:
        The names.

    Raises:
        FormatError: If the section is not valid, the number is wrong, or a name is not safe.
    """
    try:
        names = inflate(section, count * (MAX_NAME + 1)).decode().split("\0")
    except UnicodeDecodeError as error:
        raise FormatError("the names of a segment are not valid") from error
    if len(names) != count:
        raise FormatError("the names of a segment are not valid")
    for name in filter(None, names):
        if not is_safe(name):
            raise FormatError(f"the name {name[:100]!r} is not safe: it could lead out of the output folder")
    return tuple(names)
