"""The report as one HTML page that contains everything: styles, script, plots and pictures.

The text is in page.html.jinja and escaped by the template engine. A content security policy forbids the page any
network access and any script but its own.
"""

import base64
import hashlib
from collections.abc import Iterable
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ..comparison.equal_size import picture_type
from ..comparison.result import Comparison
from . import tables, wording
from .canvas import Plot
from .rendering import inline_svg


def page(comparison: Comparison, plots: Iterable[Plot]) -> str:
    """Return the page as text; sections without data are left out."""
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment().get_template("page.html.jinja")
    return template.render(
        comparison=comparison,
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        script=Markup(script),
        style=Markup(_asset("style.css")),
        plots={plot.name: plot for plot in plots},
        small=_small(comparison),
        minus="\N{MINUS SIGN}",
        tables=tables,
    )


def environment() -> Environment:
    """Return the template engine: everything is escaped, and an undefined name is an error."""
    engine = Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    engine.globals["wording"] = wording
    engine.filters |= {"proper": wording.proper, "picture": _picture, "svg": lambda plot: Markup(inline_svg(plot))}
    return engine


def _picture(data: bytes) -> str:
    """Return an image file as a data URL."""
    return f"data:{picture_type(data)};base64,{base64.b64encode(data).decode()}"


def _small(comparison: Comparison) -> list[str]:
    """Name the metrics that are not defined for some of the images."""
    return [
        f"{metric.title} is defined from {metric.smallest} pixels a side; its means leave smaller images out."
        for metric in comparison.metrics
        if any(min(image.width, image.height) < metric.smallest for image in comparison.images)
    ]


def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
