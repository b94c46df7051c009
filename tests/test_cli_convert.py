"""`compress --convert`: without it a refusal that names it, with it a warning that says what was converted."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dvcodec.weights import Weights
from program import dvcodec, names


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images that 8 bits of RGB cannot hold."""
    monkeypatch.chdir(tmp_path)
    grey = (np.arange(40 * 24, dtype=np.uint16) * 60).reshape(24, 40)
    Image.fromarray(grey).save("deep.png")
    Image.new("CMYK", (40, 24), (9, 80, 200, 3)).save("inks.jpg")
    frames = [Image.new("RGB", (40, 24), colour) for colour in ("red", "blue")]
    frames[0].save("moving.webp", save_all=True, append_images=frames[1:])
    return tmp_path


CONVERTED = {
    "deep.png": "reduced from 16 to 8 bits a sample",
    "inks.jpg": "converted from CMYK to sRGB by a formula, without a profile that fits",
    "moving.webp": "only the first of 2 frames",
}


@pytest.mark.parametrize("name", CONVERTED)
def test_conversion_is_offered_and_done(name: str, folder: Path) -> None:
    lossless = [] if name == "deep.png" else [("--lossless", "--method", "webp")]  # deep samples are kept without loss
    for how in [("-q", "30"), *lossless]:
        refused = dvcodec("compress", name, *how)
        assert refused.code == 1 and f"dvcodec: {name}: " in refused.err and "--convert" in refused.err
        assert not list(folder.glob("*.dvq"))
        done = dvcodec("compress", name, *how, "--convert", "-o", "out.dvq")
        assert done.code == 0 and f"dvcodec: {name}: warning: {CONVERTED[name]}" in done.err
        assert dvcodec("decompress", "out.dvq", "--force").code == 0
        (folder / "out.dvq").unlink()


def test_archives_convert_too(folder: Path) -> None:
    done = dvcodec("compress", *CONVERTED, "--lossless", "--archive", "all.dvq", "--convert")
    assert done.code == 0
    for name, notice in CONVERTED.items():
        assert f"dvcodec: {name}: warning: {notice}" in done.err
    refused = dvcodec("compress", *CONVERTED, "--lossless", "--archive", "none.dvq")
    assert refused.code == 1 and "none.dvq" in names(folder) and refused.err.count("--convert") == 2  # deep.png is kept
