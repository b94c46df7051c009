"""Plots as SVG: with the page's colours inside a page, with fixed ones as a file of its own."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from .markup import tag, xml
from .scene import PALETTE, Bar, Dot, Label, Line, Plot, Shape, with_legend

HIT = 9.0
"""Radius of the area around a dot that answers to a pointer or finger."""


def inline(plot: Plot) -> Element:
    """The plot for a page: colours are CSS variables, points have tips (`data-tip`) and can be reached by keyboard."""
    seen: set[str] = set()
    shapes = (shape for one in plot.shapes for shape in _live(one, seen))
    label = f"{plot.title}. {plot.reading}"
    return tag("svg", shapes, viewBox=f"0 0 {plot.width:g} {plot.height:g}", role="group", aria_label=label)


def standalone(plot: Plot) -> str:
    """The plot as an SVG file on white, title and legend drawn in."""
    whole = with_legend(plot)
    size = {"width": whole.width, "height": whole.height, "viewBox": f"0 0 {whole.width:g} {whole.height:g}"}
    ground = tag("rect", width="100%", height="100%", fill=PALETTE["paper"])
    shapes = (element for shape in whole.shapes for element in _titled(shape))
    family = "system-ui, sans-serif"
    return xml(tag("svg", ground, shapes, xmlns="http://www.w3.org/2000/svg", font_family=family, **size))


def _live(shape: Shape, seen: set[str]) -> list[Element]:
    elements = _elements(shape, lambda role: f"var(--{role})")
    if isinstance(shape, Dot):
        elements.append(tag("circle", class_="hit", cx=shape.x, cy=shape.y, r=HIT))
    for element in elements:
        if isinstance(shape, Line | Dot | Bar) and shape.series:
            element.set("data-series", shape.series)
    if isinstance(shape, Dot | Bar):
        # One stop a series for the Tab key; arrows go on from there.
        series = shape.series or ""
        first = series not in seen
        seen.add(series)
        target = elements[-1]
        target.attrib.update(
            {"data-tip": shape.tip, "tabindex": "0" if first else "-1", "role": "img", "aria-label": shape.tip}
        )
    return elements


def _titled(shape: Shape) -> list[Element]:
    elements = _elements(shape, PALETTE.__getitem__)
    if isinstance(shape, Dot | Bar):
        elements[0].append(tag("title", shape.tip))
    return elements


def _elements(shape: Shape, colour: Callable[[str], str]) -> list[Element]:
    match shape:
        case Line():
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shape.points)
            style = f"fill:none;stroke:{colour(shape.colour)};stroke-width:{shape.width:g};stroke-linejoin:round"
            return [tag("polyline", points=points, style=style)]
        case Dot():
            fill = colour("paper") if shape.hollow else colour(shape.colour)
            style = f"fill:{fill};stroke:{colour(shape.colour)};stroke-width:{2.5 if shape.hollow else 0:g}"
            return [tag("circle", cx=round(shape.x, 1), cy=round(shape.y, 1), r=round(shape.radius, 2), style=style)]
        case Bar():
            box = {name: round(getattr(shape, name), 1) for name in ("x", "y", "width", "height")}
            return [tag("rect", rx=2, style=f"fill:{colour(shape.colour)}", **box)]
        case Label():
            turn = f"rotate(-90 {shape.x:g} {shape.y:g})" if shape.upright else None
            weight = "600" if shape.bold else None
            style = f"fill:{colour(shape.colour)}"
            place = {"x": round(shape.x, 1), "y": round(shape.y, 1), "font_size": shape.size, "font_weight": weight}
            return [tag("text", shape.text, text_anchor=shape.anchor, transform=turn, style=style, **place)]
