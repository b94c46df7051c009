"""Transcripts of compress and decompress: streams, exit status and the files that are there afterwards."""

import json
from pathlib import Path

import pytest
from PIL import Image

from dvcodec.cli import report
from dvcodec.weights import Weights
from program import dvcodec, names, picture

EXISTS = "name another output, or use --force"


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every transcript plays in an empty folder of its own, far from any terminal."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photo(folder: Path) -> Path:
    """photo.png in the folder."""
    return picture(folder / "photo.png")


@pytest.fixture
def coded(photo: Path) -> bytes:
    """The bytes of photo.dvq, which lies beside photo.png."""
    assert dvcodec("compress", "photo.png", "--quiet").code == 0
    return photo.with_suffix(".dvq").read_bytes()


def number(count: int) -> str:
    """As the report writes it."""
    return f"{count:,}".replace(",", " ")


def test_compress_names_its_output_and_reports_one_line(photo: Path) -> None:
    seen = dvcodec("compress", "photo.png")
    before, after = photo.stat().st_size, photo.with_suffix(".dvq").stat().st_size
    bpp = 8 * after / (40 * 24)
    line = f"photo.png -> photo.dvq  {number(before)} -> {number(after)} B  {bpp:.2f} bpp  {before / after:.2f}x  T\n"
    assert (seen.code, seen.out, seen.err) == (0, "", line)


def test_quiet_says_nothing(photo: Path) -> None:
    seen = dvcodec("compress", "photo.png", "--quiet")
    assert (seen.code, seen.out, seen.err) == (0, "", "")
    assert names(photo.parent) == ["photo.dvq", "photo.png"]


def test_verbose_tells_quality_weights_and_layers(photo: Path) -> None:
    seen = dvcodec("compress", "photo.png", "-v", "-q", "30.5")
    assert "  40x24 RGB  quality 30.5  weights fake\n" in seen.err
    assert "  layer 64/y: " in seen.err


def test_json_goes_to_stdout_and_the_report_to_stderr(photo: Path) -> None:
    seen = dvcodec("compress", "photo.png", "--json")
    facts = json.loads(seen.out)
    assert facts["input"] == "photo.png" and facts["output"] == "photo.dvq" and facts["quality"] == 50
    assert facts["bytes"] == Path("photo.dvq").stat().st_size and set(facts["layer_bits"]) >= {"64/y", "8/c"}
    assert seen.err.startswith("photo.png -> photo.dvq")


def test_output_file_and_folder(photo: Path) -> None:
    assert dvcodec("compress", "photo.png", "-o", "other.dvq").code == 0
    assert dvcodec("compress", "photo.png", "--output-dir", "new/deep").code == 0
    assert Path("other.dvq").read_bytes() == Path("new/deep/photo.dvq").read_bytes()
    assert names(photo.parent) == ["new", "other.dvq", "photo.png"]


def test_an_existing_output_stays_unless_forced(photo: Path, coded: bytes) -> None:
    Path("photo.dvq").write_bytes(b"precious")
    seen = dvcodec("compress", "photo.png")
    assert (seen.code, seen.out) == (1, "") and Path("photo.dvq").read_bytes() == b"precious"
    assert seen.err == f"dvcodec: photo.png: photo.dvq already exists; not overwritten ({EXISTS})\n"
    assert dvcodec("compress", "photo.png", "-f").code == 0
    assert Path("photo.dvq").read_bytes() == coded


@pytest.mark.usefixtures("coded")
def test_decompress_beside_the_original_refuses_and_says_what_to_do(photo: Path) -> None:
    original = photo.read_bytes()
    seen = dvcodec("decompress", "photo.dvq")
    assert seen.code == 1 and photo.read_bytes() == original
    assert seen.err == f"dvcodec: photo.dvq: photo.png already exists; not overwritten ({EXISTS})\n"


def test_decompress_names_its_output_and_reports_one_line(photo: Path, coded: bytes) -> None:
    photo.unlink()
    seen = dvcodec("decompress", "photo.dvq")
    line = f"photo.dvq -> photo.png  {number(len(coded))} -> {number(photo.stat().st_size)} B  40x24 RGB  T\n"
    assert (seen.code, seen.out, seen.err) == (0, "", line)
    assert names(photo.parent) == ["photo.dvq", "photo.png"]


@pytest.mark.usefixtures("coded")
@pytest.mark.parametrize(("name", "kind"), [("x.webp", "WEBP"), ("x.jpg", "JPEG"), ("x.TIFF", "TIFF")])
def test_the_suffix_chooses_the_format(name: str, kind: str) -> None:
    assert dvcodec("decompress", "photo.dvq", "-o", name).code == 0
    with Image.open(name) as image:
        assert (image.format, image.size) == (kind, (40, 24))


def test_an_unknown_suffix_is_a_usage_error_before_anything_is_read() -> None:
    seen = dvcodec("decompress", "missing.dvq", "-o", "x.foo")
    assert seen.code == 2 and "-o" in seen.usage


