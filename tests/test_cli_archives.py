"""Archives on the command line: transcripts, exit statuses, and what lies on the disk afterwards."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from test_lossless import image_of, same

from dvcodec.cli import report
from dvcodec.cli.text import number
from dvcodec.image_io.limits import MODES
from dvcodec.weights import Weights
from fake import photograph
from program import dvcodec, names

SCANS = [f"scans/{mode}{i}.png" for mode in ("1", "L", "RGB", "P") for i in range(4)]


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small images in scans/."""
    monkeypatch.chdir(tmp_path)
    Path("scans").mkdir()
    for name in SCANS:
        image_of(Path(name).stem[:-1], 9, 8, "drawing").save(name)
    return tmp_path


def pack(*more: str) -> None:
    """Make scans.dvq."""
    assert dvcodec("compress", *SCANS, "--lossless", "--archive", "scans.dvq", *more).code == 0


def test_there_and_back(folder: Path) -> None:
    seen = dvcodec("compress", *SCANS, "--lossless", "--archive", "scans.dvq")
    before, after = (sum(Path(name).stat().st_size for name in group) for group in (SCANS, ["scans.dvq"]))
    assert (seen.code, seen.out) == (0, "")
    assert seen.err.startswith(f"16 images -> scans.dvq  {number(before)} -> {number(after)} B  ")
    seen = dvcodec("decompress", "scans.dvq", "--output-dir", "out")
    assert (seen.code, seen.out) == (0, "") and seen.err.startswith("scans.dvq -> out  16 images  ")
    assert names(folder) == ["out", "scans", "scans.dvq"]
    for name in SCANS:
        with Image.open(name) as one, Image.open(Path("out", name)) as other:
            assert same(one, other)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "PA"])
def test_every_mode_that_png_has_comes_back(mode: str) -> None:
    image_of(mode, 7, 5, "drawing").save("x.png")
    assert dvcodec("compress", "x.png", "--lossless", "--archive", "x.dvq").code == 0
    assert dvcodec("decompress", "x.dvq", "--output-dir", "out").code == 0
    with Image.open("x.png") as one, Image.open("out/x.png") as other:
        assert same(one, other)


def test_without_a_folder_images_go_where_one_stands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack()
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert dvcodec("decompress", "../scans.dvq").code == 0
    assert names(Path("scans")) == sorted(Path(name).name for name in SCANS)
    again = dvcodec("decompress", "../scans.dvq")
    assert again.code == 1 and again.err.count("already exists; not overwritten (use --output-dir or --force)") == 16
    assert dvcodec("decompress", "../scans.dvq", "--force").code == 0


def test_only_some_images_are_unpacked() -> None:
    pack()
    seen = dvcodec("decompress", "scans.dvq", "--output-dir", "out", "--only", "scans/L1.png", "--only", "scans/P0.png")
    assert seen.code == 0 and names(Path("out/scans")) == ["L1.png", "P0.png"]
    seen = dvcodec("decompress", "scans.dvq", "--output-dir", "more", "--only", "L1.png")
    assert seen.code == 1
    assert seen.err.startswith(
        "dvcodec: scans.dvq: L1.png: the archive does not contain this image (`dvcodec info` lists its images)\n"
    )


def test_without_names_images_are_numbered() -> None:
    pack("--no-names")
    assert dvcodec("decompress", "scans.dvq", "--output-dir", "out").code == 0
    assert names(Path("out")) == [f"{number:05}.png" for number in range(1, 17)]
    with Image.open(SCANS[4]) as one, Image.open("out/00005.png") as other:
        assert same(one, other)
    assert dvcodec("decompress", "scans.dvq", "--output-dir", "one", "--only", "00003.png").code == 0
    assert names(Path("one")) == ["00003.png"]


def test_an_image_that_cannot_be_read_is_left_out() -> None:
    Path("bad.png").write_text("no image")
    seen = dvcodec("compress", "bad.png", *SCANS, "missing.png", "--lossless", "--archive", "scans.dvq", "--json")
    lines = seen.err.splitlines()
    assert seen.code == 1 and lines[0] == "dvcodec: bad.png: not an image that Pillow can read"
    assert lines[1] == "dvcodec: missing.png: no such file" and lines[2].startswith("16 images")
    records = [json.loads(line) for line in seen.out.splitlines()]
    assert [record.get("input") for record in records] == ["bad.png", "missing.png", None]
    assert (records[2]["images"], records[2]["left_out"]) == (16, 2)
    assert dvcodec("verify", "scans.dvq").code == 0
    seen = dvcodec("compress", "bad.png", "--lossless", "--archive", "none.dvq")
    assert seen.code == 1 and not Path("none.dvq").exists()
    assert seen.err.endswith("dvcodec: none.dvq: there are no images to put into the archive\n")


