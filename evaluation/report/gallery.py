"""The page's pictures: crops at one file size with a slider, and the papers' rows at one compression ratio."""

import base64
from xml.etree.ElementTree import Element

from ..comparison.equal_size import EqualSizeImage, Panel, picture_type
from ..comparison.result import Comparison
from ..report import wording
from .markup import tag


def gallery(comparison: Comparison) -> Element | None:
    """Every image of the gallery: a slider between the subject and one of the others, all versions below it."""
    if not comparison.gallery:
        return None
    subject = wording.proper(comparison.subject)
    reading = (
        f"{subject} sets the size; every other codec has the smallest file that is no smaller. Drag the slider, and "
        f"choose what {subject} is compared with below it. Crops at full resolution, from where the original has most "
        "contrast."
    )
    viewers = (_viewer(matched, comparison.subject) for matched in comparison.gallery)
    return tag("div", tag("p", reading), tag("div", viewers, class_="viewers"))


def at_ratio(comparison: Comparison) -> Element | None:
    """Original, subject and anchor one below the other, an image a column."""
    if not comparison.at_ratio:
        return None
    reading = (
        f"Files of at most 1/{comparison.ratio:g} of the raw pixels, {wording.proper(comparison.anchor)} below with no "
        "fewer bytes: the protocol of Gregor et al. 2016 and of Willetts et al. 2021 (figure F.9)."
    )
    columns = (
        tag(
            "div",
            tag("h3", matched.image, tag("small", f" {matched.note}")),
            (_panel(panel, matched.image) for panel in matched.panels),
            class_="column",
        )
        for matched in comparison.at_ratio
    )
    return tag("div", tag("p", reading), tag("div", columns, class_="columns", tabindex=0))


def _viewer(matched: EqualSizeImage, subject: str) -> Element:
    left, upper, right, lower = matched.box
    note = f" {matched.note}" if matched.note else None
    panels = (_panel(panel, matched.image, ours=panel.codec == subject) for panel in matched.panels)
    return tag(
        "article",
        tag("h3", matched.image, tag("small", note)),
        tag("div", class_="stage", style=f"aspect-ratio:{right - left}/{lower - upper}"),
        tag("div", panels, class_="panels"),
        class_="viewer",
    )


def _panel(panel: Panel, image: str, ours: bool = False) -> Element:
    source = f"data:{picture_type(panel.picture)};base64,{base64.b64encode(panel.picture).decode()}"
    name = "original" if panel.psnr is None else wording.proper(panel.codec)
    facts = "raw" if panel.psnr is None else f"{wording.size(panel.size)}, {panel.psnr:.1f} dB"
    return tag(
        "figure",
        tag("img", src=source, alt=f"{image}, {name}", decoding="async"),
        tag("figcaption", tag("b", name), " ", tag("span", facts)),
        class_="panel ours" if ours else "panel",
        data_name=name,
        data_facts=facts,
    )
