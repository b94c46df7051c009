"""What people type as inputs: folders, lists of names, files of one stem, and files of the wrong kind."""

import os
from pathlib import Path

import pytest

from dvcodec.cli.inputs import IMAGES, gather
from dvcodec.weights import Weights
from program import dvcodec, picture


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tree(folder: Path) -> Path:
    """A folder of images with folders, hidden files, other files and links in it."""
    root = folder / "photos"
    for place in ("a.png", "b/c.jpg", "b/d/e.PNG", ".hidden.png", ".cache/f.png"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        picture(root / place)
    (root / "empty").mkdir()
    (root / "notes.txt").write_text("no image")
    (root / "b" / "loop").symlink_to(root, target_is_directory=True)
    os.mkfifo(root / "pipe.png")
    return root


def files(root: Path) -> list[str]:
    """All files and empty folders below a folder."""
    return sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() or not any(path.iterdir())
    )


@pytest.mark.usefixtures("tree")
def test_a_tree_of_folders_is_mirrored_there_and_back() -> None:
    seen = dvcodec("compress", "photos", "-r", "--output-dir", "out")
    assert seen.code == 0 and seen.err.splitlines()[-1].startswith("3 files  ")
    assert files(Path("out")) == ["a.dvq", "b/c.dvq", "b/d/e.dvq"]
    assert dvcodec("verify", "out", "-r").code == 0
    assert dvcodec("info", "out", "-r").out.count("lossy, quality 50") == 3
    assert dvcodec("decompress", "out", "-r", "--output-dir", "back").code == 0
    assert files(Path("back")) == ["a.png", "b/c.png", "b/d/e.png"]


def test_without_a_folder_for_outputs_they_lie_beside_their_inputs(tree: Path) -> None:
    assert dvcodec("compress", "photos/b", "-r").code == 0
    assert (tree / "b/c.dvq").is_file() and (tree / "b/d/e.dvq").is_file() and not (tree / "a.dvq").exists()


@pytest.mark.usefixtures("tree")
def test_a_folder_needs_r_and_must_hold_images(folder: Path) -> None:
    seen = dvcodec("compress", "photos", "photos/a.png")
    assert seen.code == 1 and Path("photos/a.dvq").is_file()
    assert "dvcodec: photos: it is a folder (use -r to take the images in it)\n" in seen.err
    seen = dvcodec("compress", "photos/empty", "-r", "--output-dir", "out")
    assert seen.code == 1 and seen.err.startswith("dvcodec: photos/empty: there are no images in this folder\n")
    assert files(Path("out")) == []


def test_no_folder_is_made_for_a_file_that_fails(folder: Path) -> None:
    (folder / "in" / "bad").mkdir(parents=True)
    (folder / "in" / "bad" / "x.png").write_text("no image")
    picture(folder / "in" / "good.png")
    assert dvcodec("compress", "in", "-r", "--output-dir", "out").code == 1
    assert files(Path("out")) == ["good.dvq"]


def test_a_file_in_the_place_of_a_folder_fails_alone(tree: Path) -> None:
    Path("out").mkdir()
    Path("out/b").write_text("in the way")
    seen = dvcodec("compress", "photos", "-r", "--output-dir", "out")
    assert seen.code == 1 and seen.err.count("\ndvcodec: ") == 2
    assert files(Path("out")) == ["a.dvq", "b"]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("listed", "extra"),
    [
        (b"photos/a.png\nphotos/b/c.jpg\n\n", []),
        (b"\xef\xbb\xbfphotos/a.png\r\nphotos/b/c.jpg", []),
        (b"photos/a.png\0photos/b/c.jpg\0", []),
        (b"photos/a.png\0photos/b/c.jpg", ["-0"]),
    ],
)
def test_a_list_of_names(listed: bytes, extra: list[str]) -> None:
    assert dvcodec("compress", "--files-from", "-", *extra, "--output-dir", "out", stdin=listed).code == 0
    assert files(Path("out")) == ["photos/a.dvq", "photos/b/c.dvq"]
    Path("list").write_bytes(listed)
    again = dvcodec("compress", "--files-from", "list", *extra, "--output-dir", "out")
    assert again.code == 1 and again.err.count("already exists") == 2


