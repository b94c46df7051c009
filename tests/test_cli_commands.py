"""Transcripts of info, verify, models, help and version, and how the program ends when something goes wrong."""

import json
import math
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dvcodec as package
from dvcodec.cli import report, streams
from dvcodec.cli.report import Reporter
from dvcodec.codec import api
from dvcodec.weights import Weights
from program import dvcodec, picture


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photo.png and photo.dvq."""
    monkeypatch.chdir(tmp_path)
    picture(tmp_path / "photo.png")
    assert dvcodec("compress", "photo.png").code == 0
    return tmp_path


def damage(source: str, target: str) -> None:
    """Copy a file with its last byte changed."""
    data = bytearray(Path(source).read_bytes())
    data[-1] ^= 1
    Path(target).write_bytes(data)


def test_info_describes_the_header_and_each_chunk() -> None:
    seen = dvcodec("info", "photo.dvq")
    lines = [line.split() for line in seen.out.splitlines()]
    assert (seen.code, seen.err, lines[0]) == (0, "", ["photo.dvq"])
    assert [
        "size",
        "40x24",
        "RGB,",
        "8",
        "bits",
    ] in lines and ["coded", "lossy,", "quality", "50,", "tuned", "for", "PSNR"] in lines
    assert ["chunk", "bytes", "layers", "strides"] in lines


def test_info_as_json_gives_one_object_per_file() -> None:
    shutil.copy("photo.dvq", "again.dvq")
    seen = dvcodec("info", "--json", "photo.dvq", "again.dvq")
    first, second = map(json.loads, seen.out.splitlines())
    assert first["width"] == 40 and first["height"] == 24 and first["mode"] == "RGB" and first["chunks"]
    assert first["total_bytes"] == Path("photo.dvq").stat().st_size and second["input"] == "again.dvq"


def test_info_reads_standard_input_and_refuses_what_is_no_dvq() -> None:
    assert dvcodec("info", "-", stdin=Path("photo.dvq").read_bytes()).out.startswith("stdin\n")
    seen = dvcodec("info", "photo.png", "photo.dvq")
    assert seen.code == 1 and seen.err.startswith("dvcodec: photo.png: ") and seen.out.startswith("photo.dvq\n")


def test_verify_says_ok_and_writes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    seen = dvcodec("verify", "photo.dvq")
    size = Path("photo.dvq").stat().st_size
    assert (seen.code, seen.out, seen.err) == (0, "", f"photo.dvq  ok  {size} B  40x24 RGB  T\n")
    assert dvcodec("verify", "-", "--quiet", stdin=Path("photo.dvq").read_bytes()).code == 0
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_verify_finds_damage() -> None:
    damage("photo.dvq", "bad.dvq")
    seen = dvcodec("verify", "bad.dvq", "photo.dvq", "--json")
    assert seen.code == 1 and seen.err.startswith("dvcodec: bad.dvq: ")
    bad, good = map(json.loads, seen.out.splitlines())
    assert bad["error"] and good["ok"] is True


def test_models_lists_weights_and_shows_a_card(fake_weights: Weights) -> None:
    table = dvcodec("models").out.splitlines()
    assert table[0].split() == ["NAME", "ID", "SIZE", "DESCRIPTION"]
    assert table[1].split() == ["fake", fake_weights.id.hex(), "0.2", "kB", "default"]
    facts = json.loads(dvcodec("models", "--json").out)
    assert facts["name"] == "fake" and facts["sha256"] == fake_weights.sha256 and facts["default"] is True
    card = dvcodec("models", "fake").out
    assert "name: fake\n" in card and "  layers:\n" in card
    missing = dvcodec("models", "none")
    assert missing.code == 1 and missing.err.startswith("dvcodec: none: no weights named 'none'")


def test_version_and_what_decides_whether_a_file_can_be_read(fake_weights: Weights) -> None:
    assert dvcodec("-V").out == dvcodec("--version").out == f"dvcodec {package.__version__}\n"
    lines = dvcodec("-V", "-v").out.splitlines()
    assert lines[1] == "format 4" and lines[3] == f"weights {fake_weights.id.hex()} fake"
    assert json.loads(dvcodec("-V", "--json").out)["weights"] == {"fake": fake_weights.id.hex()}


def test_without_arguments_the_help_is_shown() -> None:
    seen = dvcodec()
    assert seen.code == 0 and seen.out == dvcodec("--help").out == dvcodec("-h").out
    assert "decompress" in seen.out and seen.err == ""


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "verify_file", interrupt)
    seen = dvcodec("verify", "photo.dvq", "photo.dvq")
    assert (seen.code, seen.out) == (130, "") and "Traceback" not in seen.err


@pytest.mark.parametrize("error", [RuntimeError("wrong"), MemoryError(), OSError(28, "No space left on device")])
def test_no_failure_shows_a_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(api, "verify_file", fail)
    seen = dvcodec("verify", "photo.dvq")
    assert seen.code == 1 and seen.err.startswith("dvcodec: photo.dvq: ") and seen.err.count("\n") == 1
    assert "Traceback" in dvcodec("verify", "photo.dvq", "--debug").err


def real(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    return subprocess.run([sys.executable, "-m", "dvcodec", *args], capture_output=True, text=True, timeout=60)


def test_as_a_program_of_its_own() -> None:
    version = real("-V")
    assert (version.returncode, version.stdout, version.stderr) == (0, f"dvcodec {package.__version__}\n", "")
    info = real("info", "photo.dvq", "--json")
    assert info.returncode == 0 and json.loads(info.stdout)["width"] == 40 and info.stderr == ""
    failed = real("info", "missing.dvq")
    assert failed.returncode == 1 and failed.stderr.startswith("dvcodec: missing.dvq: ")
    assert real("info").returncode == 2


def test_help_and_info_start_at_once() -> None:
    for args in (["--help"], ["info", "photo.dvq"]):
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            assert real(*args).returncode == 0
            seconds.append(time.perf_counter() - began)
        assert min(seconds) < 0.8, f"dvcodec {args[0]} took {min(seconds):.2f} s; 0.2 s is usual on an idle machine"


def test_json_knows_no_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter(as_json=True).record({"psnr": math.inf, "bytes": 3})
    assert json.loads(capsys.readouterr().out) == {"psnr": None, "bytes": 3}


def test_closed_streams_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, use in (("stdin", streams.read), ("stdout", lambda: streams.write(b"data"))):
        monkeypatch.setattr(sys, name, None)
        assert not report.is_terminal(getattr(sys, name))
        with pytest.raises(OSError, match="is closed"):
            use()
