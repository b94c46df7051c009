"""Write files so that they appear whole or not at all, and never overwrite one without permission."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputExists, OutputFailed

EXISTS = "name another output, or use `force`"
"""The hint for an output that exists."""


def check_target(source: Path | None, target: Path, *, force: bool, hint: str = EXISTS) -> None:
    """Raise an error for an output that must not or cannot be written.

    Args:
        source: The input, or None if it is not a file.
        target: The output.
        force: Whether to overwrite a file that exists.
        hint: What the user can do about a file that exists.

    Raises:
        OutputExists: If the output is the input, or exists, unless `force`.
        OutputFailed: If the output is a folder, or its folder does not exist.
    """
    if source is not None and _same_file(source, target):
        raise OutputExists("the output would overwrite the input", "name another output")
    if target.is_dir():
        raise OutputFailed(f"{target} is a folder", "name a file")
    if target.is_file() and not force:
        raise OutputExists(f"{target} already exists; not overwritten", hint)
    if not target.parent.is_dir():
        raise OutputFailed(f"the folder {target.parent} does not exist", "create it first")


def _same_file(source: Path, target: Path) -> bool:
    try:
        return source.samefile(target)
    except OSError:
        return os.path.realpath(source) == os.path.realpath(target)


def write(target: Path, data: bytes, *, force: bool, sync: bool = True) -> None:
    """Write `data` to a temporary file beside `target`, sync it, and move it into place: see `streamed`."""
    with streamed(target, force=force, sync=sync) as file:
        file.write(data)


@contextlib.contextmanager
def streamed(target: Path, *, force: bool, sync: bool = True) -> Iterator[BinaryIO]:
    """Give a file to write to, which becomes `target` in one step when the block ends.

    On any failure, an interrupt included, nothing is left behind. A target that is not a plain file (/dev/null, a pipe)
    is written directly.

    Args:
        target: The file to write.
        force: Whether to overwrite a file that exists.
        sync: Whether to sync the file to disk, which takes milliseconds. Without it a power failure may leave an empty
            file; this suits thousands of files whose source remains.

    Yields:
        A binary file.

    Raises:
        OutputExists: If the file exists, unless `force`.
        OutputFailed: If the file cannot be written.
    """
    target = Path(os.path.realpath(target))
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
        else:
            with _temporary(target, force, sync) as path, _created(path) as file:
                yield file
    except FileExistsError:
        raise OutputExists(f"{target} already exists; not overwritten", EXISTS) from None
    except OSError as error:
        raise OutputFailed(f"cannot write {target}: {error.strerror or error}") from error


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give the path of a file to create, which replaces `target` in one step, synced, when the block ends.

    For libraries that write to a path of their own. On any failure `target` is as it was.

    Raises:
        OutputFailed: If the file cannot be written.
    """
    try:
        with _temporary(Path(os.path.realpath(target)), force=True, sync=True) as path:
            yield path
    except OSError as error:
        raise OutputFailed(f"cannot write {target}: {error.strerror or error}") from error


@contextlib.contextmanager
def _temporary(target: Path, force: bool, sync: bool) -> Iterator[Path]:
    temporary = target.with_name(f".{_start_of(target.name)}.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        if sync:
            _sync(temporary, os.O_RDWR)
        if force:
            with contextlib.suppress(OSError):  # an existing file keeps its permissions
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        else:
            _move_unless_there(temporary, target)
        if sync and hasattr(os, "O_DIRECTORY"):  # the name, too, must outlast a power failure
            _sync(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    finally:
        temporary.unlink(missing_ok=True)


def _created(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "wb")


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _start_of(name: str) -> str:
    """Return the first 100 bytes of a file's name, in whole characters: names have 255 bytes at most."""
    return os.fsencode(name)[:100].decode("utf-8", "ignore")


def _move_unless_there(temporary: Path, target: Path) -> None:
    """Move a file; raise FileExistsError if the target was created meanwhile (on file systems with hard links)."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError from None
        os.replace(temporary, target)