@pytest.mark.usefixtures("coded")
def test_the_input_is_never_overwritten(photo: Path) -> None:
    original = photo.read_bytes()
    photo.rename("photo")
    seen = dvcodec("compress", "photo", "-o", "./photo", "--force")
    assert seen.code == 1 and Path("photo").read_bytes() == original
    assert seen.err == "dvcodec: photo: the output would overwrite the input (name another output)\n"


def test_standard_streams_carry_the_data(photo: Path, coded: bytes) -> None:
    seen = dvcodec("compress", "-", stdin=photo.read_bytes())
    assert (seen.code, seen.data) == (0, coded)
    assert seen.err.startswith("stdin -> stdout  ")
    back = dvcodec("decompress", "-", "--quiet", stdin=coded)
    assert back.code == 0 and back.data.startswith(b"\x89PNG") and back.err == ""
    assert dvcodec("compress", "-", "-o", "new.dvq", stdin=photo.read_bytes()).code == 0
    assert Path("new.dvq").read_bytes() == coded
    assert dvcodec("decompress", "photo.dvq", "-o", "-").data == back.data
    assert dvcodec("decompress", "-", "-o", "new.webp", stdin=coded).code == 0
    assert dvcodec("decompress", "-", "-o", "new.webp", stdin=coded).code == 1
    assert names(photo.parent) == ["new.dvq", "new.webp", "photo.dvq", "photo.png"]


@pytest.mark.usefixtures("coded")
def test_a_terminal_gets_no_binary_data_unless_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "is_terminal", lambda stream: True)
    for args in (["compress", "photo.png", "-o", "-"], ["decompress", "photo.dvq", "-o", "-"]):
        seen = dvcodec(*args)
        assert (seen.code, seen.data) == (2, b"") and "standard output is a terminal" in seen.usage
        forced = dvcodec(*args, "--force", "--no-progress")
        assert forced.code == 0 and len(forced.data) > 40


def test_a_keyboard_is_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "is_terminal", lambda stream: True)
    seen = dvcodec("compress", "-", "-o", "x.dvq")
    assert seen.code == 2 and "standard input is a terminal" in seen.usage


def test_the_rest_go_on_when_one_fails(photo: Path) -> None:
    picture(photo.with_name("zebra.png"))
    Path("bad.png").write_text("no picture")
    seen = dvcodec("compress", "bad.png", "missing.png", "photo.png", "zebra.png")
    lines = seen.err.splitlines()
    assert (seen.code, seen.out, len(lines)) == (1, "", 5)
    assert lines[0].startswith("dvcodec: bad.png: ") and lines[1].startswith("dvcodec: missing.png: ")
    assert lines[2].startswith("photo.png -> photo.dvq  ") and lines[3].startswith("zebra.png -> zebra.dvq  ")
    assert lines[4].startswith("4 files, 2 failed  ") and lines[4].endswith("x  T")
    assert names(photo.parent) == ["bad.png", "photo.dvq", "photo.png", "zebra.dvq", "zebra.png"]


@pytest.mark.usefixtures("photo")
def test_json_names_what_failed() -> None:
    seen = dvcodec("compress", "missing.png", "photo.png", "--json", "--quiet")
    records = [json.loads(line) for line in seen.out.splitlines()]
    assert seen.code == 1 and records[0]["input"] == "missing.png" and records[0]["error"]
    assert "error" not in records[1] and records[1]["output"] == "photo.dvq"
    assert seen.err.startswith("dvcodec: missing.png: ")


@pytest.mark.usefixtures("photo", "small_chunks")
def test_preview_decodes_the_first_chunks(folder: Path) -> None:
    picture(folder / "large.png", (500, 300))
    assert dvcodec("compress", "large.png").code == 0
    chunks = len(json.loads(dvcodec("info", "large.dvq", "--json").out)["chunks"])
    assert chunks > 1
    seen = dvcodec("decompress", "large.dvq", "--preview", "1", "-o", "coarse.png")
    assert seen.code == 0 and f"500x300 RGB  1 of {chunks} chunks" in seen.err
    with Image.open("coarse.png") as image:
        assert image.size == (500, 300)


@pytest.mark.usefixtures("small_chunks")
def test_a_truncated_file_says_what_is_left_and_preview_all_decodes_it(folder: Path) -> None:
    picture(folder / "large.png", (500, 300))
    assert dvcodec("compress", "large.png").code == 0
    whole = Path("large.dvq").read_bytes()
    Path("cut.dvq").write_bytes(whole[:-40])
    seen = dvcodec("decompress", "cut.dvq")
    assert seen.code == 1 and not Path("cut.png").exists()
    assert seen.err.startswith("dvcodec: cut.dvq: ") and "chunks are whole" in seen.err
    assert "--preview all" in seen.err and seen.err.count("\n") == 1
    assert dvcodec("decompress", "cut.dvq", "--preview", "all").code == 0
    with Image.open("cut.png") as image:
        assert image.size == (500, 300)
