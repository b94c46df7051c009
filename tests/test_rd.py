"""Measuring with a codec whose every figure is known beforehand, and the reports made of it."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer import BadParameter

from dvcodec.evaluation import kodak
from dvcodec.evaluation.baselines import Jpeg
from dvcodec.evaluation.rd import image_files, load_rgb, measure
from dvcodec.evaluation.report import Comparison
from dvcodec.evaluation.tables import tables, verdict


@dataclass(frozen=True)
class Coarse:
    """Raw pixels with an error of `100 - quality`, and `quality` bytes more a row: both figures are known."""

    name: str = "coarse"
    settings: str = "made up"

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """The pixels raised by the error, then padding that makes the size depend on quality alone."""
        error = np.uint8(100 - quality)
        pixels = (np.asarray(image) + error).tobytes()
        return pixels + bytes(round(quality) * image.height)

    def decode(self, data: bytes) -> Image.Image:
        """The pixels again, out of a file of 16x8."""
        return Image.frombytes("RGB", (16, 8), data[: 16 * 8 * 3])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of 16x8 (one with metadata, one grey), a text file and a subfolder."""
    colour = Image.fromarray(np.full((8, 16, 3), 90, np.uint8))
    colour.save(tmp_path / "b.png", icc_profile=b"not counted")
    Image.fromarray(np.full((8, 16), 50, np.uint8)).save(tmp_path / "a.PNG")
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    (tmp_path / "more.png").mkdir()
    return tmp_path


def test_images_come_by_suffix_in_order_and_bare(folder: Path) -> None:
    """RGB pixels without the profile, which would count in some codecs' bytes and not in others'."""
    files = image_files(folder)
    assert [path.name for path in files] == ["a.PNG", "b.png"]
    for path in files:
        image = load_rgb(path)
        assert (image.mode, image.info) == ("RGB", {})


def test_measurements_are_the_real_bytes_and_pixels(folder: Path) -> None:
    """3 bytes a pixel and quality/16 more; PSNR of a uniform error."""
    steps: list[None] = []
    result = measure(Coarse(), image_files(folder), [90, 100], on_step=lambda: steps.append(None))
    assert len(steps) == len(result.measurements) == 4
    first = result.measurements[0]
    assert (first.image, first.quality, first.size) == ("a.PNG", 90, 16 * 8 * 3 + 90 * 8)
    assert first.bpp == pytest.approx(24 + 8 * 90 / 16)
    assert first.psnr == pytest.approx(20 * math.log10(255 / 10))
    assert result.measurements[1].psnr == math.inf


def test_means_and_json_in_compressai_s_layout(folder: Path) -> None:
    """Rising in quality whatever the order asked for; an exact copy is null; the images beside."""
    result = measure(Coarse(), image_files(folder), [100, 80, 90])
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["name"] == "coarse"
    assert data["qualities"] == [80, 90, 100]
    assert data["results"]["bpp"] == pytest.approx([64, 69, 74])
    assert data["results"]["psnr-rgb"][:2] == pytest.approx([20 * math.log10(255 / 20), 20 * math.log10(255 / 10)])
    assert data["results"]["psnr-rgb"][2] is None
    assert len(data["images"]) == 6
    assert len(result.curve.psnr) == 2


def test_a_codec_that_changes_the_size_is_found_out(tmp_path: Path) -> None:
    """Rather than measured on the part that happens to fit."""
    Image.new("RGB", (8, 16)).save(tmp_path / "tall.png")
    with pytest.raises(ValueError, match="different shape"):
        measure(Coarse(), image_files(tmp_path), [90])


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """JPEG against a worse JPEG on one small picture of noise and gradients."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:64, 0:64]
    pixels = np.stack([2 * x + y, 255 - 2 * y, x + y], axis=-1) + rng.normal(0, 8, (64, 64, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(tmp_path / "one.png")
    files = image_files(tmp_path)
    results = (measure(Jpeg(), files, Jpeg().qualities), measure(Jpeg("4:4:4"), files, [1, 50, 90, 99]))
    return Comparison("noise", 1, "jpeg", results)


def test_a_comparison_as_tables_and_json(comparison: Comparison) -> None:
    """The anchor is 0 % against itself; every point is set against the anchor's curve, and none beyond its ends."""
    pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")
    headline = comparison.bd_rate("jpeg").headline
    assert headline is not None and headline.percent == pytest.approx(0)
    checks = comparison.checks("jpeg-444")
    for check in checks:
        inside = check.anchor_bpp is not None
        assert (check.percent is not None) == (check.fewer is not None) == inside
        if check.percent is not None:
            assert check.fewer == (check.percent < 0)
    data = json.loads(json.dumps(comparison.to_json("jpeg-444"), allow_nan=False))
    assert data["name"] == "jpeg-444" and data["anchor"] == "jpeg"
    assert set(data["bits-at"]["jpeg"]) == {"28", "30", "32", "34", "36"}
    assert [other["name"] for other in data["others"]] == ["jpeg"]
    console = Console(width=160)
    with console.capture() as captured:
        console.print(tables(comparison, "jpeg-444"))
    assert "BD-rate against jpeg" in captured.get()
    assert "at the same PSNR" in verdict(comparison, "jpeg-444")


@pytest.mark.parametrize("text", ["", "a", "50", "0,50", "50,101", "nan,50"])
def test_lists_of_qualities_that_are_refused(text: str) -> None:
    """A curve needs two points, and our scale goes from 1 to 100."""
    with pytest.raises(BadParameter):
        kodak.parse_qualities(text)


def test_the_kodak_command_s_work(folder: Path) -> None:
    """All codecs on the first image only, with a made-up codec in place of ours."""
    console = Console(quiet=True)
    result = kodak.compare_codecs(folder, Coarse(), kodak.parse_qualities("90,99.0"), limit=1, console=console)
    assert result.images == 1
    assert [codec.name for codec in result.results][:2] == ["coarse", "jpeg"]
    assert {m.image for m in result.result("coarse").measurements} == {"a.PNG"}
    with pytest.raises(ValueError, match="no images"):
        kodak.compare_codecs(folder / "more.png", Coarse(), [1, 2], console=console)
