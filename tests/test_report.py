"""The report's files: a page that nothing in a file name can break, plots as SVG and PNG, JSON and CSV."""

import csv
import io
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("matplotlib", reason="matplotlib (the `eval` extra) is not installed")
pytest.importorskip("scipy", reason="scipy (the `eval` extra) is not installed")

from comparing import HOSTILE, POINTS, comparison
from dvcodec.errors import OutputExists, OutputFailed
from dvcodec.evaluation import Comparison, read_curve, write_report
from dvcodec.evaluation.codecs.accounting import ByteAccount
from dvcodec.evaluation.comparison.cost import Cost
from dvcodec.evaluation.comparison.equal_size import Panel
from dvcodec.evaluation.images import Skipped
from dvcodec.evaluation.metrics.bd_rate import BdRate
from dvcodec.evaluation.report import wording
from dvcodec.evaluation.report.canvas import PALETTE, Canvas, LegendEntry, Mark, Plot
from dvcodec.evaluation.report.folder import check_folder, measurements_csv
from dvcodec.evaluation.report.page import environment, page
from dvcodec.evaluation.report.plots import all_plots, colours, padded, shortened
from dvcodec.evaluation.report.rendering import inline_svg, png_file, svg_file
from dvcodec.evaluation.report.tables import PageTable
from dvcodec.evaluation.report.wording import proper


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


def whole_page(comparison: Comparison) -> str:
    """The page with its plots."""
    return page(comparison, all_plots(comparison))


@cache
def full_plots() -> tuple[Plot, ...]:
    """The plots of `full`."""
    return all_plots(full())


@cache
def full_page() -> str:
    """The page of `full`."""
    return page(full(), full_plots())


def test_the_page_needs_nothing_and_runs_nothing_but_its_own() -> None:
    seen = Reader(full_page())
    for name, attributes in seen.tags:
        assert name not in {"link", "iframe", "object", "base", "form"}
        assert not any(key.startswith("on") for key in attributes)
        for key in ("src", "href"):
            assert (attributes.get(key) or "data:image/").startswith("data:image/")
    policy = next(a["content"] for name, a in seen.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none'") and "script-src 'sha256-" in policy
    assert [name for name, _ in seen.tags].count("script") == 1


def test_file_names_are_text_on_the_page() -> None:
    seen = Reader(full_page())
    assert any(HOSTILE in words for words in seen.words)
    assert not any("onload" in attributes for _, attributes in seen.tags)
    hostile = replace(full(), skipped=(Skipped("</script><script>x", "<img src=y>"),))
    assert [name for name, _ in Reader(page(hostile, full_plots())).tags].count("script") == 1


def test_the_page_has_every_section_that_there_is_data_for() -> None:
    sections = [a["id"] for name, a in Reader(full_page()).tags if name == "section"]
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
    assert [a["id"] for name, a in Reader(whole_page(bare)).tags if name == "section"] == [
        "rates",
        "figures",
        "images",
        "reproduce",
    ]


def test_one_codec_alone_makes_a_page_too() -> None:
    alone = replace(
        comparison(), results=comparison().results[:1], subject="jpeg", anchor="jpeg", gallery=(), at_ratio=()
    )
    assert "nothing to compare it with" in whole_page(alone)


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
        root = ElementTree.fromstring(svg_file(plot))
        assert root.tag.endswith("svg") and root.find(".//{*}title") is not None
        assert len(root.findall(".//{*}title")) == inline_svg(plot).count("data-tip=")
        image = Image.open(io.BytesIO(png_file(plot)))
        assert image.size == (2 * float(root.attrib["width"]), 2 * float(root.attrib["height"]))
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50  # something is drawn, and smoothly


def test_every_point_on_the_axes_tells_its_figures() -> None:
    plot = all_plots(full())[0]
    points = ElementTree.fromstring(inline_svg(plot)).findall(".//{*}circle[@data-series='webp']")
    tips = [point.attrib["data-tip"] for point in points]
    assert [point.attrib["tabindex"] for point in points] == ["0", "-1", "-1", "-1"]
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
    rows = list(csv.DictReader(io.StringIO(measurements_csv(comparison()))))
    assert len(rows) == sum(len(one.measurements) for one in comparison().results)
    assert float(rows[0]["bpp"]) == 8 * int(rows[0]["bytes"]) / (int(rows[0]["width"]) * int(rows[0]["height"]))
    one = comparison().results[0]
    evil = replace(one, measurements=(replace(one.measurements[0], image="=1+1"),))
    assert "'=1+1" in measurements_csv(replace(comparison(), results=(evil,)))


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


@settings(max_examples=50)
@given(st.text(), st.text())
def test_any_text_survives_the_template(text: str, other: str) -> None:
    """As a cell and as an attribute, through a browser's reader."""
    text, other = (t.replace("\r", "").encode("utf-8", "replace").decode().replace("\0", "") for t in (text, other))
    panel = Panel(other, 5, 1.0, 50, 30.0, b"")
    parts: Any = environment().get_template("parts.html.jinja").make_module()
    cells = Reader(str(parts.table(PageTable([], [["row", text]]))))
    assert [name for name, _ in cells.tags].count("td") == 1 and "".join(cells.words).strip() == f"row{text}".strip()
    seen = Reader(str(parts.panel(panel, "image")))
    assert [name for name, _ in seen.tags] == ["figure", "img", "figcaption", "b", "span"]
    assert seen.tags[0][1]["data-name"] == proper(other)


LEVELS = st.tuples(st.floats(-1e4, 1e4), st.floats(1e-2, 1e4)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(max_examples=20, deadline=None)
@given(LEVELS)
def test_ticks_are_a_few_round_numbers_on_the_axis(limits: tuple[float, float]) -> None:
    canvas = Canvas(Plot("ticks", "", "", lambda canvas: canvas.limits(limits, (0, 1))))
    ticks = [tick for tick in canvas.axes.get_xticks() if limits[0] <= tick <= limits[1]]
    assert 2 <= len(ticks) <= 12 and ticks == sorted(set(ticks))


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-5, 1e3), st.floats(10, 1e5))
def test_logarithmic_ticks_are_on_the_axis(low: float, factor: float) -> None:
    limits = (low, low * factor)
    canvas = Canvas(Plot("ticks", "", "", lambda canvas: canvas.rows(["a"], limits, logarithmic=True)))
    ticks = [tick for tick in canvas.axes.get_xticks() if low <= tick <= low * factor]
    assert 1 <= len(ticks) <= 8


