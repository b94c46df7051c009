"""Every codec that is installed codes, decodes and obeys its quality; what a file holds is what its settings say."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dvcodec.evaluation.codecs.baselines import BASELINES, Baseline, Jpeg, baseline
from dvcodec.evaluation.metrics.scores import psnr


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """A 64x48 scene of smooth colour with some texture, made from a fixed seed."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:48, 0:64]
    smooth = np.stack([128 + 90 * np.sin(x / 9), 128 + 90 * np.cos(y / 7), 64 + x + y], axis=-1)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8))


@pytest.fixture(params=BASELINES, ids=lambda codec: codec.name)
def codec(request: pytest.FixtureRequest) -> Baseline:
    """Each codec in turn; skipped where its library is missing."""
    chosen: Baseline = request.param
    if reason := chosen.missing():
        pytest.skip(reason)
    return chosen


def test_higher_quality_more_bytes_and_less_distortion(codec: Baseline, picture: Image.Image) -> None:
    """At the ends of the list of qualities that its curve is made of."""
    low, high = (codec.encode(picture, quality) for quality in (codec.qualities[0], codec.qualities[-1]))
    assert len(low) < len(high)
    worse, better = (np.asarray(codec.decode(data)) for data in (low, high))
    assert worse.shape == better.shape == (48, 64, 3)
    assert psnr(np.asarray(picture), worse) < psnr(np.asarray(picture), better)


def test_settings_name_the_library(codec: Baseline) -> None:
    """With a version, since figures change with it."""
    assert any(character.isdigit() for character in codec.settings)
    assert "None" not in codec.settings


def test_names_are_unique_and_findable() -> None:
    """And an unknown one is answered with those that there are."""
    names = [codec.name for codec in BASELINES]
    assert names == ["jpeg", "jpeg-444", "webp", "avif", "jxl", "jp2"]
    assert [baseline(name) for name in names] == list(BASELINES)
    with pytest.raises(ValueError, match="jpeg-444"):
        baseline("bpg")


def test_subsampling_is_what_the_name_says(picture: Image.Image) -> None:
    """The luma component of a 4:2:0 JPEG is sampled 2x2, of a 4:4:4 one 1x1."""
    for subsampling, factor in (("4:2:0", 2), ("4:4:4", 1)):
        with Image.open(BytesIO(Jpeg(subsampling).encode(picture, 50))) as image:
            assert image.layer[0][1:3] == (factor, factor)  # type: ignore[attr-defined]


def test_the_anchor_is_pillow_s_default_jpeg(picture: Image.Image) -> None:
    """Byte for byte what `image.save(..., quality=q, optimize=True)` writes."""
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=50, optimize=True)
    assert Jpeg().encode(picture, 50) == stream.getvalue()


def test_jpeg_2000_codes_colour_differences() -> None:
    """Without its colour transform a grey photograph in RGB would cost three times its luminance."""
    codec = baseline("jp2")
    if reason := codec.missing():
        pytest.skip(reason)
    rng = np.random.default_rng(0)
    light = np.clip(rng.normal(128, 20, (64, 64, 1)).repeat(3, axis=2), 0, 255).astype(np.uint8)
    grey = Image.fromarray(light)
    near, far = (psnr(light, np.asarray(codec.decode(codec.encode(grey, bpp)))) for bpp in (2.0, 0.7))
    colourful = Image.fromarray(rng.normal(128, 20, (64, 64, 3)).clip(0, 255).astype(np.uint8))
    other = psnr(np.asarray(colourful), np.asarray(codec.decode(codec.encode(colourful, 2.0))))
    assert near > other + 3 and near > far
