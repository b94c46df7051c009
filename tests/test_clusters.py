"""The examples on Ray Data and Dask: a folder is compressed and read, and a file that fails ends in a table."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import dvcodec
from fake import photograph

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "example"), [("ray", "folder_on_ray.py"), ("dask", "folder_on_dask.py")])
def test_a_folder_goes_through_and_failures_end_in_a_table(engine: str, example: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"the package {engine} is not installed")
    photos, out = tmp_path / "photos", tmp_path / "out"
    (photos / "deep").mkdir(parents=True)
    sizes = {"a.png": (40, 30), "deep/b.png": (30, 40)}
    for name, (width, height) in sizes.items():
        Image.fromarray(photograph(height, width)).save(photos / name)
    (photos / "bad.png").write_text("no image")
    command = [sys.executable, str(EXAMPLES / example), str(photos), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600, env=environment())
    assert "2 files compressed, 1 failed" in done.stdout
    with (out / "failures.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"path": "bad.png", "error": "not an image that Pillow can read"}]
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.dvq")} == {f"{name}.dvq" for name in sizes}
    for name, size in sizes.items():
        info = dvcodec.info(out / f"{name}.dvq")
        assert (info.width, info.height) == size and f"{name} ({size[1]}, {size[0]}, 3)" in done.stdout


def environment() -> dict[str, str]:
    """Nothing but this machine is asked: no usage reports."""
    return os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
