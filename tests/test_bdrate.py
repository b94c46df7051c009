"""The BD-rate against curves whose answer is known, and against the figures that the project quotes."""

import json
import math
from pathlib import Path

import pytest

from dvcodec.evaluation import Curve, bd_rate, bd_summary, bits_at, published_curves

pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "kodak-rd.json"
ANCHOR = "JPEG 4:2:0 optimized (Pillow 13, libjpeg-turbo)"
QUOTED = {
    "JPEG XL (pillow-jxl-plugin 1.3.8)": -28,
    "WebP m6 (Pillow 13)": -35,
    "factorized prior (Balle 2018)": -41,
    "AVIF speed 6 (Pillow 13)": -47,
    "hyperprior (Balle 2018)": -53,
    "mean-scale hyperprior (Minnen 2018)": -56,
    "BPG 4:4:4 (x265)": -57,
    "QARV base": -63,
    "QRes-VAE 34M": -63,
    "ELIC 2022 (paper)": -67,
    "VTM 18.0": -68,
}


def exponential(name: str, psnrs: list[float], factor: float = 1.0) -> Curve:
    """Rate doubling every 5 dB, 0.5 bits per pixel at 30 dB: log rate is linear in PSNR, which PCHIP keeps exactly."""
    return Curve.through(name, [(factor * 0.5 * 2 ** ((psnr - 30) / 5), psnr) for psnr in psnrs])


def test_ten_per_cent_fewer_bits_everywhere() -> None:
    """Exactly -10 %, though the two curves have their points in different places."""
    anchor = exponential("anchor", [24, 28, 32, 36, 40])
    test = exponential("test", [25, 27, 31, 33.5, 38], 0.9)
    rate = bd_rate(anchor, test)
    assert rate is not None
    assert rate.percent == pytest.approx(-10)
    assert (rate.low, rate.high) == (26, 36)


def test_the_other_way_round_is_the_inverse() -> None:
    """-10 % one way is +11.1 % the other."""
    anchor, test = exponential("anchor", [24, 30, 40]), exponential("test", [24, 30, 40], 0.9)
    rate = bd_rate(test, anchor)
    assert rate is not None
    assert rate.percent == pytest.approx(100 / 9)


def test_log_rates_are_averaged() -> None:
    """Saving 0 % at 26 dB and rising linearly (in log rate) to a half at 36 dB: 1 - sqrt(1/2) in the mean."""
    anchor = Curve("anchor", (1.0, 1.0), (26.0, 36.0))
    rate = bd_rate(anchor, Curve("test", (1.0, 0.5), (26.0, 36.0)))
    assert rate is not None
    assert rate.percent == pytest.approx(100 * (math.sqrt(0.5) - 1))


def test_the_interval_is_clipped_to_both_curves_and_reported() -> None:
    """A curve from 29 to 34 dB is judged there and nowhere else."""
    anchor, test = exponential("anchor", [24, 30, 40]), exponential("test", [29, 31.5, 34], 0.8)
    summary = bd_summary(anchor, test)
    assert summary.headline is not None and summary.lower is not None and summary.upper is not None
    assert (summary.headline.low, summary.headline.high) == (29, 34)
    assert (summary.lower.low, summary.lower.high) == (29, 31)
    assert (summary.upper.low, summary.upper.high) == (31, 34)
    assert summary.upper.percent == pytest.approx(-20)


def test_no_common_interval_no_figure() -> None:
    """Curves that do not meet within 26-36 dB cannot be compared, and that is said rather than extrapolated."""
    anchor = exponential("anchor", [24, 30, 40])
    assert bd_rate(anchor, exponential("test", [37, 40])) is None
    summary = bd_summary(anchor, exponential("test", [27, 30]))
    assert summary.upper is None
    assert summary.to_json()["upper"] is None


def test_points_in_any_order_with_ties_and_exact_copies() -> None:
    """Sorted by PSNR; of two points of one PSNR the cheaper; an infinite PSNR left out."""
    curve = Curve.through("curve", [(3.0, math.inf), (1.0, 32.0), (0.5, 30.0), (0.9, 32.0)])
    assert curve == Curve("curve", (0.5, 0.9), (30.0, 32.0))


@pytest.mark.parametrize(
    ("bpp", "psnr"),
    [
        ((1.0,), (30.0,)),
        ((1.0, 2.0), (30.0,)),
        ((0.0, 1.0), (30.0, 31.0)),
        ((1.0, 2.0), (31.0, 30.0)),
        ((1.0, 2.0), (30.0, math.nan)),
    ],
)
def test_curves_that_are_none(bpp: tuple[float, ...], psnr: tuple[float, ...]) -> None:
    """Too short, uneven, without bits, out of order, not a number."""
    with pytest.raises(ValueError, match="x: "):
        Curve("x", bpp, psnr)


def test_bits_at_a_psnr() -> None:
    """On the curve as given; outside it nothing."""
    curve = exponential("curve", [26, 30, 40])
    assert bits_at(curve, 35) == pytest.approx(1)
    assert bits_at(curve, 26) == pytest.approx(curve.bpp[0])
    assert bits_at(curve, 25.9) is None and bits_at(curve, 40.1) is None


@pytest.mark.parametrize(("name", "percent"), QUOTED.items())
def test_quoted_figures(name: str, percent: int) -> None:
    """BD-rates against measured JPEG as our documents quote them, to the rounded per cent, from shipped curves."""
    curves = {entry.curve.name: entry.curve for entry in published_curves()}
    rate = bd_rate(curves[ANCHOR], curves[name])
    assert rate is not None
    assert round(rate.percent) == percent


def test_quoted_halves() -> None:
    """AVIF: -50 % below 31 dB, -45 % above."""
    curves = {entry.curve.name: entry.curve for entry in published_curves()}
    summary = bd_summary(curves[ANCHOR], curves["AVIF speed 6 (Pillow 13)"])
    assert summary.lower is not None and summary.upper is not None
    assert (round(summary.lower.percent), round(summary.upper.percent)) == (-50, -45)


def test_every_published_curve_has_a_source() -> None:
    """And, where we measured it, as many qualities as points."""
    for entry in published_curves():
        assert entry.source
        assert len(entry.qualities) in (0, len(entry.curve.bpp))


@pytest.mark.shared
@pytest.mark.skipif(not REFERENCE.is_file(), reason="the folder of reference material is not beside the repository")
def test_the_published_curves_are_those_of_the_reference() -> None:
    """Every curve and every point, none lost or altered on the way."""
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    curves = {entry.curve.name: entry.curve for entry in published_curves()}
    for name, entry in reference.items():
        assert curves.pop(name) == Curve.through(name, zip(entry["bpp"], entry["psnr"], strict=True))
    assert not curves
