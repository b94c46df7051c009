"""Measuring with a codec whose every figure is known beforehand, and the figures made of it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from comparing import Coarse
from dvcodec.evaluation import Comparison, RateDistortion
from dvcodec.evaluation.codecs.baselines import Jpeg
from dvcodec.evaluation.codecs.interface import ImageCodec
from dvcodec.evaluation.comparison.tables import tables, verdict
from dvcodec.evaluation.images import image_files, load_rgb, survey
from dvcodec.evaluation.metrics.rate_distortion import measure_one
from dvcodec.evaluation.metrics.scores import METRICS, MS_SSIM, PSNR, Metric


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of 16x8 (one with metadata, one grey), a text file and a subfolder."""
    colour = Image.fromarray(np.full((8, 16, 3), 90, np.uint8))
    colour.save(tmp_path / "b.png", icc_profile=b"not counted")
    Image.fromarray(np.full((8, 16), 50, np.uint8)).save(tmp_path / "a.PNG")
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    (tmp_path / "more.png").mkdir()
    return tmp_path


def measured(codec: ImageCodec, folder: Path, qualities: tuple[float, ...]) -> RateDistortion:
    """Every image of the folder at every quality."""
    images = [(path.name, load_rgb(path)) for path in image_files(folder)]
    points = (measure_one(codec, name, image, quality) for name, image in images for quality in qualities)
    return RateDistortion(codec.name, codec.settings, tuple(points))


def test_images_come_by_suffix_in_order_and_bare(folder: Path) -> None:
    """RGB pixels without the profile, which would count in some codecs' bytes and not in others'."""
    files = image_files(folder)
    assert [path.name for path in files] == ["a.PNG", "b.png"]
    for path in files:
        image = load_rgb(path)
        assert (image.mode, image.info) == ("RGB", {})


def test_measurements_are_the_real_bytes_and_pixels(folder: Path) -> None:
    """3 bytes a pixel and quality/16 more; PSNR of a uniform error."""
    result = measured(Coarse(), folder, (90, 100))
    first, second = result.of_image("a.PNG")
    assert (first.image, first.quality, first.size) == ("a.PNG", 90, 16 * 8 * 3 + 90 * 8)
    assert first.bpp == pytest.approx(24 + 8 * 90 / 16)
    assert first.psnr == pytest.approx(20 * math.log10(255 / 10))
    assert second.psnr == math.inf


def test_means_and_json_in_compressai_s_layout(folder: Path) -> None:
    """Rising in quality whatever the order asked for; an exact copy is null; the images beside."""
    result = measured(Coarse(), folder, (100, 80, 90))
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["name"] == "coarse"
    assert data["qualities"] == [80, 90, 100]
    assert data["results"]["bpp"] == pytest.approx([64, 69, 74])
    assert data["results"]["psnr-rgb"][:2] == pytest.approx([20 * math.log10(255 / 20), 20 * math.log10(255 / 10)])
    assert data["results"]["psnr-rgb"][2] is None
    assert len(data["images"]) == 6
    curve = result.curve()
    assert curve is not None and len(curve.score) == 2
    assert measured(Coarse(), folder, (90, 100)).curve() is None


def test_a_codec_that_changes_the_size_is_found_out() -> None:
    """Rather than measured on the part that happens to fit."""
    with pytest.raises(ValueError, match="different shape"):
        measure_one(Coarse(), "tall", Image.new("RGB", (8, 16)), 90)


def test_a_metric_s_curve_is_over_the_images_that_are_large_enough() -> None:
    """Rate and score of a point come from the same images."""
    wide = Metric("wide", "wide", "wide", lambda a, b: float(a.shape[1]), smallest=20)
    codec = Jpeg()
    sizes = {"small": (16, 16), "large": (32, 24)}
    images = {name: Image.linear_gradient("L").convert("RGB").resize(size) for name, size in sizes.items()}
    points = tuple(
        measure_one(codec, name, image, quality, (PSNR, wide)) for name, image in images.items() for quality in (10, 90)
    )
    assert [m.scores["wide"] for m in points] == [None, None, 32.0, 32.0]
    result = RateDistortion("jpeg", "", points, (PSNR, wide))
    assert [mean.scores["wide"] for mean in result.means] == [32.0, 32.0]
    assert result.curve(wide) is None  # one score only
    large = [m.bpp for m in result.of_image("large")]
    assert result.curve(wide, "large") is None and large[0] < result.means[0].bpp


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """JPEG against a worse JPEG on one small picture of noise and gradients."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:64, 0:64]
    pixels = np.stack([2 * x + y, 255 - 2 * y, x + y], axis=-1) + rng.normal(0, 8, (64, 64, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(tmp_path / "one.png")
    results = (measured(Jpeg(), tmp_path, Jpeg().qualities), measured(Jpeg("4:4:4"), tmp_path, (1, 50, 90, 99)))
    return Comparison("noise", survey(image_files(tmp_path))[0], "jpeg-444", "jpeg", results)


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
    data = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert data["name"] == "jpeg-444" and data["anchor"] == "jpeg"
    assert set(data["bits-at"]["jpeg"]) == {"28", "30", "32", "34", "36"}
    assert [other["name"] for other in data["others"]] == ["jpeg"]
    console = Console(width=160)
    with console.capture() as captured:
        console.print(tables(comparison, "jpeg-444"))
    assert "BD-rate against jpeg" in captured.get()
    assert "at the same PSNR" in verdict(comparison, "jpeg-444")


def test_metric_names_are_those_of_compressai() -> None:
    """So that other people's plots find them."""
    assert [metric.key for metric in METRICS] == ["psnr-rgb", "ms-ssim-rgb", "ssimulacra2"] and METRICS[1] is MS_SSIM
