"""Transcripts of `dvcodec compare`: what it prints and writes, what it refuses, how it goes on."""

import json
from pathlib import Path

import pytest

from comparing import pictures
from dvcodec.cli import report
from dvcodec.cli.compare import parse_qualities
from dvcodec.evaluation.comparison import tasks
from dvcodec.evaluation.metrics.rate_distortion import Measurement, measure_one
from dvcodec.weights import Weights
from program import dvcodec, names

pytest.importorskip("matplotlib", reason="matplotlib (the `eval` extra) is not installed")
pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")

from dvcodec.evaluation.report import plots

every_plot = plots.all_plots
FAST = ("--metrics", "psnr", "--no-cost")
POINTS = ("--codecs", "dvcodec,jpeg", "--qualities", "10,50,90", "--qualities", "jpeg=10,50,90")


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pictures in `pictures`."""
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "pictures", count=2)
    return tmp_path


@pytest.fixture
def one_plot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have the first of their plots alone: drawing is most of the work, and not what these tests are about."""
    monkeypatch.setattr(plots, "all_plots", lambda comparison: every_plot(comparison)[:1])


def test_a_report_in_a_folder() -> None:
    """Tables on standard output, where the page is on standard error, everything else in the folder."""
    seen = dvcodec("compare", "pictures", "-o", "report", *FAST, *POINTS)
    assert seen.code == 0 and seen.err == "report/index.html\n"
    assert "BD-rate against jpeg" in seen.out and "dvcodec on pictures: means of 2 images" in seen.out
    files = ["cache", "index.html", "plots", "results-dvcodec.json", "results-jpeg.json", "results.csv", "results.json"]
    assert names(Path("report")) == files
    assert not [path for path in Path("report").rglob("*") if path.suffix == ".tmp"]
    page = Path("report/index.html").read_text(encoding="utf-8")
    assert "<h1>" in page and "Where the bits go" in page


@pytest.mark.usefixtures("one_plot")
def test_json_on_standard_output_is_the_file() -> None:
    seen = dvcodec("compare", "pictures", "-o", "report", "--json", *FAST, *POINTS)
    assert json.loads(seen.out) == json.loads(Path("report/results.json").read_text())
    data = json.loads(seen.out)
    assert data["name"] == "dvcodec" and [other["name"] for other in data["others"]] == ["jpeg"]
    assert data["images"][0]["account"]["layer-bits"][0][0] == "64/y"


@pytest.mark.usefixtures("one_plot")
def test_efforts_and_tunings_are_curves_of_their_own() -> None:
    few = ("--codecs", "dvcodec,jpeg", "--qualities", "10,90", "--qualities", "jpeg=10,90")
    seen = dvcodec("compare", "pictures", "-o", "report", "--json", *FAST, *few, "--effort", "1", "--effort", "2")
    data = json.loads(seen.out)
    assert [data["name"], *(other["name"] for other in data["others"])] == [
        "dvcodec-effort-1",
        "dvcodec-effort-2",
        "jpeg",
    ]
    tuned = dvcodec("compare", "pictures", "-o", "tuned", "--json", *FAST, *few, "--tune", "perceptual")
    assert tuned.code == 1 and "do not support perceptual tuning" in tuned.err


@pytest.mark.usefixtures("one_plot")
def test_quiet_prints_nothing() -> None:
    seen = dvcodec("compare", "pictures", "-o", "report", "--quiet", *FAST, *POINTS)
    assert (seen.code, seen.out, seen.err) == (0, "", "")


@pytest.mark.usefixtures("one_plot")
def test_an_existing_report_is_not_overwritten_without_force() -> None:
    assert dvcodec("compare", "pictures", "-o", "report", *FAST, *POINTS).code == 0
    seen = dvcodec("compare", "pictures", "-o", "report", *FAST, *POINTS)
    reason = "the folder is not empty (name another folder, or use --force to write into it)"
    assert (seen.code, seen.out, seen.err) == (1, "", f"dvcodec: report: {reason}\n")
    assert dvcodec("compare", "pictures", "-o", "report", "--force", *FAST, *POINTS).code == 0


