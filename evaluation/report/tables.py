"""The page's tables as text cells; a table that the comparison has no data for is None."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..codecs.accounting import ByteAccount
from ..comparison.result import LEVELS, Comparison
from ..metrics.bd_rate import bd_rate
from ..metrics.scores import PSNR
from . import wording


@dataclass(frozen=True)
class PageTable:
    """Column heads and rows of cells; the first cell of a row is its heading."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Tile:
    """One figure of the page's summary."""

    figure: str
    what: str
    note: str


def tiles(comparison: Comparison) -> list[Tile]:
    """Return the subject's saving against every other codec, then its times."""
    subject = comparison.subject
    shown = []
    for name in comparison.names:
        rate = comparison.bd_rate(subject, name).headline if name != subject else None
        if rate is not None:
            what = f"{'fewer' if rate.percent < 0 else 'more'} bytes than {wording.proper(name)}"
            shown.append(
                Tile(f"{abs(rate.percent):.0f}{wording.SPACE}%", what, f"{rate.low:.1f} to {rate.high:.1f} dB")
            )
    for cost in comparison.costs:
        if cost.codec == subject:
            times = f"{wording.seconds(cost.encode_seconds)}, {wording.seconds(cost.decode_seconds)}"
            shown.append(Tile(times, "to encode, to decode", f"{cost.width}x{cost.height} pixels"))
    return shown


def rates(comparison: Comparison) -> PageTable:
    """Tabulate BD-rates and BD-PSNR of every codec against the anchor."""
    others = comparison.metrics[1:]
    head = ["codec", "26-36 dB", "95 % interval", "26-31 dB", "31-36 dB", "BD-PSNR", *(m.title for m in others)]
    rows = []
    for name in comparison.names:
        summary, gain = comparison.bd_rate(name), comparison.bd_psnr(name)
        interval = comparison.intervals.get((comparison.anchor, name))
        ends = wording.between(interval) if interval else wording.NONE
        three = [wording.bd(rate) for rate in (summary.headline, summary.lower, summary.upper)]
        decibels = wording.NONE if gain is None else wording.number(gain.decibels, 2) + " dB"
        rest = [wording.bd(comparison.bd_other(name, metric)) for metric in others]
        rows.append([name, three[0], ends, *three[1:], decibels, *rest])
    return PageTable(head, rows)


def bits_needed(comparison: Comparison) -> PageTable:
    """Tabulate the bits per pixel that each codec needs for round values of PSNR."""
    bits = {name: comparison.bits_at(name).values() for name in comparison.names}
    rows = [[name, *map(wording.number, values)] for name, values in bits.items()]
    return PageTable(["codec", *(f"{level:g} dB" for level in LEVELS)], rows)


def matrix(comparison: Comparison) -> PageTable:
    """Tabulate the BD-rate of the row's codec against the column's."""
    names = comparison.names
    rows = [
        [test, *(wording.bd(comparison.bd_rate(test, anchor).headline) if test != anchor else "" for anchor in names)]
        for test in names
    ]
    return PageTable(["", *names], rows)


def points(comparison: Comparison, name: str) -> PageTable:
    """Tabulate the means of one codec at each quality."""
    head = ["quality", "bits per pixel", *(metric.name for metric in comparison.metrics), "encode", "decode"]
    rows = []
    for point in comparison.result(name).means:
        scores = [wording.number(point.scores[m.name], 2 if m is PSNR else 4) for m in comparison.metrics]
        times = wording.seconds(point.encode_seconds), wording.seconds(point.decode_seconds)
        rows.append([f"{point.quality:g}", wording.number(point.bpp), *scores, *times])
    return PageTable(head, rows)


