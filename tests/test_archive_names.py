"""Names of images in archives: only safe ones are kept, whatever a file is called."""

import string
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcodec.codec.archives import names
from dvcodec.errors import FormatError

PIECES = st.sampled_from(
    ["..", ".", "/", "\\", "a", "b.png", "CON", "c:", "\0", " ", "~", "é", "\n", "x" * 300, "\udc80"]
)
PATHS = st.lists(PIECES, max_size=8).map("".join)


@given(PATHS | st.text(max_size=30))
def test_every_path_has_a_safe_name(path: str) -> None:
    name = names.made_safe(path)
    assert names.is_safe(name)
    target = names.target(name, 0)
    assert target.lower().endswith(".png") and len(target.split("/")[-1].encode()) <= 255
    assert names.is_safe(target) or len(target) > 200
    for kind in (PurePosixPath, PureWindowsPath):
        parts = kind(target)
        assert not parts.is_absolute() and not parts.drive and ".." not in parts.parts


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.png", "a.png"),
        ("./scans/a.png", "scans/a.png"),
        ("/data/a.png", "a.png"),
        ("../a.png", "a.png"),
        ("b/../a.png", "a.png"),
        ("a:b.png", "a_b.png"),
        ("a\\b.png", "b.png"),
        ("con.png", "_con.png"),
        ("..", "_"),
        ("", "_"),
        ("new\nline.png", "new_line.png"),
    ],
)
def test_names_of_paths(path: str, name: str) -> None:
    assert names.made_safe(path) == name


@pytest.mark.parametrize(
    "name",
    ["CONIN$", "conout$.png", "con .png", "nul  .tar.gz", "COM¹", "lpt².png", "a/aux/b.png", "a.png.", "a ", "a/b. /c"],
)
def test_names_that_windows_reserves_or_changes_are_not_safe(name: str) -> None:
    assert not names.is_safe(name) and names.is_safe(names.made_safe(name))
    with pytest.raises(FormatError, match="is not safe"):
        names.unpack(names.pack([name]), 1)


@pytest.mark.parametrize("name", ["console.png", "con$.png", "com10", "nul1.png", "conin.png", "a.con"])
def test_names_like_reserved_ones_are_safe(name: str) -> None:
    assert names.is_safe(name) and names.made_safe(name) == name


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("a.png", "a.png"),
        ("a.PNG", "a.PNG"),
        ("b/a.jpg", "b/a.png"),
        ("a.v1", "a.v1.png"),
        ("a", "a.png"),
        ("", "00012.png"),
    ],
)
def test_images_come_back_as_png(name: str, target: str) -> None:
    assert names.target(name, 11) == target


def test_names_that_some_system_takes_for_one_have_one_key() -> None:
    assert names.key("A.png") == names.key("a.JPG") == names.key("a") != names.key("b/a.png")
    assert names.key("e\u0301.png") == names.key("\u00e9.png")


@given(st.lists(st.text(string.ascii_letters + "äß.-_", min_size=1, max_size=9).map(names.made_safe), min_size=1))
def test_names_come_back(listed: list[str]) -> None:
    assert names.unpack(names.pack(listed), len(listed)) == tuple(listed)
    with pytest.raises(FormatError):
        names.unpack(names.pack(listed), len(listed) + 1)


@given(st.binary(max_size=60), st.integers(1, 256))
def test_rubbish_is_no_list_of_names(section: bytes, count: int) -> None:
    try:
        found = names.unpack(section, count)
    except FormatError:
        return
    assert len(found) == count and all(names.is_safe(name) for name in found if name)


def test_names_are_bounded() -> None:
    assert not names.is_safe("a/" * 600 + "a") and not names.is_safe("x" * 241)
    assert names.pack(["", ""]) == b""
    with pytest.raises(FormatError):
        names.unpack(names.pack(["a" * 10**6, "b"]), 2)
