"""A comparison as text tables for a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table

from ..metrics.bd_rate import BdRate
from .result import LEVELS, Comparison, PointCheck


def tables(comparison: Comparison, name: str) -> RenderableType:
    """Return all tables about the codec `name`, with the verdict on its points as the last line."""
    return Group(points(comparison, name), bd_rates(comparison, name), levels(comparison), verdict(comparison, name))


def points(comparison: Comparison, name: str) -> Table:
    """Tabulate rate, PSNR and seconds of one codec at each quality, and the anchor's rate at the same PSNR."""
    anchor = comparison.anchor
    title = f"{name} on {comparison.dataset}: means of {len(comparison.images)} images"
    table = Table(title=title, caption=comparison.result(name).settings)
    for heading in ("quality", "bits/pixel", "PSNR dB", f"{anchor} bits/pixel", f"vs {anchor}", "encode s", "decode s"):
        table.add_column(heading, justify="right")
    for check in comparison.checks(name):
        point = check.point
        row = (
            f"{point.quality:g}",
            f"{point.bpp:.3f}",
            f"{point.psnr:.2f}",
            _bits(check.anchor_bpp),
            _percent(check.percent),
        )
        table.add_row(*row, f"{point.encode_seconds:.2f}", f"{point.decode_seconds:.2f}")
    return table


def bd_rates(comparison: Comparison, name: str) -> Table:
    """Tabulate BD-rates with their intervals: every codec against the anchor, and `name` against every codec.

    The last column compares codecs directly, since figures against the anchor may hold for different intervals.
    """
    table = Table(title=f"BD-rate against {comparison.anchor}: PSNR, means over the images, PCHIP")
    table.add_column("codec")
    for heading in ("26-36 dB", "26-31 dB", "31-36 dB", f"{name} against it"):
        table.add_column(heading, justify="right")
    for result in comparison.results:
        summary = comparison.bd_rate(result.name)
        direct = comparison.bd_rate(name, result.name).headline
        table.add_row(result.name, *(_bd(rate) for rate in (summary.headline, summary.lower, summary.upper, direct)))
    return table


def levels(comparison: Comparison) -> Table:
    """Tabulate the bits per pixel that each codec needs for round values of PSNR."""
    table = Table(title="bits/pixel needed")
    table.add_column("codec")
    for level in LEVELS:
        table.add_column(f"{level:g} dB", justify="right")
    for result in comparison.results:
        table.add_row(result.name, *(_bits(bits) for bits in comparison.bits_at(result.name).values()))
    return table


def verdict(comparison: Comparison, name: str) -> str:
    """State how many points of `name` need fewer bits than the anchor, and name those that do not."""
    checks = comparison.checks(name)
    known = [check for check in checks if check.fewer is not None]
    worse = [check for check in known if not check.fewer]
    if not known:
        return f"no point of {name} lies within {comparison.anchor}'s measured range"
    sentence = (
        f"{len(known) - len(worse)} of {len(known)} points need fewer bits than {comparison.anchor} at the same PSNR"
    )
    if worse:
        sentence += f"; more at quality {_qualities(worse)}"
    beyond = [check for check in checks if check.fewer is None]
    if beyond:
        sentence += f"; beyond {comparison.anchor}'s measured range: quality {_qualities(beyond)}"
    return sentence


def _qualities(checks: list[PointCheck]) -> str:
    return ", ".join(f"{check.point.quality:g}" for check in checks)


def _bits(bits: float | None) -> str:
    return "-" if bits is None else f"{bits:.3f}"


def _percent(percent: float | None) -> str:
    return "-" if percent is None else f"{percent:+.1f}%"


def _bd(rate: BdRate | None) -> str:
    return "-" if rate is None else f"{rate.percent:+.1f}%\n{rate.low:.1f}-{rate.high:.1f} dB"
