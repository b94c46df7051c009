"""Names of images in an archive. They are stored beside each segment, compressed by deflate.

A name is a relative path with "/" between its parts. Only safe names are stored: they never lead out of the output
folder and mean the same on every system. An image without a name has an empty one; its file is named by its number.
"""

import re
import zlib
from pathlib import PurePosixPath

from ...errors import FormatError
from ...image_io.metadata import inflate
from ...image_io.suffixes import KNOWN, alike

MAX_NAME = 1024
"""The most bytes of a name in UTF-8."""
_MAX_PART = 240
SUFFIX = ".png"
"""The suffix of images whose pixels are coded."""
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


def target(name: str, position: int, suffix: str = SUFFIX) -> str:
    """Return the file that extraction writes: the name with a suffix of its format, or the number from 00001.png on.

    Args:
        name: The name in the archive; empty if it has none.
        position: The place in the archive, from 0 on.
        suffix: The suffix of the format that is written.
    """
    if not name:
        return f"{position + 1:05}{suffix}"
    own = PurePosixPath(name).suffix
    if alike(own, suffix):
        return name
    stem = name.removesuffix(own) if own.lower() in KNOWN else name
    kept = suffix != SUFFIX and alike(PurePosixPath(stem).suffix, suffix)  # a.jpg beside a.png is named a.jpg.png
    return stem if kept else stem + suffix


def key(name: str) -> str:
    """Return a key that is equal for two names that some system takes for one file."""
    return folded(target(name, 0))


def folded(path: str) -> str:
    """Return a key that is equal for two paths that some system takes for one file."""
    import unicodedata

    return unicodedata.normalize("NFC", path.casefold())


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
        names = inflate(section, count * (MAX_NAME + 1), "the names of a segment").decode().split("\0")
    except UnicodeDecodeError as error:
        raise FormatError("the names of a segment are not valid") from error
    if len(names) != count:
        raise FormatError("the names of a segment are not valid")
    for name in filter(None, names):
        if not is_safe(name):
            raise FormatError(f"the name {name[:100]!r} is not safe: it could lead out of the output folder")
    return tuple(names)
