"""Wrong usage: exit status 2, a word about what is wrong, nothing read and nothing written."""

import json
from pathlib import Path

import pytest

from dvcodec import training
from dvcodec.training.options import TrainOptions, default_out
from dvcodec.weights import Weights
from program import dvcodec, names, picture


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a.png, a.jpg and b.png."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "a.jpg", "b.png"):
        picture(tmp_path / name)
    return tmp_path


WRONG = [
    (["compress", "a.png", "b.png", "-o", "x.dvq"], "-o takes one input, not 2 (use --output-dir)"),
    (["compress", "a.png", "-o", "x.dvq", "--output-dir", "d"], "-o and --output-dir exclude each other"),
    (["compress", "-", "a.png"], "- must be the only input"),
    (["compress", "-", "--output-dir", "d"], "standard input has no name (use -o)"),
    (["compress", "a.png", "-o", "-", "--json"], "standard output takes the data"),
    (["compress", "a.png", "-q", "50", "--target-bpp", "1"], "-q and --target-bpp exclude each other"),
    (["compress", "a.png", "--target-size", "9", "--target-psnr", "30"], "exclude each other"),
    *(
        (["compress", "a.png", "-q", value], f"'{value}' is not a number from 1 to 100")
        for value in ("0.5", "101", "nan", "1e9", "high", "-inf", "", "1_0")
    ),
    (["compress", "a.png", "--target-psnr", "nan"], "'nan' is not a number above 0"),
    (["compress", "a.png", "--target-bpp", "0"], "'0' is not a number above 0"),
    (["compress", "a.png", "--target-psnr", "inf"], "'inf' is not a number above 0"),
    (["compress", "a.png", "--target-ssimulacra2", "101"], "'101' is not a number from 1 to 100"),
    (["compress", "a.png", "--target-size", "0"], "'0' is not a size of a file (at least 1 byte)"),
    (["compress", "a.png", "--target-size", "0.1"], "'0.1' is not a size of a file (at least 1 byte)"),
    (["compress", "a.png", "--target-size", "9" * 400], "is not a size of a file"),
    (["compress", "a.png", "--target-size", "20 apples"], "'20 apples' is not a size (such as 20000, 20kB"),
    (["compress", "a.png", "--target-size", "-5"], "'-5' is not a size"),
    (["compress", "a.png", "--target-size", "0%"], "'0%' is not a part of the source"),
    (["compress", "a.png", "--target-size", "101%"], "'101%' is not a part of the source"),
    (["compress", "a.png", "--jobs", "0"], "Invalid value for '--jobs': it must be at least 1"),
    (["compress", "a.png", "--jobs", "9999"], "Invalid value for '--jobs': it must be at most 1024"),
    (["compress", "a.png", "--jobs", "all"], "Invalid value for '--jobs': it must be a whole number"),
    (["compress", "a.png", "--effort", "0"], "Invalid value for '--effort': it must be at least 1"),
    (["compress", "a.png", "--effort", "10"], "Invalid value for '--effort': it must be at most 9"),
    (["compress", "a.png", "-o", "b.jpg"], "compress writes .dvq files (type: -o b.dvq)"),
    (["compress", "a.png", "--archive", "b.JPEG"], "compress writes .dvq files (type: --archive b.dvq)"),
    (["compress", "a.png", "--effort", "3", "--lossless"], "--effort and --tune apply to lossy files only"),
    (["compress", "a.png", "--tune", "psnr", "--lossless"], "--effort and --tune apply to lossy files only"),
    (["compress", "a.png", "--tune", "ssim"], "--tune"),
    (["compress", "a.png", "--threads", "0"], "--threads"),
    (["compress", "a.png", "--device", "tpu"], "Invalid value for '--device': 'tpu' is not one of"),
    (["compress", "a.png", "--lossy"], "--lossy"),
    (["compress", "--archive", "-o", "x.dvq", "a.png"], "its value is missing: -o is an option (a file of this name"),
    (["decompress", "a.dvq", "-o", "--force"], "its value is missing: --force is an option"),
    (["compress"], "no input (name a file, such as photo.png)"),
    (["decompress"], "no input (name a file, such as photo.dvq)"),
    (["compress", "a.png", "b.dvq"], "b.dvq does not exist (to name the output, type -o b.dvq)"),
    (["decompress", "a.dvq", "c.png"], "c.png does not exist (to name the output, type -o c.png)"),
    (["compress", "a.png", "-0"], "it applies to lists of names only (use --files-from)"),
    (["compress", "--files-from", "nowhere"], "cannot read nowhere: no such file or directory"),
    (["compress", "-", "--files-from", "nowhere"], "- must be the only input"),
    (["decompress", "a.dvq", "-o", "photo"], "a name without a suffix does not name an image format that can be"),
    (["decompress", "a.dvq", "--preview", "0"], "'0' is neither a number of chunks from 1 on nor all"),
    (["decompress", "a.dvq", "--preview", "some"], "'some' is neither"),
    (["decompress", "a.dvq", "--preview", "9" * 5000], "is neither a number of chunks"),
    (["compress", "a.png", "--threads", "99999999999"], "--threads"),
    (["verify", "-", "a.dvq"], "- must be the only input"),
    (["pack"], "No such command 'pack'"),
    (["export", "run/last.pt", "-o", "weights.bin"], "weights.bin does not end in .safetensors"),
    (["train", "--model", "rrvq", "--data", ".", "--out", "run", "--set", "width"], "'width' is not KEY=VALUE"),
    (["export", "run/last.pt", "-o", "mine.safetensors", "--calibrate", "nowhere"], "no folder 'nowhere'"),
    (["train", "--model", "rrvq", "--data", ".", "--seed", str(2**63)], "--seed"),
    (["sample", "-o", "grid.png", "--seed", str(2**63)], "--seed"),
]


