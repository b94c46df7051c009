"""The pictures that a report shows: the subject's best and worst images, and all codecs at one compression ratio."""

import math
from collections.abc import Sequence
from dataclasses import replace

from ..codecs.interface import ImageCodec
from ..images import SourceImage, load_rgb
from .equal_size import SMALL_CROP, EqualSizeImage, at_quality, largest_within, side_by_side
from .plan import Plan
from .result import Comparison

GALLERY_BPP = 0.3
"""Mean bits per pixel near which the gallery's quality is chosen: low enough for differences to be visible."""
SHOWN_BESIDE = ("jpeg", "webp", "avif", "jxl")
"""Other codecs that the gallery shows if they were measured."""
AT_RATIO = 6
"""Number of images shown at one compression ratio."""


def with_pictures(comparison: Comparison, plan: Plan) -> Comparison:
    """Return the comparison with its gallery, and with images at one compression ratio if one is given."""
    shown = images_at_ratio(comparison, plan, comparison.ratio) if comparison.ratio else ()
    return replace(comparison, gallery=gallery(comparison, plan), at_ratio=shown)


def gallery(comparison: Comparison, plan: Plan) -> tuple[EqualSizeImage, ...]:
    """Code the subject's best and worst images with the subject at one quality and the others at no fewer bytes."""
    means = comparison.result(comparison.subject).means
    quality = min(means, key=lambda mean: abs(math.log(mean.bpp / GALLERY_BPP))).quality
    others = _others(plan, SHOWN_BESIDE)
    shown = []
    for source, note in notable(comparison):
        image = load_rgb(source.path)
        first = at_quality(plan.subject, image, quality)
        shown.append(EqualSizeImage(source.name, note, *side_by_side(image, plan.subject, first, others)))
    return tuple(shown)


def images_at_ratio(comparison: Comparison, plan: Plan, ratio: float) -> tuple[EqualSizeImage, ...]:
    """Code the first images with the subject at one compression ratio and the anchor at no fewer bytes.

    Source: Gregor et al. 2016; Willetts et al. 2021, appendix F, figure F.9.
    """
    others = _others(plan, (comparison.anchor,))
    shown = []
    for source in comparison.images[:AT_RATIO]:
        image = load_rgb(source.path)
        raw = 3 * image.width * image.height
        first = largest_within(plan.subject, image, int(raw / ratio))
        note = f"{raw / len(first[1]):.1f}:1"
        shown.append(EqualSizeImage(source.name, note, *side_by_side(image, plan.subject, first, others, SMALL_CROP)))
    return tuple(shown)


def notable(comparison: Comparison) -> tuple[tuple[SourceImage, str], ...]:
    """Return the two images with the subject's best and the two with its worst BD-rate, each once, with a note.

    If no image has a BD-rate, the first three images are returned without notes.
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
