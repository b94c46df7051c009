"""Sizes with units, shares of the source, the target of SSIMULACRA 2, and the warning of an output that grew."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dvcodec.cli import values
from dvcodec.cli.values import Size
from dvcodec.codec.lossy import perceptual_score
from dvcodec.weights import Weights
from fake import photograph
from program import dvcodec, picture


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


SIZES = [
    ("20000", 20000),
    ("20kB", 20_000),
    ("20k", 20_000),
    ("20 KB", 20_000),
    ("20KiB", 20_480),
    ("1.5MB", 1_500_000),
    ("1m", 1_000_000),
    ("2MiB", 2 * 2**20),
    ("7B", 7),
]


@pytest.mark.parametrize(("text", "count"), SIZES)
def test_sizes_have_units(text: str, count: int) -> None:
    assert values.size(text) == Size(count)
    assert values.size(text).of(5) == count


def test_a_share_is_of_each_source() -> None:
    assert values.size("10%").of(12345) == 1234
    assert values.size("0.5 %").of(100) == 1


def test_a_target_of_size_is_kept(folder: Path) -> None:
    Image.fromarray(photograph(120, 150)).save("photo.bmp")
    source = Path("photo.bmp").stat().st_size
    for text, most in (("0.3kB", 300), ("0.5%", source // 200)):
        seen = dvcodec("compress", "photo.bmp", "--target-size", text, "--json", "--force")
        assert seen.code == 0 and 0.8 * most < json.loads(seen.out)["bytes"] <= most
    seen = dvcodec("compress", "-", "--target-size", "0.5%", stdin=Path("photo.bmp").read_bytes())
    assert seen.code == 0 and len(seen.data) <= source // 200


def scored(reference: np.ndarray, decoded: np.ndarray) -> float:
    """Stand in for SSIMULACRA 2 with a score that is quick to compute."""
    return 100 - float(np.abs(reference.astype(int) - decoded).mean())


def test_a_target_of_ssimulacra2_is_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perceptual_score, "ssimulacra2", scored)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    Image.fromarray(photograph(230, 240)).save("photo.png")
    found = {}
    for target in ("93", "96"):
        seen = dvcodec("compress", "photo.png", "--target-ssimulacra2", target, "--json", "-f", "-v")
        assert seen.code == 0, seen.err
        found[target] = json.loads(seen.out)
        assert found[target]["ssimulacra2"] >= float(target) and "  SSIMULACRA 2 9" in seen.err
    assert found["93"]["quality"] < found["96"]["quality"]
    seen = dvcodec("compress", "photo.png", "--target-ssimulacra2", "100", "-f")
    assert seen.code == 1 and "no quality gives a SSIMULACRA 2 of 100.00 (quality 100 gives 9" in seen.err


def test_what_ssimulacra2_lacks_is_said_before_any_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(folder / "small.png")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    seen = dvcodec("compress", "small.png", "--target-ssimulacra2", "70")
    line = "SSIMULACRA 2 is not defined for 40 x 24 pixels, only from 225 x 225 on (use --target-psnr)"
    assert (seen.code, seen.err) == (1, f"dvcodec: small.png: {line}\n")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    seen = dvcodec("compress", "small.png", "--target-ssimulacra2", "70")
    line = "--target-ssimulacra2 needs the package ssimulacra2, which is not installed (install dvcodec[eval], or that"
    assert (seen.code, seen.err) == (1, f"dvcodec: small.png: {line} package alone)\n")


def test_an_output_that_is_larger_than_its_input_is_a_warning(folder: Path) -> None:
    Image.new("RGB", (1, 1), "red").save("dot.ppm")
    source = Path("dot.ppm").stat().st_size
    seen = dvcodec("compress", "dot.ppm", "-q", "100")
    size = Path("dot.dvq").stat().st_size
    assert size > source and seen.code == 0
    sizes = f"{source:,} -> {size:,} B".replace(",", " ")
    hint = "try a lower -q, or --lossless"
    assert seen.err.splitlines()[-1] == (
        f"dvcodec: dot.ppm: warning: the output is larger than the input, {sizes} ({hint})"
    )
    assert dvcodec("compress", "dot.ppm", "-q", "100", "-f", "--quiet").err == ""
