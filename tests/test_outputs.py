"""Outputs: their permissions and times, and folders that are tried before the work begins."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from dvcodec.codec import api
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import OutputFailed
from dvcodec.image_io import atomic

pytestmark = pytest.mark.usefixtures("fake_weights")


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX systems")
@pytest.mark.parametrize(
    ("source", "before", "umask", "expected"),
    [
        (0o600, None, 0o022, 0o600),
        (0o664, None, 0o022, 0o644),
        (0o644, None, 0o077, 0o600),
        (0o444, None, 0o022, 0o444),
        (0o644, 0o600, 0o022, 0o600),
        (0o600, 0o666, 0o077, 0o666),
    ],
)
def test_an_output_is_never_open_to_more_people_than_in_the_end(
    source: int, before: int | None, umask: int, expected: int, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"")
    (tmp_path / "in").chmod(source)
    if before is not None:
        (tmp_path / "out").write_bytes(b"")
        (tmp_path / "out").chmod(before)
    earlier = os.umask(umask)
    try:
        like = atomic.attributes_of(tmp_path / "in")
        with atomic.streamed(tmp_path / "out", force=before is not None, like=like) as file:
            file.write(b"secret")
            (temporary,) = tmp_path.glob(".out*.tmp")
            assert temporary.stat().st_mode & 0o777 & ~0o600 & ~expected == 0
    finally:
        os.umask(earlier)
    assert (tmp_path / "out").stat().st_mode & 0o777 == expected


def test_times_are_kept_on_request(photo: Path, tmp_path: Path) -> None:
    photo.chmod(0o600)
    os.utime(photo, ns=(10**18, 10**18 + 5))
    for keep in (True, False):
        api.compress_file(photo, tmp_path / "a.dvq", CompressSettings(), force=True, keep_times=keep)
        api.decompress_file(tmp_path / "a.dvq", tmp_path / "b.png", force=True, keep_times=keep)
        for path in (tmp_path / "a.dvq", tmp_path / "b.png"):
            assert (path.stat().st_mtime_ns == 10**18 + 5) == keep and path.stat().st_mode & 0o777 == 0o600


def test_a_library_writes_into_a_file_of_the_targets_permissions(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o600)
    with atomic.replacing(tmp_path / "a") as path:
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_bytes(b"new")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600 and (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_the_outputs_folder_is_tried_before_the_work(
    number: int, photo: Path, dvq: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(atomic, "_created", fail)
    monkeypatch.setattr(api, "read_path", fail)
    before = sorted(tmp_path.iterdir())
    for attempt in (
        lambda: api.compress_file(photo, tmp_path / "new.dvq", CompressSettings()),
        lambda: api.decompress_file(dvq, tmp_path / "new.png"),
        lambda: atomic.check_folder(tmp_path / "new" / "folder"),
    ):
        with pytest.raises(OutputFailed, match=f"cannot write {tmp_path}.*: {os.strerror(number)}"):
            attempt()
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["n" * 300, "null\0byte.dvq"])
def test_names_that_cannot_be_are_refused_before_the_work(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match=r"too long|no file can have the name"):
        api.compress_file(tmp_path / "absent.png", tmp_path / name, CompressSettings())


def test_folders_are_made_or_refused_in_one_line(tmp_path: Path) -> None:
    atomic.make_folder(tmp_path / "a" / "b")
    assert [*tmp_path.rglob("*")] == [tmp_path / "a", tmp_path / "a" / "b"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputFailed, match="file is not a folder"):
        atomic.make_folder(tmp_path / "file" / "c")
