"""`benchmarks/equal_score.py` reads reports of `dvcodec compare` for every score."""

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

import dvcodec

SCORES = {"psnr": "psnr-rgb", "ms-ssim": "ms-ssim-rgb", "ssimulacra2": "ssimulacra2"}
"""Keys of the results by the names of scores."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The benchmark as a module."""
    path = Path(dvcodec.__file__).parent / "benchmarks" / "equal_score.py"
    spec = importlib.util.spec_from_file_location("equal_score_script", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("score", SCORES)
def test_half_of_the_bits_at_equal_scores_is_minus_50_percent(
    script: ModuleType, score: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [1 - 10 ** (-dB / 10) for dB in (8, 12, 16)] if score == "ms-ssim" else [8.0, 12.0, 16.0]
    for name, share in (("avif", 1.0), ("dvcodec", 0.5)):
        results = {"bpp": [0.1 * share, 0.3 * share, 0.9 * share], SCORES[score]: values}
        (tmp_path / f"results-{name}.json").write_text(json.dumps({"name": name, "results": results}))
    script.main(tmp_path, anchor="avif", score=score, low=9.0, high=15.0)
    assert capsys.readouterr().out == f"dvcodec: -50.0 % of avif's bits at equal {score}, 9.0 to 15.0\n"
    curve = script.curves(tmp_path, score)["avif"]
    assert math.isclose(curve.score[0], 8)
