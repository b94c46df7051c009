"""Figures in words, the same on the page and on a terminal."""

from ..comparison.result import Comparison
from ..metrics.bd_rate import BdRate
from ..metrics.bootstrap import ConfidenceInterval
from .axes import signless

NONE = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"
PROPER = {
    "jpeg": "JPEG",
    "jpeg-444": "JPEG 4:4:4",
    "webp": "WebP",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "jp2": "JPEG 2000",
}
"""Codecs whose name in a sentence is not the one that options take."""


def proper(name: str) -> str:
    """A codec's name in a sentence."""
    return PROPER.get(name, name)


def headline(comparison: Comparison) -> str:
    """What a person wants to know first, as one sentence."""
    count = len(comparison.images)
    images = "your image takes" if count == 1 else f"your {count} images take"
    subject, anchor = proper(comparison.subject), proper(comparison.anchor)
    if subject == anchor:
        return f"{subject} was measured alone: there is nothing to compare it with."
    rate = comparison.bd_rate(comparison.subject).headline
    if rate is None:
        return f"{subject} and {anchor} share no PSNR between 26 and 36 dB on these images, so no figure compares them."
    return f"At the same PSNR {images} {amount(rate.percent)} with {subject} than with {anchor}."


def amount(percent: float) -> str:
    """`52 % fewer bytes`, `8 % more bytes`."""
    return f"{abs(percent):.0f}{SPACE}% {'fewer' if percent < 0 else 'more'} bytes"


def scope(comparison: Comparison) -> str:
    """What the headline stands on: its range of PSNR and how far it may be off."""
    rate = comparison.bd_rate(comparison.subject).headline
    if rate is None or comparison.subject == comparison.anchor:
        return ""
    text = f"BD-rate of PSNR from {rate.low:.1f} to {rate.high:.1f} dB, complete files, means over the images"
    interval = comparison.intervals.get((comparison.anchor, comparison.subject))
    if interval is None:
        return f"{text}."
    return f"{text}; {100 * interval.level:.0f}{SPACE}% interval over the images: {between(interval)}."


def between(interval: ConfidenceInterval) -> str:
    """An interval in per cent."""
    return f"{signless(round(interval.low, 1))} to {signless(round(interval.high, 1))}{SPACE}%"


def bd(rate: BdRate | None) -> str:
    """A BD-rate in per cent, or a dash."""
    return NONE if rate is None else percent(rate.percent)


def percent(value: float | None) -> str:
    """A signed percentage, or a dash."""
    if value is None:
        return NONE
    return f"{value:+.1f}{SPACE}%".replace("-", "\N{MINUS SIGN}") if round(value, 1) else f"0{SPACE}%"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many decimals, or a dash."""
    return NONE if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def seconds(value: float) -> str:
    """A duration."""
    return f"{value:.2f}{SPACE}s" if value >= 0.1 else f"{1000 * value:.1f}{SPACE}ms"


def size(value: float) -> str:
    """A number of bytes: `5 482 B`."""
    return f"{value:,.0f} B".replace(",", SPACE)


def mebibytes(value: int | None) -> str:
    """A number of bytes in MiB, or a dash."""
    return NONE if value is None else f"{value / 2**20:,.0f} MiB"