def test_listed_names_never_leave_the_output_folder(folder: Path) -> None:
    (folder / "work").mkdir()
    picture(folder / "up.png")
    picture(folder / "full.png")
    Path("list").write_text(f"work/../up.png\n{folder / 'full.png'}\n")
    assert dvcodec("compress", "--files-from", "list", "--output-dir", "work/out").code == 0
    assert files(folder / "work") == ["out/full.dvq", "out/up.dvq"]


def test_names_with_line_breaks_and_other_bytes(folder: Path) -> None:
    name = os.fsencode(picture(folder / "two\nlines.png").name)
    odd = b"odd\xff.png"
    os.rename("two\nlines.png", name)
    picture(folder / "x.png").rename(os.fsdecode(odd))
    assert dvcodec("compress", "--files-from", "-", "-0", stdin=name + b"\0" + odd).code == 0
    assert {b"two\nlines.dvq", b"odd\xff.dvq"} <= set(os.listdir(b"."))


def test_files_of_one_stem_keep_their_suffixes(folder: Path) -> None:
    for name in ("anim.gif", "anim.png", "Other.png", "other.jpg", "lone.png"):
        picture(folder / name)
    assert dvcodec("compress", "anim.gif", "anim.png", "Other.png", "other.jpg", "lone.png").code == 0
    made = sorted(path.name for path in folder.glob("*.dvq"))
    assert made == ["Other.png.dvq", "anim.gif.dvq", "anim.png.dvq", "lone.dvq", "other.jpg.dvq"]
    assert dvcodec("decompress", *made, "--output-dir", "back").code == 0
    assert files(folder / "back") == ["Other.png", "anim.gif.png", "anim.png", "lone.png", "other.jpg.png"]


