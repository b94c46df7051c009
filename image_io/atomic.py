"""Write files so that they appear whole or not at all, and never overwrite one without permission."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputExists, OutputFailed

BLOCK = 4096
"""Bytes that are written on trial."""
OWNER = 0o600
"""What a file needs while it is written."""
TRIAL = "trial"
"""The name of what is written into a folder on trial."""
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
    with _failing(target):
        _refuse_impossible_name(target)
        if source is not None and _same_file(source, target):
            raise OutputExists("the output would overwrite the input", "name another output")
        if target.is_dir():
            raise OutputFailed(f"{target} is a folder", "name a file")
        if target.is_file() and not force:
            raise OutputExists(f"{target} already exists; not overwritten", hint)
        if not target.parent.is_dir():
            raise OutputFailed(f"the folder {target.parent} does not exist", "create it first")


def _refuse_impossible_name(target: Path) -> None:
    try:
        possible = b"\0" not in os.fsencode(target)
    except UnicodeEncodeError:  # a system whose file names have another encoding
        possible = False
    if not possible:
        raise OutputFailed(f"no file can have the name {target.name!r} here", "name another output")


def check_writable(target: Path) -> None:
    """Raise OutputFailed if no file can be written beside `target` under such a name, or the disk is full.

    A small file is written there and removed: what the system allows is known only by trying.
    """
    with _failing(target):
        _try(Path(os.path.realpath(target)))


def _try(target: Path) -> None:
    if target.exists() and not target.is_file():
        return
    trial = _temporary_name(target)
    try:
        with _created(trial, OWNER) as file:
            file.write(bytes(BLOCK))
    finally:
        trial.unlink(missing_ok=True)


def check_folder(folder: Path, hint: str = "name another folder") -> None:
    """Raise OutputFailed if a folder, which may be missing yet, cannot be made or written into. Nothing is made."""
    with _failing(folder):
        there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if not there.is_dir():
            raise OutputFailed(f"{there} is not a folder, so that {folder} cannot be made", hint)
    with _failing(there):
        _try(there / TRIAL)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, if they are missing, so that their names outlast a power failure.

    Raises:
        OutputFailed: If it cannot be made, or no file can be written into it.
    """
    check_folder(folder)
    with _failing(folder):
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for one in missing:
            _sync_folder(one.parent)


def _same_file(source: Path, target: Path) -> bool:
    try:
        return source.samefile(target)
    except OSError:
        return os.path.realpath(source) == os.path.realpath(target)


@dataclass(frozen=True)
class Attributes:
    """What an output takes over from its input."""

    permissions: int
    """Permission bits. A new file gets those that the umask leaves; one that is overwritten keeps its own."""
    times: tuple[int, int] | None
    """When the input was last read and changed, in nanoseconds; None for an output with times of its own."""


def attributes_of(source: Path, *, times: bool = False) -> Attributes | None:
    """Return the permissions of an input, and its times if they are to be kept; None for what is not a plain file.

    Raises:
        OSError: If the input does not exist.
    """
    status = source.stat()
    if not stat.S_ISREG(status.st_mode):
        return None
    return Attributes(status.st_mode & 0o777, (status.st_atime_ns, status.st_mtime_ns) if times else None)


def write(
    target: Path, data: bytes | memoryview, *, force: bool, sync: bool = True, like: Attributes | None = None
) -> None:
    """Write `data` to a temporary file beside `target`, sync it, and move it into place: see `streamed`."""
    with streamed(target, force=force, sync=sync, like=like) as file:
        file.write(data)


@contextlib.contextmanager
def streamed(target: Path, *, force: bool, sync: bool = True, like: Attributes | None = None) -> Iterator[BinaryIO]:
    """Give a file to write to, which becomes `target` in one step when the block ends.

    On any failure, an interrupt included, nothing is left behind. A target that is not a plain file (/dev/null, a pipe)
    is written directly. At no time can the file be read by more people than `target` in the end.

    Args:
        target: The file to write.
        force: Whether to overwrite a file that exists.
        sync: Whether to sync the file to disk, which takes milliseconds. Without it a power failure may leave an empty
            file; this suits thousands of files whose source remains.
        like: What the file takes over from its input. By default the umask alone decides its permissions.

    Yields:
        A binary file.

    Raises:
        OutputExists: If the file exists, unless `force`.
        OutputFailed: If the file cannot be written.
    """
    with _failing(target):
        target = Path(os.path.realpath(target))
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
        else:
            with _temporary(target, force, sync, like) as path, path.open("wb") as file:
                yield file


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give the path of an empty file to write, which replaces `target` in one step, synced, when the block ends.

    For libraries that write to a path of their own. On any failure `target` is as it was.

    Raises:
        OutputFailed: If the file cannot be written.
    """
    with _failing(target), _temporary(Path(os.path.realpath(target)), force=True, sync=True, like=None) as path:
        yield path


@contextlib.contextmanager
def _failing(target: Path) -> Iterator[None]:
    """Turn what the system says against an output into errors that name it."""
    try:
        yield
    except FileExistsError:
        raise OutputExists(f"{target} already exists; not overwritten", EXISTS) from None
    except OSError as error:
        raise OutputFailed(f"cannot write {target}: {error.strerror or error}") from error


@contextlib.contextmanager
def _temporary(target: Path, force: bool, sync: bool, like: Attributes | None) -> Iterator[Path]:
    temporary, kept = _temporary_name(target), _permissions(target) if force else None
    wanted = kept if kept is not None else like.permissions if like else 0o666
    try:
        with _created(temporary, wanted | OWNER) as file:
            given = stat.S_IMODE(os.fstat(file.fileno()).st_mode)  # less the umask
        yield temporary
        if sync:
            _sync(temporary, os.O_RDWR)
        with contextlib.suppress(OSError):  # file systems without permissions
            if given != (final := given & wanted if kept is None else kept):
                temporary.chmod(final)
        if like and like.times:
            os.utime(temporary, ns=like.times)
        if force:
            os.replace(temporary, target)
        else:
            _move_unless_there(temporary, target)
        if sync:
            _sync_folder(target.parent)  # the name, too, must outlast a power failure
    finally:
        temporary.unlink(missing_ok=True)


def _permissions(path: Path) -> int | None:
    """Return the permissions of a file; None if there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _created(path: Path, permissions: int) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return open(os.open(path, flags, permissions & 0o777), "wb")


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _temporary_name(target: Path) -> Path:
    """Return a name beside the target that begins with the first 100 bytes of its own, in whole characters.

    Names have 255 bytes at most. A longer target is as the system says: too long.
    """
    with contextlib.suppress(FileNotFoundError):
        os.lstat(target)
    start = os.fsencode(target.name)[:100].decode("utf-8", "ignore")
    return target.with_name(f".{start}.{secrets.token_hex(6)}.tmp")


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