def test_points_outside_the_axes_are_not_drawn() -> None:
    """Lines are cut at the border, so only points need leaving out."""

    def draw(canvas: Canvas) -> None:
        canvas.limits((0, 10), (0, 10))
        canvas.line([(-5, 5), (15, 5)], "c0", 1, "line")
        for x, y in [(5, 5), (-1, 5), (5, 11), (10, 10)]:
            canvas.dot(x, y, 2, "c0", Mark("line", f"{x} {y}"))

    plot = Plot("points", "Points", "", draw)
    assert re.findall('data-tip="([^"]*)"', inline_svg(plot)) == ["5 5", "10 10"]
    line = ElementTree.fromstring(inline_svg(plot)).find(".//{*}g[@data-series]/{*}path")
    assert line is not None and line.get("clip-path")


def test_names_of_files_are_neither_formulas_nor_missing() -> None:
    """Dollar signs start a formula in matplotlib, and its font lacks most scripts: neither may fail or warn."""

    def draw(canvas: Canvas) -> None:
        canvas.rows(["$x^{", "\N{CJK UNIFIED IDEOGRAPH-56FE}<&>"], (0, 1))

    plot = Plot("names", "$", "", draw, (LegendEntry("_$\\", "c0", "x"),))
    texts = [element.text for element in ElementTree.fromstring(svg_file(plot)).iter() if element.tag.endswith("text")]
    assert {"$x^{", "\N{CJK UNIFIED IDEOGRAPH-56FE}<&>", "$", "_$\\"} <= set(texts)
    assert png_file(plot)


def test_a_plot_gives_the_same_bytes_again() -> None:
    """Nothing in a file depends on time, memory or order."""
    plot = all_plots(full())[0]
    assert (
        svg_file(plot) == svg_file(plot) and png_file(plot) == png_file(plot) and inline_svg(plot) == inline_svg(plot)
    )


def test_ranges_and_short_names() -> None:
    assert padded([3.0, 3.0])[0] < 3 < padded([3.0, 3.0])[1]
    assert shortened("a" * 30, 9) == "aaaa\N{HORIZONTAL ELLIPSIS}aaaa" and shortened("short", 9) == "short"