@pytest.mark.parametrize(("args", "message"), WRONG, ids=[" ".join(args)[:80] for args, _ in WRONG])
def test_wrong_usage(folder: Path, args: list[str], message: str) -> None:
    before = names(folder)
    seen = dvcodec(*args)
    assert (seen.code, seen.out) == (2, "")
    assert message in seen.usage and "Traceback" not in seen.err
    assert names(folder) == before


def test_train_passes_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[TrainOptions] = []
    monkeypatch.setattr(training, "train", asked.append)
    preset = next(iter(training.presets()))
    flags = "--steps 7 --minutes 0.5 --resume --precision fp32 --seed 3 --device cpu --threads 2 --set a=1 --set b=x=y"
    assert dvcodec("train", "--model", preset, "--data", ".", "--out", "run", *flags.split()).code == 0
    expected = TrainOptions(preset, ".", Path("run"), 7, 0.5, True, "cpu", "fp32", 3, 2, {"a": "1", "b": "x=y"}, False)
    assert asked == [expected]


@pytest.mark.parametrize(
    ("data", "out"),
    [
        ("cifar10", "runs/rrvq-l5-cifar10"),
        ("some/where/my photos;2/", "runs/rrvq-l5-my_photos_2"),
        ("a/b/..", "runs/rrvq-l5-a"),
        ("/", "runs/rrvq-l5"),
    ],
)
def test_a_run_has_a_default_folder(data: str, out: str) -> None:
    assert default_out("rrvq-l5", data) == Path(out)


def test_export_writes_weights_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(checkpoint: Path, out: Path, card: dict[str, str], calibration: Path | None) -> Path:
        out.write_text(json.dumps(card))
        return out

    monkeypatch.setattr(training, "export_weights", write)
    seen = dvcodec("export", "run/last.pt", "-o", "mine.safetensors", "--licence", "MIT")
    assert seen.code == 0 and seen.err.startswith("run/last.pt -> mine.safetensors  ")
    assert json.loads(Path("mine.safetensors").read_text())["licence"] == "MIT"
    again = dvcodec("export", "run/last.pt", "-o", "mine.safetensors")
    assert again.code == 1
    assert again.err.startswith(
        "dvcodec: run/last.pt: mine.safetensors already exists; not overwritten (choose another"
    )


def test_names_are_printed_on_one_line_and_dashes_can_be_names(folder: Path) -> None:
    picture(folder / "-x.png")
    assert dvcodec("compress", "--", "-x.png").code == 0
    seen = dvcodec("compress", "new\nline\x1b[31m.png")
    assert seen.code == 1 and seen.err.startswith("dvcodec: new\\nline\\x1b[31m.png: ") and seen.err.count("\n") == 1


def test_unknown_weights_are_named_once(folder: Path) -> None:
    seen = dvcodec("compress", "a.png", "b.png", "--weights", "none")
    assert (seen.code, seen.err) == (1, "dvcodec: none: no weights named 'none' (`dvcodec models` lists them)\n")
    picture(folder / "a.png")
    seen = dvcodec("compress", "a.png", "--weights", "a.png")
    said = "dvcodec: a.png: a.png is not a .safetensors file of weights (`dvcodec export` makes one)\n"
    assert (seen.code, seen.err) == (1, said)