def test_info_lists_segments_and_images() -> None:
    pack()
    seen = dvcodec("info", "scans.dvq")
    rows = [line.split() for line in seen.out.splitlines()]
    assert (seen.code, seen.err, rows[0]) == (0, "", ["scans.dvq"])
    assert ["archive", "16", "images", "in", "4", "segments"] in rows
    assert ["segment", "kind", "images", "bytes", "bits", "per", "pixel"] in rows
    assert ["5", "9x8", "L", "lossless", "scans/L0.png"] in rows
    facts = json.loads(dvcodec("info", "scans.dvq", "--json").out)
    assert facts["format_version"] == 4 and facts["images"] == 16 and len(facts["segments"]) == 4
    assert {segment["kind"] for segment in facts["segments"]} == {"mosaic"} and facts["faults"] == []
    assert facts["total_bytes"] == Path("scans.dvq").stat().st_size


def test_verify_says_ok_and_writes_nothing(folder: Path) -> None:
    pack()
    before = names(folder)
    seen = dvcodec("verify", "scans.dvq")
    size = number(Path("scans.dvq").stat().st_size)
    assert (seen.code, seen.out, seen.err) == (0, "", f"scans.dvq  ok  {size} B  16 images in 4 segments  T\n")
    assert json.loads(dvcodec("verify", "scans.dvq", "--json", "--quiet").out)["ok"] is True
    assert names(folder) == before


def test_what_is_whole_of_a_damaged_archive_is_written_and_the_rest_is_named() -> None:
    pack()
    data = bytearray(Path("scans.dvq").read_bytes())
    data[-40] ^= 1
    Path("scans.dvq").write_bytes(data)
    seen = dvcodec("decompress", "scans.dvq", "--output-dir", "out", "--json")
    assert seen.code == 1 and len(names(Path("out/scans"))) == 12
    lost = "segment 4 is damaged: images 13 to 16 are lost (scans/P0.png, scans/P1.png, scans/P2.png, scans/P3.png)"
    assert seen.err.splitlines()[0] == f"dvcodec: scans.dvq: {lost}"
    facts = json.loads(seen.out)
    assert facts["errors"] == [lost] and facts["images"] == 12
    seen = dvcodec("verify", "scans.dvq")
    assert (seen.code, seen.err) == (1, f"dvcodec: scans.dvq: {lost}\n")
    assert lost in dvcodec("info", "scans.dvq").out
    assert dvcodec("decompress", "scans.dvq", "--output-dir", "some", "--only", "scans/L2.png").code == 0
    seen = dvcodec("decompress", "scans.dvq", "--output-dir", "some", "--only", "scans/P2.png")
    assert seen.code == 1 and lost in seen.err and "does not contain this image" in seen.err


def test_nothing_is_added_to_an_archive() -> None:
    pack()
    before = Path("scans.dvq").read_bytes()
    seen = dvcodec("compress", SCANS[0], "--lossless", "--archive", "scans.dvq")
    hint = "images cannot be added to an archive; name another file, or use --force"
    assert (seen.code, seen.err) == (
        1,
        f"dvcodec: scans.dvq: scans.dvq already exists; not overwritten ({hint})\n",
    )
    assert Path("scans.dvq").read_bytes() == before
    assert dvcodec("compress", SCANS[0], "--lossless", "--archive", "scans.dvq", "--force").code == 0
    assert len(Path("scans.dvq").read_bytes()) < len(before)
    seen = dvcodec("compress", SCANS[0], "--lossless", "--archive", SCANS[0], "--force")
    assert seen.code == 2 and "compress writes .dvq files" in seen.err


def test_archives_and_single_files_together() -> None:
    pack()
    assert dvcodec("compress", SCANS[0], "--lossless", "-o", "one.dvq").code == 0
    seen = dvcodec("decompress", "scans.dvq", "one.dvq", "missing.dvq", "--output-dir", "out")
    assert seen.code == 1 and names(Path("out")) == ["one.png", "scans"]
    assert dvcodec("verify", "scans.dvq", "one.dvq").code == 0
    assert len(dvcodec("info", "scans.dvq", "one.dvq", "--json").out.splitlines()) == 2
    seen = dvcodec("verify", "-", stdin=Path("scans.dvq").read_bytes())
    assert seen.code == 1
    said = "it is an archive of many images (name its file, or use decompress_archive in Python)"
    assert seen.err == f"dvcodec: stdin: {said}\n"


def test_methods_and_verbosity(fake_bits_back: Weights) -> None:
    pack("--method", "stored", "-v")
    seen = dvcodec("compress", *SCANS, "--lossless", "--archive", "x.dvq", "--method", "stored", "-v")
    assert "  scans/10.png  " in seen.err and "  mosaic: 16 images in 4 segments, " in seen.err
    assert dvcodec("compress", *SCANS, "--lossless", "--archive", "y.dvq", "--quiet").err == ""
    assert "  out/scans/L0.png  9x8 L  " in dvcodec("decompress", "x.dvq", "--output-dir", "out", "-v").err
    seen = dvcodec("compress", SCANS[0], "--lossless", "--archive", "z.dvq", "--method", "bits-back")
    assert seen.code == 1 and "no bits-back model suits 9 x 8 pixels of mode 1" in seen.err
    assert not Path("z.dvq").exists()


