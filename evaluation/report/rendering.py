"""Plots rendered as PNG files, as SVG files, and as SVG for the page."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib

from .canvas import PALETTE, STYLE, Canvas, Mark, Plot

ROLES = {colour: role for role, colour in PALETTE.items()}
HIT = 9.0
"""Radius of the area around a point that reacts to a pointer or a finger."""
SVG = "{http://www.w3.org/2000/svg}"


def png_file(plot: Plot) -> bytes:
    """Render a plot with title and legend as PNG on white, two pixels per unit."""
    with _style(plot):
        return _saved(
            Canvas(plot, headed=True), "png", dpi=144, facecolor=PALETTE["paper"], pil_kwargs={"optimize": True}
        )


def svg_file(plot: Plot) -> bytes:
    """Render a plot with title and legend as an SVG file on white, whose points have tips."""
    with _style(plot):
        canvas = Canvas(plot, headed=True)
        root = _tree(canvas, facecolor=PALETTE["paper"])
    for group, mark in _marked(root, canvas):
        if mark.tip:
            ElementTree.SubElement(group, f"{SVG}title").text = mark.tip
    text: bytes = ElementTree.tostring(root, xml_declaration=True, encoding="utf-8")
    return text + b"\n"


def inline_svg(plot: Plot) -> str:
    """Render a plot for the page.

    Colours are CSS variables. Elements have `data-series` for the legend; points and bars have tips (`data-tip`) and
    can be reached by keyboard: the Tab key stops once per series.
    """
    with _style(plot):
        canvas = Canvas(plot)
        root = _tree(canvas, transparent=True)
    for name in ("width", "height"):
        del root.attrib[name]
    for definitions in root.findall(f"{SVG}defs"):
        if definitions.find(f"{SVG}style") is not None:  # it would apply to the whole page
            root.remove(definitions)
    root.attrib.update({"role": "group", "aria-label": f"{plot.title}. {plot.reading}"})
    seen: set[str | None] = set()
    for group, mark in list(_marked(root, canvas)):
        target = group
        if mark.tip and (point := group.find(f".//{SVG}use")) is not None:
            place = {"cx": point.attrib["x"], "cy": point.attrib["y"], "r": f"{HIT:g}", "class": "hit"}
            target = ElementTree.SubElement(group, f"{SVG}circle", place)
        for element in (group, target) if mark.series else ():
            element.set("data-series", mark.series or "")
        if mark.tip:
            first = "-1" if mark.series in seen else "0"
            target.attrib.update({"data-tip": mark.tip, "aria-label": mark.tip, "role": "img", "tabindex": first})
            seen.add(mark.series)
    for group in root.iter(f"{SVG}g"):
        group.attrib.pop("id", None)  # all plots stand in one document
    text = ElementTree.tostring(root, encoding="unicode")
    return re.sub('#[0-9a-f]{6}(?=[;" ])', lambda found: _variable(found[0]), text)


def _variable(colour: str) -> str:
    return f"var(--{ROLES[colour]})" if colour in ROLES else colour


@contextmanager
def _style(plot: Plot) -> Iterator[None]:
    """Apply the style; ids in SVG depend on the plot's name only, so that files are reproducible."""
    settings: dict[Any, Any] = {**STYLE, "svg.hashsalt": plot.name}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # names of files may use any script
        yield


def _saved(canvas: Canvas, file_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    blank = {"svg": {"Date": None, "Creator": None, "Format": None, "Type": None}, "png": {"Software": None}}
    canvas.figure.savefig(stream, format=file_format, metadata=blank[file_format], **options)
    return stream.getvalue()


def _tree(canvas: Canvas, **options: Any) -> ElementTree.Element:
    ElementTree.register_namespace("", SVG[1:-1])
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    text = _saved(canvas, "svg", **options).decode()
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", text)
    root = ElementTree.fromstring(text)
    root.attrib.update({"width": f"{canvas.size[0]:g}", "height": f"{canvas.size[1]:g}"})
    for metadata in root.findall(f"{SVG}metadata"):
        root.remove(metadata)
    return root


def _marked(root: ElementTree.Element, canvas: Canvas) -> Iterator[tuple[ElementTree.Element, Mark]]:
    """Yield the SVG groups of all marks."""
    for group in root.iter(f"{SVG}g"):
        mark = canvas.marks.get(group.get("id", ""))
        if mark is not None:
            yield group, mark