def images(comparison: Comparison) -> PageTable | None:
    """Tabulate BD-rate and bits needed for every single image."""
    if comparison.subject == comparison.anchor:
        return None
    columns = [(name, level) for level in LEVELS for name in (comparison.subject, comparison.anchor)]
    head = ["image", "pixels", "BD-rate", *(f"{name}, {level:g} dB" for name, level in columns)]
    rows = []
    for one in comparison.of_images():
        bits = [wording.number(one.bits[name][level]) for name, level in columns]
        rows.append([one.name, f"{one.width}x{one.height}", wording.bd(one.bd), *bits])
    return PageTable(head, rows)


def costs(comparison: Comparison) -> PageTable | None:
    """Tabulate time and memory of every codec on one image."""
    rows = [
        [
            cost.codec,
            wording.seconds(cost.encode_seconds),
            wording.seconds(cost.decode_seconds),
            wording.mebibytes(cost.encode_peak),
            wording.mebibytes(cost.decode_peak),
            wording.size(cost.size),
        ]
        for cost in comparison.costs
    ]
    return PageTable(["codec", "encode", "decode", "peak encoding", "peak decoding", "file"], rows) if rows else None


def lossless(comparison: Comparison) -> PageTable | None:
    """Tabulate the bytes of lossless files, also in per cent of PNG's."""
    png = next((result.size for result in comparison.lossless if result.name == "png"), None)
    rows = [
        [
            result.name,
            wording.size(result.size),
            wording.number(result.bpp, 2),
            wording.percent(100 * (result.size / png - 1)) if png else wording.NONE,
            wording.seconds(result.encode_seconds),
            wording.seconds(result.decode_seconds),
            result.settings,
        ]
        for result in comparison.lossless
    ]
    head = ["codec", "all images", "bits per pixel", "against PNG", "encode", "decode", "settings"]
    return PageTable(head, rows) if rows else None


def accounting(comparison: Comparison) -> PageTable | None:
    """Tabulate estimated bits, coded bytes and overhead of the subject's files at each quality."""
    rows = []
    for quality, account in _accounts(comparison).items():
        cells = (account.estimate / 8, account.coded, account.overhead, account.coded + account.overhead)
        rows.append([f"{quality:g}", *map(wording.size, cells), wording.percent(account.percent)])
    return PageTable(["quality", "estimate", "entropy-coded", "the rest", "file", "overhead"], rows) if rows else None


def strides(comparison: Comparison) -> PageTable:
    """Tabulate each stride's share of the estimated bits at each quality."""
    accounts = _accounts(comparison)
    names = [stride for stride, _ in next(iter(accounts.values())).by_stride()]
    rows = [
        [f"{quality:g}", *(f"{100 * bits / (account.estimate or 1):.1f} %" for _, bits in account.by_stride())]
        for quality, account in accounts.items()
    ]
    return PageTable(["quality", *(f"stride {stride}" for stride in names)], rows)


def layers(comparison: Comparison) -> PageTable:
    """Tabulate each layer's estimated bytes at each quality."""
    accounts = _accounts(comparison)
    columns = [account.layers for account in accounts.values()]
    rows = [[same[0][0], *(f"{bits / 8:.1f}" for _, bits in same)] for same in zip(*columns, strict=True)]
    return PageTable(["layer", *(f"quality {quality:g}" for quality in accounts)], rows)


def _accounts(comparison: Comparison) -> dict[float, ByteAccount]:
    return {mean.quality: mean.account for mean in comparison.result(comparison.subject).means if mean.account}


def published(comparison: Comparison) -> PageTable | None:
    """Tabulate the published curves with their BD-rate against the anchor's curve of this comparison."""
    anchor = comparison.curve(comparison.anchor)
    if not comparison.published or anchor is None:
        return None
    rows = [[one.curve.name, wording.bd(bd_rate(anchor, one.curve)), one.source] for one in comparison.published]
    return PageTable(["curve", "26-36 dB", "source"], rows)


def settings(comparison: Comparison) -> PageTable:
    """Tabulate the settings of every codec."""
    return PageTable(["codec", "settings"], [[result.name, result.settings] for result in comparison.results])