def test_a_progress_bar_swallows_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "is_terminal", lambda stream: True)
    Path("bad.png").write_text("no image")
    seen = dvcodec("compress", "bad.png", *SCANS, "--lossless", "--archive", "scans.dvq")
    assert "dvcodec: bad.png: not an image" in seen.err and "16 images -> scans.dvq" in seen.err


LOSSLESS = ["--lossless", "--archive", "x.dvq"]
WRONG = [
    (["compress", SCANS[0], "--archive", "x.dvq", "--method", "stored"], "--method applies to lossless files only"),
    (["compress", SCANS[0], "--archive", "x.dvq", "--target-bpp", "-1"], "'-1' is not a number above 0"),
    (["compress", SCANS[0], *LOSSLESS, "-o", "y.dvq"], "--archive and -o exclude each other"),
    (["compress", SCANS[0], *LOSSLESS, "--output-dir", "d"], "--archive and --output-dir exclude each other"),
    (["compress", SCANS[0], *LOSSLESS, "-q", "5"], "-q and --lossless exclude each other"),
    (["compress", "-", *LOSSLESS], "standard input and output cannot be used"),
    (["compress", SCANS[0], "--lossless", "--archive", "-"], "standard input and output cannot be used"),
    (["compress", SCANS[0], *LOSSLESS, "--jobs", "2"], "an archive takes one image at a time"),
    (["compress", SCANS[0], "--lossless", "--no-names"], "applies to archives only"),
    (["compress", SCANS[0], "--lossless", "--method", "bits-back"], "applies to archives only"),
    (["decompress", "scans.dvq", "-o", "x.png"], "scans.dvq is an archive of many images (use --output-dir)"),
    (["decompress", "scans.dvq", "--preview", "1"], "archives have no previews"),
    (["decompress", SCANS[0], "--only", "x"], "is not an archive"),
    (["decompress", "scans.dvq", "-"], "- must be the only input"),
]


@pytest.mark.parametrize(("args", "message"), WRONG, ids=[" ".join(args) for args, _ in WRONG])
def test_wrong_usage(folder: Path, args: list[str], message: str) -> None:
    pack()
    before = names(folder)
    seen = dvcodec(*args)
    assert (seen.code, seen.out) == (2, "")
    assert message in seen.usage and "Traceback" not in seen.err
    assert names(folder) == before


def test_no_image_takes_the_place_of_its_archive(folder: Path) -> None:
    shutil.copy(SCANS[0], "one.png")
    Path("out").mkdir()
    assert dvcodec("compress", "one.png", "--lossless", "--archive", "out/one.dvq").code == 0
    Path("out/one.dvq").rename("out/one.png")
    before = Path("out/one.png").read_bytes()
    seen = dvcodec("decompress", "out/one.png", "--output-dir", "out", "--force")
    assert seen.code == 1 and "would overwrite the input" in seen.err
    assert Path("out/one.png").read_bytes() == before


def test_a_lossy_archive_there_and_back(folder: Path) -> None:
    photos = [f"scans/photo{seed}.png" for seed in range(3)]
    for seed, name in enumerate(photos):
        Image.fromarray(photograph(40 + seed, 50, seed)).save(name)
    seen = dvcodec("compress", *photos, SCANS[-1], "-q", "70", "--archive", "photos.dvq")
    assert (seen.code, seen.out) == (0, "") and seen.err.startswith("4 images -> photos.dvq  ")
    assert dvcodec("verify", "photos.dvq").err.startswith("photos.dvq  ok  ")
    rows = [line.split() for line in dvcodec("info", "photos.dvq").out.splitlines()]
    assert ["1", "50x40", "RGB", "lossy", "scans/photo0.png"] in rows
    assert dvcodec("decompress", "photos.dvq", "--output-dir", "out").code == 0
    for name in photos:
        assert dvcodec("compress", name, "-q", "70", "-o", "one.dvq", "--force").code == 0
        assert dvcodec("decompress", "one.dvq", "-o", "one.png", "--force").code == 0
        with Image.open(Path("out", name)) as one, Image.open("one.png") as other:
            assert same(one, other)


def test_an_image_that_no_quality_brings_to_its_target_is_left_out(folder: Path) -> None:
    Image.fromarray(photograph(200, 250)).save("large.png")
    seen = dvcodec("compress", "large.png", "scans/L0.png", "--target-size", "60", "--archive", "photos.dvq")
    assert seen.code == 1 and seen.err.startswith("dvcodec: large.png: ") and "1 image -> photos.dvq" in seen.err
