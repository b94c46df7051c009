"""The inputs of a command: files, the files in folders with -r, and lists of names with --files-from."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from ..image_io.suffixes import KNOWN, suffix_of_data
from .naming import STANDARD, InputFile, place_of, refuse_mixed_stdin
from .text import printable, reason


@dataclass(frozen=True)
class Kind:
    """What a command takes."""

    what: str
    """What messages call it, in the plural."""
    suffixes: frozenset[str]
    """The suffixes of the files that are taken from folders."""
    outputs: frozenset[str]
    """The suffixes of what the command writes: a missing last input that has one was meant as the output."""


IMAGES = Kind("images", KNOWN, frozenset({".dvq"}))
FILES = Kind(".dvq files", frozenset({".dvq"}), KNOWN)


def gather(
    inputs: list[str] | None, kind: Kind, *, recursive: bool = False, files_from: str | None = None, null: bool = False
) -> list[InputFile]:
    """Return all inputs of a command, each once; those that cannot be taken carry the reason.

    Args:
        inputs: Files, folders, or `-`.
        kind: What the command takes.
        recursive: Whether to take the files in folders, and those in the folders in them.
        files_from: A file with names of further inputs, or `-` for standard input.
        null: Whether the names in that file end with a zero byte, and not with a line.

    Raises:
        typer.BadParameter: If there are no inputs, or they contradict each other.
    """
    named = inputs or []
    _refuse(named, kind, files_from, null)
    sources = [InputFile(name, Path(name).name) for name in named]
    if files_from is not None:
        sources += [InputFile(name, _below(name)) for name in _listed(files_from, null)]
    if STANDARD in named:
        return sources
    found = (one for source in sources for one in _found(source, kind, recursive))
    return list({place_of(one.path): one for one in found}.values())


def _refuse(named: list[str], kind: Kind, files_from: str | None, null: bool) -> None:
    """Raise a usage error for inputs that contradict each other, or for an output among the inputs."""
    if null and files_from is None:
        raise typer.BadParameter("it applies to lists of names only (use --files-from)", param_hint="--null")
    if not named and files_from is None:
        example = "photo.png" if kind is IMAGES else "photo.dvq"
        raise typer.BadParameter(f"no input (name a file, such as {example})", param_hint="input")
    refuse_mixed_stdin([*named, *(["the list"] if files_from is not None else [])])
    last = named[-1] if len(named) > 1 else STANDARD
    if Path(last).suffix.lower() in kind.outputs and not os.path.lexists(last):
        shown = printable(last)
        raise typer.BadParameter(f"{shown} does not exist (to name the output, type -o {shown})", param_hint="input")


def _below(name: str) -> str:
    """Return where the output of a listed name goes below a folder: its own path, unless that leads elsewhere."""
    parts = Path(name).parts
    inside = not Path(name).is_absolute() and ".." not in parts
    return name if inside else Path(name).name


def _listed(name: str, null: bool) -> list[str]:
    """Return the names in a file or in standard input; a zero byte in it ends names, and lines do otherwise."""
    from ..codec.bitstream.header import MAGIC

    try:
        data = sys.stdin.buffer.read() if name == STANDARD else Path(name).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"cannot read {printable(name)}: {reason(error)}", param_hint="--files-from") from None
    data = data.removeprefix(b"\xef\xbb\xbf")
    by_zero = null or b"\0" in data
    names = data.split(b"\0") if by_zero else [line.removesuffix(b"\r") for line in data.split(b"\n")]
    if data.startswith(MAGIC) or (suffix_of_data(data) and not os.path.lexists(names[0])):
        raise typer.BadParameter(f"{printable(name)} is an image, not a list of names", param_hint="--files-from")
    return [os.fsdecode(one) for one in names if one]


def _found(source: InputFile, kind: Kind, recursive: bool) -> Iterator[InputFile]:
    """Yield what a source stands for: itself, or the files in a folder."""
    if not os.path.isdir(source.path):
        yield InputFile(source.path, source.place, _refusal(source.path, kind))
    elif not recursive:
        yield InputFile(source.path, source.place, f"it is a folder (use -r to take the {kind.what} in it)")
    else:
        inside = list(_in_folder(source.path, "", kind))
        yield from inside or [InputFile(source.path, "", f"there are no {kind.what} in this folder")]


def _in_folder(folder: str, place: str, kind: Kind) -> Iterator[InputFile]:
    """Yield the files below a folder in the order of their names.

    Hidden files and folders are left out. Links to folders are not followed, so that a loop of links ends.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield InputFile(folder, place, f"cannot read the folder: {reason(error)}")
        return
    for entry in entries:
        path, own = os.path.join(folder, entry.name), os.path.join(place, entry.name)
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _in_folder(path, own, kind)
        elif Path(entry.name).suffix.lower() in kind.suffixes and not _special(path):
            yield InputFile(path, own, _refusal(path, kind), found=True)


def _special(path: str) -> bool:
    """Tell whether a path is a folder, a pipe or a device; a link that leads nowhere is an error for later."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _refusal(path: str, kind: Kind) -> str:
    """Return why an input cannot be taken, and what to type; empty if nothing is known against it."""
    if path == STANDARD:
        return ""
    if not os.path.exists(path):
        return _missing(path, kind)
    own = _is_own(path)
    if kind is IMAGES and own:
        return f"it is a .dvq file already (to get the image back, type: dvcodec decompress {_typed(path)})"
    if kind is FILES and own is False and Path(path).suffix.lower() in KNOWN:
        return f"not a .dvq file (to compress it, type: dvcodec compress {_typed(path)})"
    return ""


def _missing(path: str, kind: Kind) -> str:
    """Return that there is no such file, with a name that is like it."""
    if not path:
        return "the name is empty"
    if os.path.islink(path):
        return "the link leads nowhere"
    if re.match(r"[a-z]+://", path, re.IGNORECASE):
        return "it is an address, not a file (download it first)"
    if any(character in path for character in "*?["):
        return "no file has a name of this pattern"
    folder, name = os.path.split(path)
    try:
        there = [one for one in os.listdir(folder or ".") if Path(one).suffix.lower() in kind.suffixes]
    except OSError:
        return "no such file"
    like = difflib.get_close_matches(name, there, 1, 0.75)
    return "no such file" + (f" (did you mean {_typed(os.path.join(folder, like[0]))}?)" if like else "")


def _is_own(path: str) -> bool | None:
    """Tell whether a file begins as .dvq files do; None for what is not a plain file or cannot be read."""
    from ..codec.bitstream.header import MAGIC

    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return None


def _typed(path: str) -> str:
    """Return a path as it is typed into a shell."""
    return printable(shlex.quote(path))
