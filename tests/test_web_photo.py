"""Photograph networks of other layouts, transforms and priors than the shipped one's, by the decoder in JavaScript."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_model
from PIL import Image

import dvcodec
from dvcodec.models.photo.file import write

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


@pytest.mark.parametrize(
    "changed", [{}, {"transform": "lapped"}, {"prior": "direct"}, {"layout": "canvas"}], ids=lambda one: str(one)
)
def test_photographs_of_other_networks_differ_by_1_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    weights, path = tmp_path / "small.safetensors", tmp_path / "small.dvq"
    weights.write_bytes(
        write(small_model.built(replace(small_model.CONFIG, **changed)), small_model.QUALITIES, "small")
    )
    monkeypatch.setenv("DVCODEC_WEIGHTS", str(tmp_path))
    image = Image.fromarray(small_model.photograph(70, 91))
    path.write_bytes(dvcodec.compress(image, weights="small", quality=60))
    wanted = np.asarray(dvcodec.decompress(path))
    done = subprocess.run(["node", "tests/web/shown.mjs", "1", "none", path], capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()
    found = np.frombuffer(done.stdout, np.uint8).astype(int).reshape(70, 91, 4)[:, :, :3]
    assert np.abs(found - wanted).max() <= 1 and np.ptp(wanted) > 100
