"""The page's tables and lists, each an element, or None where the comparison has nothing for it."""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element

from ..comparison.result import LEVELS, Comparison
from ..metrics.bd_rate import bd_rate
from ..metrics.scores import PSNR
from ..report import wording
from .markup import Content, tag


def table(head: Sequence[Content], rows: Iterable[Sequence[Content]], marked: str | None = None) -> Element:
    """A table that scrolls sideways where it is too wide; the row whose first cell reads `marked` stands out."""
    header = tag("thead", tag("tr", (tag("th", cell, scope="col") for cell in head)))
    body = tag(
        "tbody",
        (
            tag(
                "tr",
                tag("th", row[0], scope="row"),
                (tag("td", cell) for cell in row[1:]),
                class_="ours" if marked is not None and row[0] == marked else None,
            )
            for row in rows
        ),
    )
    return tag("div", tag("table", header, body), class_="scroll", tabindex=0)


def details(summary: str, *content: Content) -> Element:
    """Something that opens on demand; paper shows what is open."""
    return tag("details", tag("summary", summary), *content)


def tiles(comparison: Comparison) -> Element | None:
    """The subject against every other codec at a glance, then what it takes in time."""
    subject = comparison.subject
    shown = []
    for name in comparison.names:
        rate = comparison.bd_rate(subject, name).headline if name != subject else None
        if rate is not None:
            note = f"{'fewer' if rate.percent < 0 else 'more'} bytes than {wording.proper(name)}"
            shown.append(
                _tile(f"{abs(rate.percent):.0f}{wording.SPACE}%", note, f"{rate.low:.1f} to {rate.high:.1f} dB")
            )
    cost = next((cost for cost in comparison.costs if cost.codec == subject), None)
    if cost:
        times = f"{wording.seconds(cost.encode_seconds)}, {wording.seconds(cost.decode_seconds)}"
        shown.append(_tile(times, "to encode, to decode", f"{cost.width}x{cost.height} pixels"))
    return tag("div", shown, class_="tiles") if shown else None


def _tile(figure: str, what: str, note: str) -> Element:
    return tag("div", tag("b", figure), tag("span", what), tag("small", note), class_="tile")


def rates(comparison: Comparison) -> Element:
    """BD-rates against the anchor and bits needed, then the matrix and every point on demand."""
    anchor, others = comparison.anchor, comparison.metrics[1:]
    head = ["codec", "26-36 dB", "95 % interval", "26-31 dB", "31-36 dB", "BD-PSNR", *(m.title for m in others)]
    rows = []
    for name in comparison.names:
        summary, gain = comparison.bd_rate(name), comparison.bd_psnr(name)
        interval = comparison.intervals.get((anchor, name))
        ends = wording.between(interval) if interval else wording.NONE
        three = [wording.bd(rate) for rate in (summary.headline, summary.lower, summary.upper)]
        decibels = wording.NONE if gain is None else wording.number(gain.decibels, 2) + " dB"
        rest = [wording.bd(comparison.bd_other(name, metric)) for metric in others]
        rows.append([name, three[0], ends, *three[1:], decibels, *rest])
    reading = (
        f"Bytes against {wording.proper(anchor)} at equal PSNR (BD-rate; at equal values of the other scores in the "
        "last columns) and dB against it at equal bytes (BD-PSNR). Fewer bytes are negative."
    )
    return tag(
        "div",
        tag("p", reading),
        table(head, rows, comparison.subject),
        tag("h3", "Bits per pixel needed"),
        table(["codec", *(f"{level:g} dB" for level in LEVELS)], _needed(comparison), comparison.subject),
        details("Every codec against every other", _matrix(comparison)),
        details("Every point of every curve", *(_points(comparison, name) for name in comparison.names)),
    )


def _needed(comparison: Comparison) -> list[list[str]]:
    return [[name, *(wording.number(bits) for bits in comparison.bits_at(name).values())] for name in comparison.names]


def _matrix(comparison: Comparison) -> Element:
    names = comparison.names
    rows = [
        [test, *(wording.bd(comparison.bd_rate(test, anchor).headline) if test != anchor else "" for anchor in names)]
        for test in names
    ]
    return tag("div", tag("p", "Bytes of the row's codec against the column's."), table(["", *names], rows))


def _points(comparison: Comparison, name: str) -> Element:
    head = ["quality", "bits per pixel", *(metric.name for metric in comparison.metrics), "encode", "decode"]
    rows = []
    for point in comparison.result(name).means:
        scores = [wording.number(point.scores[m.name], 2 if m is PSNR else 4) for m in comparison.metrics]
        times = wording.seconds(point.encode_seconds), wording.seconds(point.decode_seconds)
        rows.append([f"{point.quality:g}", wording.number(point.bpp), *scores, *times])
    return tag("div", tag("h4", name), tag("p", comparison.result(name).settings, class_="note"), table(head, rows))


def images(comparison: Comparison, plot: Element | None) -> Element | None:
    """The plot of single images, and their figures on demand."""
    figures = comparison.of_images()
    if comparison.subject == comparison.anchor:
        return None
    pair = comparison.subject, comparison.anchor
    head = ["image", "pixels", "BD-rate", *(f"{name}, {level:g} dB" for level in LEVELS for name in pair)]
    rows = [
        [
            one.name,
            f"{one.width}x{one.height}",
            wording.bd(one.bd),
            *(wording.number(one.bits[name][level]) for level in LEVELS for name in pair),
        ]
        for one in figures
    ]
    return tag("div", plot, details("Bits per pixel needed, image by image", table(head, rows)), class_="wide")


