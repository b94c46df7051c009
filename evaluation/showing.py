"""Which pictures a report shows: the images where the subject does best and worst, and the papers' protocol."""

import math
from collections.abc import Sequence
from dataclasses import replace

from .comparison import Comparison
from .images import Source, load_rgb
from .matched import SMALL_CROP, Matched, at_quality, largest_within, side_by_side
from .plan import Plan
from .rd import ImageCodec

GALLERY_BPP = 0.3
"""Mean bits per pixel near which the gallery's quality is chosen: low enough for the eye to see a difference."""
SHOWN_BESIDE = ("jpeg", "webp", "avif", "jxl")
"""Other codecs in the gallery, where they were measured."""
AT_RATIO = 6
"""Images of the papers' protocol that are shown."""


def with_pictures(comparison: Comparison, plan: Plan) -> Comparison:
    """The comparison with its gallery, and with the protocol's rows where a ratio is asked for."""
    at_ratio = papers_protocol(comparison, plan, comparison.ratio) if comparison.ratio else ()
    return replace(comparison, gallery=gallery(comparison, plan), at_ratio=at_ratio)


def gallery(comparison: Comparison, plan: Plan) -> tuple[Matched, ...]:
    """The subject at one quality on its best and worst images, the others at no fewer bytes."""
    means = comparison.result(comparison.subject).means
    quality = min(means, key=lambda mean: abs(math.log(mean.bpp / GALLERY_BPP))).quality
    others = _others(plan, SHOWN_BESIDE)
    shown = []
    for source, note in notable(comparison):
        image = load_rgb(source.path)
        first = at_quality(plan.subject, image, quality)
        shown.append(Matched(source.name, note, *side_by_side(image, plan.subject, first, others)))
    return tuple(shown)


def papers_protocol(comparison: Comparison, plan: Plan, ratio: float) -> tuple[Matched, ...]:
    """The first images at one compression ratio: original, the subject, and the anchor at no fewer bytes."""
    others = _others(plan, (comparison.anchor,))
    shown = []
    for source in comparison.images[:AT_RATIO]:
        image = load_rgb(source.path)
        raw = 3 * image.width * image.height
        first = largest_within(plan.subject, image, int(raw / ratio))
        note = f"{raw / len(first[1]):.1f}:1"
        shown.append(Matched(source.name, note, *side_by_side(image, plan.subject, first, others, SMALL_CROP)))
    return tuple(shown)


def notable(comparison: Comparison) -> tuple[tuple[Source, str], ...]:
    """The two images where the subject does best and the two where it does worst, each once, with a note.

    Without a figure for any image (no curve meets the anchor's), the first images as they come.
    """
    sources = {source.name: source for source in comparison.images}
    ranked = [figures for figures in comparison.of_images() if figures.bd is not None]
    if not ranked:
        return tuple((source, "") for source in comparison.images[:3])
    last = len(ranked) - 1
    places = {0: "best", 1: "second best", last - 1: "second worst", last: "worst"}
    if last < 3:
        places = {0: "best", last: "worst"} if last else {0: ""}
    return tuple((sources[ranked[place].name], note) for place, note in sorted(places.items()))


def _others(plan: Plan, names: Sequence[str]) -> tuple[ImageCodec, ...]:
    return tuple(codec for codec in plan.codecs if codec.name in names and codec is not plan.subject)