@pytest.mark.usefixtures("one_plot")
def test_an_interrupted_report_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second run finds the cache of the first in the folder, and measures what is missing."""
    done: list[object] = []
    last = 3

    def counting(*arguments: object) -> Measurement:
        if len(done) == last:
            raise KeyboardInterrupt
        done.append(arguments)
        return measure_one(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks, "measure_one", counting)
    assert dvcodec("compare", "pictures", "-o", "report", *FAST, *POINTS).code == 130
    assert names(Path("report")) == ["cache"] and len(names(Path("report/cache"))) == 3
    last = 100
    assert dvcodec("compare", "pictures", "-o", "report", *FAST, *POINTS).code == 0
    assert len(done) == 12


@pytest.mark.usefixtures("one_plot")
def test_a_cache_elsewhere_serves_several_reports() -> None:
    for report_folder in ("one", "two"):
        seen = dvcodec("compare", "pictures", "-o", report_folder, "--cache", "kept", *FAST, *POINTS)
        assert seen.code == 0 and "cache" not in names(Path(report_folder))
    assert len(names(Path("kept"))) == 12


@pytest.mark.usefixtures("one_plot")
def test_bad_images_are_left_out_with_a_reason() -> None:
    Path("pictures/bad.png").write_bytes(b"no picture")
    seen = dvcodec("compare", "pictures", "-o", "report", *FAST, *POINTS)
    assert seen.code == 0
    assert seen.err.splitlines()[0] == "dvcodec: bad.png: left out: not an image that Pillow can read"


def test_several_weights_and_curves_of_others(folder: Path, fake_weights: Weights) -> None:
    assert dvcodec("compare", "pictures", "-o", "one", *FAST, *POINTS).code == 0
    seen = dvcodec(
        "compare", "pictures", "-o", "two", "--overlay", "one/results-jpeg.json", "--published", "--lossless",
        "--ratio", "30", "--weights", "fake", *FAST, *POINTS, "--json",
    )  # fmt: skip
    data = json.loads(seen.out)
    assert data["published"][-1]["name"] == "jpeg" and len(data["published"]) > 5
    assert data["lossless"] and data["at-ratio"]["images"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing", "-o", "report"), "'missing' does not exist"),
        (("pictures",), "Missing option '-o'"),
        (("pictures", "-o", "report", "--qualities", "50"), "two or more numbers"),
        (("pictures", "-o", "report", "--qualities", "jpeg=a,b"), "two or more numbers"),
        (("pictures", "-o", "report", "--ratio", "0.5"), "not a compression ratio"),
        (("pictures", "-o", "report", "--jobs", "0"), "--jobs"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    seen = dvcodec("compare", *arguments)
    assert seen.code == 2 and message in seen.usage and not Path("report").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--codecs", "gif"), "pictures: no codec 'gif' (there are dvcodec, jpeg, jpeg-444, webp, avif, jxl, jp2)"),
        (("--metrics", "lpips"), "pictures: no metric 'lpips' (there are psnr, ms-ssim, ssimulacra2)"),
        (("--qualities", "0,50"), "pictures: dvcodec: qualities go from 1 to 100"),
        (("--weights", "none"), "pictures: no weights named 'none' (`dvcodec models` lists them)"),
        (("--overlay", "none.json"), "none.json: cannot read the curve: No such file or directory"),
        (("-o", "pictures"), "pictures: the folder is not empty"),
    ],
)
def test_requests_that_cannot_be_met(arguments: tuple[str, ...], line: str) -> None:
    seen = dvcodec("compare", "pictures", "-o", "report", *arguments)
    assert seen.code == 1 and seen.out == "" and seen.err.startswith(f"dvcodec: {line}") and seen.err.count("\n") == 1
    assert not Path("report").exists()


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    seen = dvcodec("compare", "empty", "-o", "report", *FAST)
    assert seen.code == 1 and "dvcodec: empty: no image to measure" in seen.err


@pytest.mark.usefixtures("one_plot")
def test_a_bar_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "is_terminal", lambda stream: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # rich draws, though the tests' streams are no terminals
    arguments = ("compare", "pictures", "-o", "report", "--force", *FAST, *POINTS)
    assert "%" in dvcodec(*arguments).err
    assert dvcodec(*arguments, "--no-progress").err == "report/index.html\n"


def test_lists_of_qualities() -> None:
    """Ours without a name; the last list of a codec wins."""
    assert parse_qualities(["1,25.5", "jpeg=5,95", "60,70"]) == {"dvcodec": (60, 70), "jpeg": (5, 95)}


@pytest.mark.parametrize("package", ["scipy", "matplotlib"])
def test_missing_packages_are_named_before_any_work(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    seen = dvcodec("compare", "pictures", "-o", "report", *FAST, *POINTS)
    assert seen.code == 1 and f"reports need {package}" in seen.err and "pip install 'dvcodec[eval]'" in seen.err
    assert not Path("report").exists()
