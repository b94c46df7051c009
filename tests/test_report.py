"""The report's files: a page that nothing in a file name can break, plots as SVG and PNG, JSON and CSV."""

import csv
import io
import itertools
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from comparing import HOSTILE, POINTS, comparison
from dvcodec.errors import OutputExists, OutputFailed
from dvcodec.evaluation import Comparison, read_curve, write_report
from dvcodec.evaluation.codecs.accounting import ByteAccount
from dvcodec.evaluation.comparison.cost import Cost
from dvcodec.evaluation.images import Skipped
from dvcodec.evaluation.metrics.bd_rate import BdRate
from dvcodec.evaluation.report import wording
from dvcodec.evaluation.report.axes import Scale, clipped, linear_ticks, log_ticks, padded
from dvcodec.evaluation.report.files import check_folder, table
from dvcodec.evaluation.report.markup import html, tag
from dvcodec.evaluation.report.page import page
from dvcodec.evaluation.report.plots import all_plots, colours, shortened
from dvcodec.evaluation.report.raster import png
from dvcodec.evaluation.report.scene import PALETTE, Dot, Line, with_legend
from dvcodec.evaluation.report.svg import standalone

pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")


class Reader(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        """Read the page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.words.append(data)


def full() -> Comparison:
    """The small comparison with costs and accounts, as a run with our codec has them."""
    costs = tuple(
        Cost(name, HOSTILE, 64, 48, 50, 700, "at most 1", 3, seconds, seconds / 3, 50 << 20, None)
        for name, seconds in zip(POINTS, (0.002, 0.01, 0.5), strict=True)
    )
    results = tuple(
        replace(
            one,
            measurements=tuple(
                replace(m, account=ByteAccount((("8/y", 4.0 * m.size), ("8/c", 3.0 * m.size)), m.size - 40, 40))
                for m in one.measurements
            ),
        )
        for one in comparison().results
    )
    return replace(comparison(), costs=costs, results=results)


def test_the_page_needs_nothing_and_runs_nothing_but_its_own() -> None:
    seen = Reader(page(full()))
    for name, attributes in seen.tags:
        assert name not in {"link", "iframe", "object", "base", "form"}
        assert not any(key.startswith("on") for key in attributes)
        for key in ("src", "href"):
            assert (attributes.get(key) or "data:image/").startswith("data:image/")
    policy = next(a["content"] for name, a in seen.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'") and "script-src 'sha256-" in policy
    assert [name for name, _ in seen.tags].count("script") == 1


def test_file_names_are_text_on_the_page() -> None:
    seen = Reader(page(full()))
    assert any(HOSTILE in words for words in seen.words)
    assert not any("onload" in attributes for _, attributes in seen.tags)
    hostile = replace(full(), skipped=(Skipped("</script><script>x", "<img src=y>"),))
    assert [name for name, _ in Reader(page(hostile)).tags].count("script") == 1


def test_the_page_has_every_section_that_there_is_data_for() -> None:
    sections = [a["id"] for name, a in Reader(page(full())).tags if name == "section"]
    everything = ["rates", "figures", "gallery", "images", "ratio", "cost", "lossless", "accounting", "published"]
    assert sections == [*everything, "skipped", "reproduce"]
    bare = replace(
        comparison(),
        gallery=(),
        at_ratio=(),
        lossless=(),
        published=(),
        skipped=(),
        absent=(),
        ratio=None,
        intervals={},
    )
    assert [a["id"] for name, a in Reader(page(bare)).tags if name == "section"] == [
        "rates",
        "figures",
        "images",
        "reproduce",
    ]


def test_one_codec_alone_makes_a_page_too() -> None:
    alone = replace(
        comparison(), results=comparison().results[:1], subject="jpeg", anchor="jpeg", gallery=(), at_ratio=()
    )
    assert "nothing to compare it with" in page(alone)


def test_the_headline_says_who_takes_fewer_bytes() -> None:
    sentence = wording.headline(comparison())
    rate = comparison().bd_rate("webp").headline
    assert rate is not None and rate.percent < 0
    saving = f"{-rate.percent:.0f}\N{NO-BREAK SPACE}% fewer bytes"
    assert sentence == f"At the same PSNR your 6 images take {saving} with WebP than with JPEG."
    turned = replace(comparison(), subject="jpeg", anchor="webp")
    assert "more bytes with JPEG than with WebP" in wording.headline(turned)
    assert "95\N{NO-BREAK SPACE}% interval" in wording.scope(comparison())


def test_figures_in_words() -> None:
    assert wording.percent(-12.34) == "\N{MINUS SIGN}12.3\N{NO-BREAK SPACE}%" and wording.percent(0.01)[0] == "0"
    assert wording.bd(None) == wording.number(None) == wording.percent(None) == "\N{EN DASH}"
    assert wording.bd(BdRate(3.0, 26, 36)) == "+3.0\N{NO-BREAK SPACE}%"
    assert wording.seconds(0.0123) == "12.3\N{NO-BREAK SPACE}ms" and wording.size(12345).startswith("12")
    assert wording.mebibytes(3 << 20) == "3 MiB" and wording.mebibytes(None) == "\N{EN DASH}"


def test_plots_are_svg_and_png_of_the_same_drawing() -> None:
    plots = all_plots(full())
    assert [plot.name for plot in plots] == ["rate-psnr", "saving", "images", "time"]
    for plot in plots:
        root = ElementTree.fromstring(standalone(plot))
        assert root.tag.endswith("svg") and (root.find(".//{*}polyline") is not None)
        dots = sum(isinstance(shape, Dot) for shape in plot.shapes)
        assert len(root.findall(".//{*}circle")) == dots
        image = Image.open(io.BytesIO(png(plot)))
        drawn = with_legend(plot)
        assert image.size == (math.ceil(2 * drawn.width), math.ceil(2 * drawn.height))
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50  # something is drawn, and smoothly


def test_every_point_on_the_axes_tells_its_figures() -> None:
    plot = all_plots(full())[0]
    tips = [shape.tip for shape in plot.shapes if isinstance(shape, Dot) and shape.series == "webp"]
    assert len(tips) == 4 and all(re.fullmatch(r"webp\n\d\.\d{3} bits per pixel\n\d\d\.\d\d dB PSNR", t) for t in tips)
    assert {entry.series for entry in plot.legend} == {*POINTS, "published"}


def test_colours_keep_to_their_codec() -> None:
    """The subject has the first, the anchor the second; every role is in the palette and in the page's styles."""
    assert colours(comparison()) == {"webp": "c0", "jpeg": "c1", "jpeg-444": "c2"}
    styles = (Path(__file__).resolve().parent.parent / "evaluation" / "report" / "style.css").read_text()
    assert all(f"--{role}:" in styles for role in PALETTE)


def test_json_is_what_compressai_plots(tmp_path: Path) -> None:
    """results-CODEC.json read back is the codec's curve; results.json is the subject's, with everything beside it."""
    assert write_report(full(), tmp_path / "report") == tmp_path / "report" / "index.html"
    for name in POINTS:
        assert read_curve(tmp_path / "report" / f"results-{name}.json").curve == comparison().curve(name)
    assert read_curve(tmp_path / "report" / "results.json").curve == comparison().curve("webp")
    assert set(json.loads((tmp_path / "report" / "results.json").read_text())) >= {"bd-rate", "costs", "environment"}
    assert (tmp_path / "report" / "index.html").stat().st_size < 1 << 20
    assert {path.suffix for path in (tmp_path / "report" / "plots").iterdir()} == {".svg", ".png"}


def test_csv_has_a_line_for_every_measurement_and_no_formulas() -> None:
    rows = list(csv.DictReader(io.StringIO(table(comparison()))))
    assert len(rows) == sum(len(one.measurements) for one in comparison().results)
    assert float(rows[0]["bpp"]) == 8 * int(rows[0]["bytes"]) / (int(rows[0]["width"]) * int(rows[0]["height"]))
    one = comparison().results[0]
    evil = replace(one, measurements=(replace(one.measurements[0], image="=1+1"),))
    assert "'=1+1" in table(replace(comparison(), results=(evil,)))


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """A cache alone is an interrupted run, and goes on."""
    check_folder(tmp_path / "new", force=False)
    (tmp_path / "cache").mkdir()
    check_folder(tmp_path, force=False)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExists, match="not empty"):
        check_folder(tmp_path, force=False)
    check_folder(tmp_path, force=True)
    with pytest.raises(OutputFailed, match="not a folder"):
        check_folder(tmp_path / "notes.txt", force=True)
    with pytest.raises(OutputExists):
        write_report(comparison(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "notes.txt"]


@given(st.text(), st.text())
def test_any_text_survives_markup(text: str, value: str) -> None:
    """As text and as an attribute, through a browser's reader."""
    text, value = (t.replace("\r", "").encode("utf-8", "replace").decode().replace("\0", "") for t in (text, value))
    seen = Reader(html(tag("p", text, title=value)))
    assert seen.tags == [("p", {"title": value})] and "".join(seen.words).strip() == text.strip()


RANGES = st.tuples(st.floats(-1e4, 1e4), st.floats(1e-2, 1e4)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(RANGES)
def test_ticks_are_a_few_round_numbers_on_the_scale(limits: tuple[float, float]) -> None:
    ticks = linear_ticks(*limits)
    width = limits[1] - limits[0]
    assert 2 <= len(ticks) <= 12 and list(ticks) == sorted(set(ticks))
    assert all(limits[0] - 1e-6 * width <= tick <= limits[1] + 1e-6 * width for tick in ticks)


@given(st.floats(1e-5, 1e3), st.floats(10, 1e5))
def test_logarithmic_ticks_are_on_the_scale(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor)
    assert 1 <= len(ticks) <= 7 and all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)


@given(st.lists(st.tuples(st.floats(-5, 15), st.floats(-5, 15)), min_size=1, max_size=12))
def test_lines_are_cut_at_the_border(points: list[tuple[float, float]]) -> None:
    """Nothing is drawn outside the axes, and every point inside that has a neighbour inside is drawn."""
    x = y = Scale(0, 10, 0, 10)
    runs = clipped(points, x, y)
    drawn = [point for run in runs for point in run]
    assert all(-1e-9 <= value <= 10 + 1e-9 for point in drawn for value in point)
    inside = [x.holds(a) and y.holds(b) for a, b in points]
    for index, (before, after) in enumerate(itertools.pairwise(inside)):
        if before and after:
            assert points[index] in drawn and points[index + 1] in drawn


def test_scales_put_values_in_their_places() -> None:
    assert Scale(0, 10, 100, 200).at(5) == 150
    assert Scale(1, 100, 0, 10, logarithmic=True).at(10) == pytest.approx(5)
    assert padded([3.0, 3.0])[0] < 3 < padded([3.0, 3.0])[1]
    assert shortened("a" * 30, 9) == "aaaa\N{HORIZONTAL ELLIPSIS}aaaa" and shortened("short", 9) == "short"
    assert Line(((0, 0),), "ink").series is None
