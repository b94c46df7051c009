"""From names and files to what is measured: codecs, metrics, images; and files brought to a size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from weights_headers import header

from comparing import Coarse
from dvcodec.errors import DvcodecError, InvalidArgument, WeightsNotFound
from dvcodec.evaluation.codecs.baselines import BASELINES, Jpeg, WebP
from dvcodec.evaluation.codecs.interface import ImageCodec, QualityScale
from dvcodec.evaluation.comparison.equal_size import busiest, largest_within, smallest_from
from dvcodec.evaluation.comparison.plan import CODECS, make_plan
from dvcodec.evaluation.images import Skipped, survey
from dvcodec.weights import Weights
from fake import photograph

pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")


def test_several_weights_are_several_curves(tmp_path: Path, fake_weights: Weights) -> None:
    other = tmp_path / "other one.safetensors"
    other.write_bytes(header(identity="1" * 64))
    plan = make_plan(["dvcodec", "jpeg"], [], {"dvcodec": (20, 40)}, ["fake", str(other)])
    assert [codec.name for codec in plan.codecs] == ["dvcodec-fake", "dvcodec-other-one", "jpeg"]
    assert [codec.qualities for codec in plan.codecs[:2]] == [(20, 40), (20, 40)]
    assert plan.subject.name == "dvcodec-fake" and plan.anchor.name == "jpeg"
    with pytest.raises(WeightsNotFound, match="no weights named 'none'"):
        make_plan(["dvcodec"], [], None, ["none"])


def test_several_efforts_are_several_curves(fake_weights: Weights) -> None:
    plan = make_plan(["dvcodec"], [], None, ["fake"], efforts=[1, 9, 1])
    assert [codec.name for codec in plan.codecs] == ["dvcodec-effort-1", "dvcodec-effort-9"]
    assert [codec.settings.split(", ")[-2:] for codec in plan.codecs] == [
        ["effort 1", "perceptual"],
        ["effort 9", "psnr"],
    ]
    assert make_plan(["dvcodec"], [], None, ["fake"]).subject.settings.endswith("effort 1, perceptual")
    with pytest.raises(InvalidArgument, match="`effort` 10 is out of range"):
        make_plan(["dvcodec"], [], None, ["fake"], efforts=[10])


def test_several_tunings_are_several_curves(fake_weights: Weights) -> None:
    plan = make_plan(["dvcodec"], [], None, ["fake"], efforts=[1, 2], tunings=["psnr", "perceptual"])
    assert [codec.name for codec in plan.codecs] == [
        f"dvcodec-effort-{effort}{tune}" for effort in (1, 2) for tune in ("", "-perceptual")
    ]
    assert [codec.settings.endswith(", perceptual") for codec in plan.codecs] == [False, True, False, True]
    assert make_plan(["dvcodec"], [], None, ["fake"], tunings=["perceptual"]).subject.name == "dvcodec"
    with pytest.raises(InvalidArgument, match="unknown tune 'ssim'"):
        make_plan(["dvcodec"], [], None, ["fake"], tunings=["ssim"])


def test_weights_are_nobodys_business_where_ours_is_not_compared() -> None:
    assert [codec.name for codec in make_plan(["jpeg"], [], None, ["unknown"]).codecs] == ["jpeg"]


def test_who_is_set_against_whom() -> None:
    """JPEG is the anchor where it is measured, ours the subject."""
    assert make_plan(["webp", "jpeg"], []).subject.name == "webp"
    without = make_plan(["webp", "jpeg-444"], [])
    assert (without.anchor.name, without.subject.name) == ("webp", "jpeg-444")
    alone = make_plan(["webp"], [])
    assert alone.anchor is alone.subject


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["gif"], None), "no codec 'gif'"),
        (([], None), "no codec to measure"),
        ((["jpeg"], ["lpips"]), "no metric 'lpips'"),
        ((["jpeg"], [], {"jpeg": (0, 50)}), "jpeg: qualities go from 1 to 95"),
        ((["jpeg"], [], {"webp": (1, 50)}), "which is not compared"),
        (([Jpeg(), "jpeg"], []), "two codecs called 'jpeg'"),
    ],
)
def test_plans_that_cannot_be(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        make_plan(*arguments)  # type: ignore[arg-type]


def test_a_codec_that_is_not_installed_is_left_out_unless_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WebP, "missing", lambda self: "pip install it")
    plan = make_plan(None, [], {"dvcodec": (1, 2)})
    assert Skipped("webp", "pip install it") in plan.absent
    assert [codec.name for codec in plan.codecs] == [
        name for name in CODECS if name not in {one.name for one in plan.absent}
    ]
    with pytest.raises(DvcodecError, match="webp cannot run here \\(pip install it\\)"):
        make_plan(["webp"], [])


def test_hostile_files_are_skipped_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("I;16", (4, 4)).save(tmp_path / "deep.png")
    Image.new("CMYK", (4, 4)).save(tmp_path / "inks.jpg")
    (tmp_path / "a\tb.png").write_bytes(b"x")
    Image.new("RGBA", (5, 4), (1, 2, 3, 4)).save(tmp_path / "glass.png")
    sources, skipped = survey(sorted(tmp_path.iterdir()))
    assert [(source.name, source.width) for source in sources] == [("glass.png", 5)]
    assert [one.name for one in skipped] == ["a\N{REPLACEMENT CHARACTER}b.png", "deep.png", "empty.png", "inks.jpg"]
    assert all(one.reason and "\n" not in one.reason for one in skipped)


def test_equal_pixels_are_one_image_to_the_cache(tmp_path: Path) -> None:
    """The hash is of samples and size, not of the file."""
    pixels = Image.fromarray(photograph(8, 16))
    for number, image in enumerate((pixels, pixels, pixels.rotate(90, expand=True))):
        image.save(tmp_path / f"{number}.{'bmp' if number else 'png'}")
    hashes = [source.sha256 for source in survey(sorted(tmp_path.iterdir()))[0]]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("codec", [Jpeg(), WebP()], ids=lambda codec: codec.name)
@pytest.mark.parametrize("size", [1, 300, 800, 1500, 10**6])
def test_files_brought_to_a_size(codec: ImageCodec, size: int) -> None:
    """On the right side of it, and the neighbouring quality is not; at the scale's end where nothing fits."""
    image = Image.fromarray(photograph(48, 64))
    low, high, step = codec.scale
    quality, data = smallest_from(codec, image, size)
    assert len(data) >= size or quality == high
    assert quality == low or len(codec.encode(image, quality - step)) < size
    quality, data = largest_within(codec, image, size)
    assert len(data) <= size or quality == low
    assert quality == high or len(codec.encode(image, quality + step)) > size


