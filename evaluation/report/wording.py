"""Numbers and sentences of the page."""

from ..comparison.result import Comparison
from ..metrics.bd_rate import BdRate
from ..metrics.bootstrap import ConfidenceInterval

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
"""Names of codecs in a sentence, where they differ from those that options take."""


def proper(name: str) -> str:
    """Return a codec's name for use in a sentence."""
    return PROPER.get(name, name)


def headline(comparison: Comparison) -> str:
    """Return the main result as one sentence."""
    count = len(comparison.images)
    images = "your image takes" if count == 1 else f"your {count} images take"
    subject, anchor = proper(comparison.subject), proper(comparison.anchor)
    if subject == anchor:
        return f"{subject} was measured alone: there is nothing to compare it with."
    rate = comparison.bd_rate(comparison.subject).headline
    if rate is None:
        return f"The curves of {subject} and {anchor} share no PSNR between 26 and 36 dB, so they cannot be compared."
    return f"At the same PSNR {images} {amount(rate.percent)} with {subject} than with {anchor}."


def amount(percent: float) -> str:
    """Return a change in size in words: `52 % fewer bytes`, `8 % more bytes`."""
    return f"{abs(percent):.0f}{SPACE}% {'fewer' if percent < 0 else 'more'} bytes"


def scope(comparison: Comparison) -> str:
    """Return what the headline is based on: its range of PSNR and its confidence interval."""
    rate = comparison.bd_rate(comparison.subject).headline
    if rate is None or comparison.subject == comparison.anchor:
        return ""
    text = f"BD-rate of PSNR from {rate.low:.1f} to {rate.high:.1f} dB, complete files, means over the images"
    interval = comparison.intervals.get((comparison.anchor, comparison.subject))
    if interval is None:
        return f"{text}."
    return f"{text}; {100 * interval.level:.0f}{SPACE}% interval over the images: {between(interval)}."


def between(interval: ConfidenceInterval) -> str:
    """Return the ends of an interval in per cent."""
    return f"{signless(round(interval.low, 1))} to {signless(round(interval.high, 1))}{SPACE}%"


def bd(rate: BdRate | None) -> str:
    """Format a BD-rate in per cent, or a dash."""
    return NONE if rate is None else percent(rate.percent)


def percent(value: float | None) -> str:
    """Format a signed percentage, or a dash."""
    if value is None:
        return NONE
    return f"{value:+.1f}{SPACE}%".replace("-", "\N{MINUS SIGN}") if round(value, 1) else f"0{SPACE}%"


def number(value: float | None, digits: int = 3) -> str:
    """Format a number with `digits` decimals, or a dash."""
    return NONE if value is None else f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def signless(value: float) -> str:
    """Format a number with a true minus sign."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def seconds(value: float) -> str:
    """Format a duration."""
    return f"{value:.2f}{SPACE}s" if value >= 0.1 else f"{1000 * value:.1f}{SPACE}ms"


def size(value: float) -> str:
    """Format a number of bytes: `5 482 B`."""
    return f"{value:,.0f} B".replace(",", SPACE)


def mebibytes(value: int | None) -> str:
    """Format a number of bytes in MiB, or a dash."""
    return NONE if value is None else f"{value / 2**20:,.0f} MiB"
