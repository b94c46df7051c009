"""The report as one HTML page that needs nothing else: styles, script, plots and pictures are inside it.

A content security policy keeps it so: no network, no script but ours. All text goes in through markup.py, escaped.
"""

import base64
import hashlib
from importlib import resources
from xml.etree.ElementTree import Element

from ..comparison.result import Comparison
from ..report import figures, gallery, wording
from .markup import html, tag
from .plots import all_plots
from .scene import Plot
from .svg import inline


def page(comparison: Comparison) -> str:
    """The whole page as text; figures that the comparison lacks leave their section out."""
    title = f"{comparison.dataset}: {wording.proper(comparison.subject)} compared"
    return html(tag("html", _head(title), tag("body", _main(comparison), tag("script", _asset("page.js"))), lang="en"))


def _head(title: str) -> Element:
    script = base64.b64encode(hashlib.sha256(_asset("page.js").encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{script}'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", _asset("style.css")),
    )


def _main(comparison: Comparison) -> Element:
    plots = {plot.name: plot for plot in all_plots(comparison)}
    rates = [plot for name, plot in plots.items() if name.startswith("rate-") or name == "saving"]
    sections = [
        _section("Rate and quality", "rates", tag("div", map(_figure, rates), class_="plots")),
        _section("In figures", "figures", figures.rates(comparison)),
        _section("Side by side at the same size", "gallery", gallery.gallery(comparison)),
        _section("Where it does best and worst", "images", figures.images(comparison, _figure_of(plots, "images"))),
        _section("At one compression ratio", "ratio", gallery.at_ratio(comparison)),
        _section("Time and memory", "cost", figures.costs(comparison, _figure_of(plots, "time"))),
        _section("Without loss", "lossless", figures.lossless(comparison)),
        _section("Where the bits go", "accounting", figures.accounting(comparison)),
        _section("Published curves", "published", figures.published(comparison)),
        _section("Left out", "skipped", figures.left_out(comparison)),
        _section("How to reproduce", "reproduce", figures.reproduce(comparison)),
    ]
    return tag("main", _banner(comparison), sections, _footer(comparison), tag("div", id="tip", role="status"))


def _banner(comparison: Comparison) -> Element:
    count = len(comparison.images)
    kicker = f"{comparison.dataset} \N{MIDDLE DOT} {count} image{'s' if count > 1 else ''}"
    return tag(
        "header",
        tag("p", kicker, class_="kicker"),
        tag("h1", wording.headline(comparison)),
        tag("p", wording.scope(comparison), class_="scope"),
        figures.tiles(comparison),
    )


def _section(title: str, name: str, content: Element | None) -> Element | None:
    return None if content is None else tag("section", tag("h2", title), content, id=name)


def _figure(plot: Plot) -> Element:
    heading = tag("figcaption", tag("h3", plot.title), tag("p", plot.reading))
    return tag("figure", heading, inline(plot), _legend(plot), class_="plot")


def _figure_of(plots: dict[str, Plot], name: str) -> Element | None:
    return _figure(plots[name]) if name in plots else None


def _legend(plot: Plot) -> Element | None:
    if not plot.legend:
        return None
    buttons = (
        tag(
            "button",
            tag("i", style=f"background:var(--{entry.colour})"),
            entry.text,
            type="button",
            aria_pressed="true",
            data_series=entry.series,
        )
        for entry in plot.legend
    )
    return tag("div", buttons, class_="legend", role="group", aria_label="Show and hide")


def _footer(comparison: Comparison) -> Element:
    return tag("footer", f"Made with dvcodec compare, {comparison.environment.date}")


def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
