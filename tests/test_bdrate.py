"""The BD-rate against curves whose answer is known, and against the figures that the project quotes."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcodec.errors import FormatError
from dvcodec.evaluation import Curve, bd_psnr, bd_rate, bd_summary, bits_at, published_curves, read_curve
from dvcodec.evaluation.metrics.bd_rate import bd_overlap

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


# The example of the package bjontegaard 1.3.0 (Herglotz et al., "The Bjontegaard Bible", 2023), whose PCHIP agrees with
# the spreadsheet of JVET-T2010; what it gives with method="pchip".
EXAMPLES = [
    (
        ([9487.76, 4593.60, 2486.44, 1358.24], [40.037, 38.615, 36.845, 34.851]),
        ([9787.80, 4469.00, 2451.52, 1356.24], [40.121, 38.651, 36.970, 34.987]),
        (-4.417485350589045, 0.11969278542479489),
    ),
    (
        ([82472.76, 26875.24, 9487.76, 4593.6], [43.825, 41.404, 40.037, 38.615]),
        ([99896.96, 33952.04, 9787.8, 4469.0], [44.731, 41.875, 40.121, 38.651]),
        (-4.47218200276197, 0.08887484704747745),
    ),
    (
        ([82472.76, 26875.24, 9487.76, 4593.6, 3600, 2900], [43.825, 41.404, 40.037, 38.615, 36.5, 35.1]),
        ([99896.96, 33952.04, 9787.8, 4469.0, 4040, 3300], [44.731, 41.875, 40.121, 38.651, 37, 36.5]),
        (-2.9528024116427964, 0.08953590194998828),
    ),
]


@pytest.mark.parametrize(("anchor", "test", "expected"), EXAMPLES)
def test_published_examples(
    anchor: tuple[list[float], list[float]], test: tuple[list[float], list[float]], expected: tuple[float, float]
) -> None:
    """BD-rate and BD-PSNR over the whole overlap, to ten digits."""
    first, second = (Curve.through("curve", zip(*points, strict=True)) for points in (anchor, test))
    rate, gain = bd_overlap(first, second), bd_psnr(first, second)
    assert rate is not None and gain is not None
    assert (rate.percent, gain.decibels) == pytest.approx(expected, rel=1e-10)


RISING = st.lists(st.floats(0.05, 1.5), min_size=2, max_size=8).map(
    lambda steps: [20 + sum(steps[: i + 1]) for i in range(len(steps))]
)


@given(RISING, st.floats(0.2, 5))
def test_a_constant_factor_of_the_rate_is_the_bd_rate(scores: list[float], factor: float) -> None:
    """Whatever the shape of the curve; and the other way round it is the inverse."""
    rates = [0.1 * 1.3**i for i in range(len(scores))]
    anchor, test = Curve("a", tuple(rates), tuple(scores)), Curve("b", tuple(factor * r for r in rates), tuple(scores))
    there, back = bd_overlap(anchor, test), bd_overlap(test, anchor)
    assert there is not None and back is not None
    assert there.percent == pytest.approx(100 * (factor - 1), abs=1e-6)
    assert (1 + there.percent / 100) * (1 + back.percent / 100) == pytest.approx(1)


@given(RISING, st.floats(-3, 3))
def test_a_constant_gain_is_the_bd_psnr(scores: list[float], gain: float) -> None:
    """Whatever the shape of the curve."""
    rates = tuple(0.1 * 1.3**i for i in range(len(scores)))
    found = bd_psnr(Curve("a", rates, tuple(scores)), Curve("b", rates, tuple(score + gain for score in scores)))
    assert found is not None and found.decibels == pytest.approx(gain, abs=1e-9)
    assert found.low == rates[0] and found.high == rates[-1]


def test_no_common_rates_no_gain() -> None:
    """And points that another one beats in both do not count."""
    cheap, dear = Curve("cheap", (0.1, 0.2), (30.0, 31.0)), Curve("dear", (0.3, 0.4), (30.0, 31.0))
    assert bd_psnr(cheap, dear) is None
    folded = Curve("folded", (0.3, 0.2, 0.5), (29.0, 30.0, 33.0))
    assert folded.efficient() == ((0.2, 30.0), (0.5, 33.0))


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


def test_curves_of_other_people_s_files(tmp_path: Path) -> None:
    """CompressAI's layout, with the older name of the key, and with an exact copy among the points."""
    file = tmp_path / "theirs.json"
    for key in ("psnr-rgb", "psnr"):
        file.write_text(json.dumps({"name": "theirs", "results": {"bpp": [1, 0.5, 24], key: [33, 30, None]}}))
        found = read_curve(file)
        assert found.curve == Curve("theirs", (0.5, 1.0), (30.0, 33.0)) and found.source == "theirs.json"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100000,
        '{"results": {"bpp": [1]}}',
        '{"results": {"bpp": [1, 2], "psnr-rgb": [1]}}',
        '{"results": {"bpp": ["x", 2], "psnr-rgb": [1, 2]}}',
        '{"results": {"bpp": [-1, 2], "psnr-rgb": [1, 2]}}',
    ],
)
def test_files_that_hold_no_curve(text: str, tmp_path: Path) -> None:
    """One line, whatever is in them."""
    file = tmp_path / "theirs.json"
    file.write_text(text)
    with pytest.raises(FormatError, match="CompressAI's layout"):
        read_curve(file)
    with pytest.raises(FormatError, match="cannot read the curve"):
        read_curve(tmp_path / "missing.json")