@pytest.mark.parametrize("size", [1_000, 5_000, 40_000, 150_000])
def test_a_fine_scale_takes_few_encodes(size: int) -> None:
    class Smooth(Jpeg):
        scale = QualityScale(1, 100, 0.1)
        encodes = 0

        def encode(self, image: Image.Image, quality: float) -> bytes:
            type(self).encodes += 1
            return bytes(round(200 * quality**1.5 + quality**3 % 7))

    quality, data = largest_within(Smooth(), Image.new("RGB", (8, 8)), size)
    assert len(data) <= size or quality == 1
    assert Smooth.encodes <= 8  # halving takes ten


def test_the_crop_is_where_the_contrast_is() -> None:
    pixels = np.full((100, 200, 3), 90, np.uint8)
    pixels[60:, 150:] = np.random.default_rng(0).integers(0, 256, (40, 50, 3))
    left, upper, right, lower = busiest(pixels, (50, 40))
    assert (right - left, lower - upper) == (50, 40) and left >= 125 and upper >= 40
    assert busiest(pixels[:3, :2]) == (0, 0, 2, 3)


def test_baselines_and_ours_are_what_can_be_named() -> None:
    assert ("dvcodec", *(codec.name for codec in BASELINES)) == CODECS
    assert Coarse().name not in CODECS