def test_only_a_file_that_clashes_fails(folder: Path) -> None:
    for name in ("one/a.png", "two/a.png", "two/b.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        picture(folder / name)
    seen = dvcodec("compress", "one", "two", "-r", "--output-dir", "out")
    assert seen.code == 1
    assert "dvcodec: two/a.png: it would give out/a.png.dvq, as one/a.png does (rename one)\n" in seen.err
    assert files(folder / "out") == ["a.png.dvq", "b.dvq"]


def test_a_file_that_is_named_twice_is_taken_once(folder: Path) -> None:
    picture(folder / "a.png")
    seen = dvcodec("compress", "a.png", "./a.png")
    assert seen.code == 0 and seen.err.count("\n") == 1


STORED = ("--lossless", "--method", "stored", "--archive", "all.dvq")


@pytest.mark.usefixtures("tree")
def test_an_archive_of_a_folder() -> None:
    picture(Path("photos/a.gif"), mode="P")
    seen = dvcodec("compress", "photos", "-r", *STORED)
    assert seen.code == 0, seen.err
    assert dvcodec("decompress", "all.dvq", "--output-dir", "back").code == 0
    assert files(Path("back/photos")) == ["a.gif.png", "a.png", "b/c.png", "b/d/e.PNG"]


def test_an_archive_of_a_folder_by_its_full_path_keeps_what_is_below(tree: Path) -> None:
    assert dvcodec("compress", tree, "-r", *STORED).code == 0
    assert dvcodec("decompress", "all.dvq", "--output-dir", "back").code == 0
    assert files(Path("back")) == ["a.png", "b/c.png", "b/d/e.PNG"]


def test_only_an_image_that_clashes_is_left_out_of_an_archive(tree: Path) -> None:
    (tree / "B").mkdir()
    picture(tree / "B" / "C.jpg")
    picture(tree / "B" / "C.jpg.png")
    seen = dvcodec("compress", tree, "-r", *STORED)
    line = f"dvcodec: {tree}/b/c.jpg: it would come back as b/c.jpg.png, as {tree}/B/C.jpg does (rename one)"
    assert seen.code == 1 and line in seen.err
    assert dvcodec("decompress", "all.dvq", "--output-dir", "back").code == 0
    assert files(Path("back")) == ["B/C.jpg.png", "a.png", "b/d/e.PNG"]


def test_archives_in_folders_are_unpacked_in_their_places(tree: Path) -> None:
    assert dvcodec("compress", "photos/a.png", *STORED).code == 0
    (tree.parent / "in/deep").mkdir(parents=True)
    (tree.parent / "all.dvq").rename(tree.parent / "in/deep/all.dvq")
    assert dvcodec("decompress", "in", "-r", "--output-dir", "out").code == 0
    assert dvcodec("decompress", "in", "-r").code == 0
    assert files(Path("out")) == ["deep/photos/a.png"]
    assert files(Path("in")) == ["deep/all.dvq", "deep/photos/a.png"]


WRONG_KIND = [
    (["compress", "b.dvq"], "b.dvq: it is a .dvq file already (to get the image back, type: dvcodec decompress b.dvq)"),
    (["compress", "https://x.org/a.png"], "https://x.org/a.png: it is an address, not a file (download it first)"),
    (["compress", "void.png"], "void.png: the file is empty"),
    (["verify", "empty.dvq"], "empty.dvq: the file is empty"),
    (["decompress", "a b.png"], "a b.png: not a .dvq file (to compress it, type: dvcodec compress 'a b.png')"),
    (["verify", "a b.png"], "a b.png: not a .dvq file (to compress it, type: dvcodec compress 'a b.png')"),
    (["info", "a b.png"], "a b.png: not a .dvq file (to compress it, type: dvcodec compress 'a b.png')"),
    (["compress", "nosuch.png"], "nosuch.png: no such file"),
    (["compress", "a_b.png"], "a_b.png: no such file (did you mean 'a b.png'?)"),
    (["compress", "*.tif"], "*.tif: no file has a name of this pattern"),
    (["compress", "nowhere.png"], "nowhere.png: the link leads nowhere"),
]


@pytest.mark.parametrize(("args", "line"), WRONG_KIND, ids=[" ".join(args) for args, _ in WRONG_KIND])
def test_inputs_of_the_wrong_kind_say_what_to_type(folder: Path, args: list[str], line: str) -> None:
    picture(folder / "a b.png")
    assert dvcodec("compress", "a b.png", "-o", "b.dvq").code == 0
    (folder / "nowhere.png").symlink_to("gone.png")
    (folder / "void.png").touch()
    (folder / "empty.dvq").touch()
    seen = dvcodec(*args)
    assert (seen.code, seen.err) == (1, f"dvcodec: {line}\n")


def test_an_image_is_no_list_of_names(folder: Path) -> None:
    picture(folder / "a.png")
    assert dvcodec("compress", "a.png").code == 0
    for name in ("a.png", "a.dvq"):
        seen = dvcodec("compress", "--files-from", name)
        assert seen.code == 2 and f"{name} is an image, not a list of names" in seen.usage
    picture(folder / "BM.png")  # a name that begins as BMP files do
    (folder / "list").write_bytes(b"BM.png\n")
    assert dvcodec("compress", "--files-from", "list").code == 0


def test_a_pipe_is_not_opened_before_its_turn(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert [source.error for source in gather(["pipe"], IMAGES)] == [""]


@pytest.mark.parametrize("command", ["compress", "decompress", "verify", "info"])
def test_a_list_of_no_names_is_nothing_to_do(command: str) -> None:
    for listed in (b"", b"\n\n", b"\0"):
        seen = dvcodec(command, "--files-from", "-", stdin=listed)
        assert (seen.code, seen.out, seen.err) == (0, "", "")


def test_names_that_are_empty_or_those_of_folders_are_refused(folder: Path) -> None:
    picture(folder / "a.png")
    seen = dvcodec("compress", "")
    assert (seen.code, seen.err) == (1, "dvcodec: '': the name is empty\n")
    for option in ("-o", "--archive"):
        seen = dvcodec("compress", "a.png", option, "")
        assert seen.code == 2 and f"{option}: the name is empty" in seen.usage
        seen = dvcodec("compress", "a.png", option, "new/")
        assert seen.code == 2 and f"{option}: new/ is the name of a folder" in seen.usage
    (folder / "old").mkdir()
    assert "old is a folder (name a file)" in dvcodec("compress", "a.png", "-o", "old/").err
    assert files(folder) == ["a.png", "old"]