def costs(comparison: Comparison, plot: Element | None) -> Element | None:
    """Time and memory of every codec on one image."""
    if not comparison.costs:
        return None
    first = comparison.costs[0]
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
    reading = (
        f"One image, {first.image} ({first.width}x{first.height}), at the quality nearest to half a bit per pixel, in "
        f"fresh processes; median of {first.runs} runs after a warm-up; CPU threads: {first.threads}. Memory is the "
        "peak of the whole process, with Python and the libraries."
    )
    head = ["codec", "encode", "decode", "peak encoding", "peak decoding", "file"]
    return tag("div", tag("p", reading), tag("div", plot, table(head, rows, comparison.subject), class_="plots"))


def lossless(comparison: Comparison) -> Element | None:
    """Bytes of lossless files, against PNG."""
    if not comparison.lossless:
        return None
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
    return tag("div", tag("p", "Every decoded sample was checked against the original."), table(head, rows))


def accounting(comparison: Comparison) -> Element | None:
    """Estimated bits, coded bytes and overhead of our files, quality by quality; layers on demand."""
    means = [mean for mean in comparison.result(comparison.subject).means if mean.account]
    if not means:
        return None
    rows = []
    for mean in means:
        account = mean.account
        assert account is not None
        cells = (account.estimate / 8, account.coded, account.overhead, account.coded + account.overhead)
        rows.append([f"{mean.quality:g}", *map(wording.size, cells), wording.percent(account.percent)])
    head = ["quality", "estimate", "entropy-coded", "the rest", "file", "overhead"]
    reading = (
        f"Means over the images for {comparison.subject}. The estimate is the sum of \N{MINUS SIGN}log2 p over all "
        "symbols; the rest is the header and the image's own filter; the overhead is how much larger the file is."
    )
    layers = details("Layer by layer", _layers(comparison))
    return tag("div", tag("p", reading), table(head, rows), tag("h3", "By stride"), _strides(comparison), layers)


def _strides(comparison: Comparison) -> Element:
    accounts = {m.quality: m.account for m in comparison.result(comparison.subject).means if m.account}
    strides = [stride for stride, _ in next(iter(accounts.values())).by_stride()]
    rows = [
        [f"{quality:g}", *(f"{100 * bits / (account.estimate or 1):.1f} %" for _, bits in account.by_stride())]
        for quality, account in accounts.items()
    ]
    return table(["quality", *(f"stride {stride}" for stride in strides)], rows)


def _layers(comparison: Comparison) -> Element:
    accounts = {m.quality: m.account for m in comparison.result(comparison.subject).means if m.account}
    columns = [account.layers for account in accounts.values()]
    rows = [
        [layers[0][0], *(f"{bits / 8:.1f}" for _, bits in layers)] for layers in zip(*columns, strict=True) if layers
    ]
    head = ["layer", *(f"quality {quality:g}" for quality in accounts)]
    return tag("div", tag("p", "Estimated bytes, means over the images."), table(head, rows))


def published(comparison: Comparison) -> Element | None:
    """Sources of the published curves, and their BD-rate against the anchor's curve here."""
    anchor = comparison.curve(comparison.anchor)
    if not comparison.published or anchor is None:
        return None
    rows = [[one.curve.name, wording.bd(bd_rate(anchor, one.curve)), one.source] for one in comparison.published]
    reading = (
        "Measured by others on their images (those that ship with dvcodec: on the 24 Kodak images): they compare with "
        f"the curves above only if these are the same images. BD-rate against {wording.proper(comparison.anchor)} here."
    )
    return tag("div", tag("p", reading), table(["curve", "26-36 dB", "source"], rows))


def left_out(comparison: Comparison) -> Element | None:
    """Images, codecs and metrics that are not in the figures, with reasons."""
    gone = [*comparison.skipped, *comparison.absent]
    small = [
        f"{metric.title} is defined from {metric.smallest} pixels a side; means of it leave smaller images out."
        for metric in comparison.metrics
        if any(min(image.width, image.height) < metric.smallest for image in comparison.images)
    ]
    if not gone and not small:
        return None
    rows = (tag("li", tag("b", one.name), f": {one.reason}") for one in gone)
    return tag("ul", rows, (tag("li", text) for text in small))


def reproduce(comparison: Comparison) -> Element:
    """Command, versions, settings and what the figures mean."""
    environment = comparison.environment
    rows = [[result.name, result.settings] for result in comparison.results]
    metrics = ", ".join(f"{metric.title}: {metric.version}" for metric in comparison.metrics)
    meaning = (
        "Rates are complete files. Scores are of the decoded 8-bit RGB image, means over the images of per-image "
        "values. BD-rate: log rate interpolated over PSNR by PCHIP, both curves averaged over the same interval (26 to "
        "36 dB, clipped to where both are). Qualities are the points of the table above."
    )
    around = (
        f"{environment.machine}, Python {environment.python}; jobs: {environment.jobs}, CPU threads of our network in "
        f"each: {environment.threads or 'as torch takes'}; {environment.date}"
    )
    return tag(
        "div",
        tag("pre", tag("code", environment.command)) if environment.command else None,
        table(["codec", "settings"], rows),
        tag("p", meaning),
        tag("p", metrics),
        tag("p", around),
        tag(
            "p", "Beside this page: results.json, results.csv, a results-CODEC.json each, and the plots as SVG and PNG."
        ),
        class_="reproduce",
    )
