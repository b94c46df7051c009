"""The plots of a report: rate and each score, saving at equal PSNR, single images, time."""

from collections.abc import Mapping, Sequence

from ..comparison.result import Comparison
from ..metrics.bd_rate import Curve, bits_at
from ..metrics.scores import PSNR, Metric
from .canvas import SERIES, Canvas, LegendEntry, Mark, Plot
from .wording import signless

MOST_NAMED = 40
"""Number of images up to which the plot of single images names each."""
AXIS = 66.0
"""Height of a horizontal axis with its title."""
Range = tuple[float, float]


def all_plots(comparison: Comparison) -> tuple[Plot, ...]:
    """Return every plot for which the comparison has data."""
    rates = [rate_plot(comparison, metric) for metric in comparison.metrics]
    found = [*rates[:1], saving_plot(comparison), *rates[1:], image_plot(comparison), time_plot(comparison)]
    return tuple(plot for plot in found if plot is not None)


def colours(comparison: Comparison) -> dict[str, str]:
    """Return a colour role for every codec; the subject has the first and the anchor the second."""
    ordered = dict.fromkeys([comparison.subject, comparison.anchor, *comparison.names])
    return {name: f"c{index % SERIES}" for index, name in enumerate(ordered)}


def rate_plot(comparison: Comparison, metric: Metric) -> Plot | None:
    """Plot the score over the rate with a line for every codec; for PSNR, published curves lie behind."""
    curves = {name: curve for name in comparison.names if (curve := comparison.curve(name, metric))}
    if not curves:
        return None
    colour = colours(comparison)
    legend = [LegendEntry(name, colour[name], name) for name in curves]
    published = [one.curve for one in comparison.published] if metric is PSNR else []
    if published:
        legend.append(LegendEntry(f"published ({len(published)})", "published", "published"))

    def draw(canvas: Canvas) -> None:
        canvas.limits(*_window(curves, comparison.subject))
        canvas.axes.set(xlabel="bits per pixel", ylabel=metric.title)
        for curve in published:
            _draw_curve(canvas, curve, "published", "published", metric, 0.9, radius=1.2)
        for name in reversed(curves):  # the first one is drawn last, on top
            width = 3.0 if name == comparison.subject else 1.8
            _draw_curve(canvas, curves[name], colour[name], name, metric, width, radius=1.6 + 0.8 * width)

    reading = "Higher and further left is better: a closer match from fewer bits."
    return Plot(f"rate-{metric.name}", f"{_short(metric)} and rate", reading, draw, tuple(legend))


def _short(metric: Metric) -> str:
    return metric.title.split(" (")[0]


def _window(curves: Mapping[str, Curve], subject: str) -> tuple[Range, Range]:
    """Return ranges that show the subject's whole curve, and the others as far as it reaches."""
    main = curves.get(subject) or next(iter(curves.values()))
    most = min(1.3 * max(main.bpp), max(bpp for curve in curves.values() for bpp in curve.bpp) * 1.03)
    scores = [score for c in curves.values() for bpp, score in zip(c.bpp, c.score, strict=True) if bpp <= most] + list(
        main.score
    )
    low, high = padded(scores)
    low = max(low, min(main.score) - 0.35 * (max(main.score) - min(main.score)))
    return (0, most), (low, high)


def _draw_curve(
    canvas: Canvas, curve: Curve, colour: str, series: str, metric: Metric, width: float, radius: float
) -> None:
    points = list(zip(curve.bpp, curve.score, strict=True))
    canvas.line(points, colour, width, series)
    for bpp, score in points:
        tip = f"{curve.name}\n{bpp:.3f} bits per pixel\n{score:.2f} {_unit(metric)}"
        canvas.dot(bpp, score, radius, colour, Mark(series, tip))


def _unit(metric: Metric) -> str:
    name, _, unit = metric.title.partition(" (")
    return f"{unit.rstrip(')')} {name}".strip()


def saving_plot(comparison: Comparison) -> Plot | None:
    """Plot the bytes in per cent of the anchor's at the same PSNR, over PSNR."""
    anchor = comparison.curve(comparison.anchor)
    others = [name for name in comparison.names if name != comparison.anchor]
    savings = {name: _savings(anchor, curve) for name in others if anchor and (curve := comparison.curve(name))}
    savings = {name: points for name, points in savings.items() if len(points) > 1}
    if not savings:
        return None
    colour = colours(comparison)

    def draw(canvas: Canvas) -> None:
        everything = [point for points in savings.values() for point in points]
        x = padded([decibels for decibels, _ in everything], 0.02)
        canvas.limits(x, padded([0.0, *(percent for _, percent in everything)]))
        canvas.axes.set(xlabel="PSNR (dB)", ylabel=f"bytes against {comparison.anchor} (%)")
        canvas.line([(x[0], 0), (x[1], 0)], "muted", 1.5)
        for name in reversed(savings):
            width = 3.0 if name == comparison.subject else 1.8
            canvas.line(savings[name], colour[name], width, name)
            for decibels, percent in savings[name]:
                if decibels == round(decibels):
                    change = f"{signless(round(percent, 1))} % bytes against {comparison.anchor}"
                    mark = Mark(name, f"{name} at {decibels:g} dB\n{change}")
                    canvas.dot(decibels, percent, 1.6 + 0.6 * width, colour[name], mark)

    legend = tuple(LegendEntry(name, colour[name], name) for name in savings)
    reading = f"Lower is better: \N{MINUS SIGN}50 % is half of {comparison.anchor}'s bytes for the same PSNR."
    return Plot("saving", "Saving at the same PSNR", reading, draw, legend)


def _savings(anchor: Curve, curve: Curve) -> list[tuple[float, float]]:
    """Return (dB, per cent against the anchor) at every quarter of a decibel that both curves cover."""
    low, high = max(anchor.score[0], curve.score[0]), min(anchor.score[-1], curve.score[-1])
    quarters = [index / 4 for index in range(int(4 * low), int(4 * high) + 2)]
    found = ((decibels, bits_at(curve, decibels), bits_at(anchor, decibels)) for decibels in quarters)
    return [(decibels, 100 * (ours / theirs - 1)) for decibels, ours, theirs in found if ours and theirs]


def image_plot(comparison: Comparison) -> Plot | None:
    """Plot the subject's BD-rate against the anchor for every image, best first."""
    figures = [(one.name, one.bd.percent) for one in comparison.of_images() if one.bd]
    if len(figures) < 2:
        return None
    named = len(figures) <= MOST_NAMED
    step = 16.0 if named else max(1.0, 480 / len(figures))

    def draw(canvas: Canvas) -> None:
        names = [shortened(name, 18) if named else "" for name, _ in figures]
        canvas.rows(names, padded([0.0, *(percent for _, percent in figures)]))
        canvas.axes.set_xlabel(f"bytes against {comparison.anchor} (%), PSNR BD-rate")
        canvas.axes.tick_params(axis="y", labelsize=11)
        for row, (name, percent) in enumerate(figures):
            tip = f"{name}\n{signless(round(percent, 1))} % against {comparison.anchor}"
            canvas.bar(row, percent, "c0" if percent < 0 else "c1", Mark(None, tip))

    reading = f"Bars to the left: fewer bytes than {comparison.anchor} at the same PSNR on this image."
    return Plot("images", "Image by image", reading, draw, height=step * len(figures) + AXIS)


def time_plot(comparison: Comparison) -> Plot | None:
    """Plot the seconds that each codec needs to encode and to decode one image, on a logarithmic axis."""
    costs = comparison.costs
    if not costs:
        return None

    def draw(canvas: Canvas) -> None:
        seconds = [s for cost in costs for s in (cost.encode_seconds, cost.decode_seconds)]
        names = [shortened(cost.codec, 15) for cost in costs]
        canvas.rows(names, (min(seconds) / 1.5, max(seconds) * 1.5), logarithmic=True)
        canvas.axes.set_xlabel("seconds (logarithmic)")
        for row, cost in enumerate(costs):
            encode, decode = cost.encode_seconds, cost.decode_seconds
            canvas.line([(encode, row), (decode, row)], "grid", 3)
            canvas.dot(encode, row, 6, "c0", Mark("encode", f"{cost.codec}: encode {encode:.3f} s"))
            canvas.dot(decode, row, 5, "c2", Mark("decode", f"{cost.codec}: decode {decode:.3f} s"), hollow=True)

    legend = (LegendEntry("encode", "c0", "encode"), LegendEntry("decode", "c2", "decode"))
    reading = f"{costs[0].width}x{costs[0].height} pixels, median of {costs[0].runs}; threads: {costs[0].threads}."
    return Plot("time", "Time for one image", reading, draw, legend, 30.0 * len(costs) + AXIS)


def padded(values: Sequence[float], by: float = 0.05) -> Range:
    """Return the range of the values with a margin on both sides, for an axis."""
    low, high = min(values), max(values)
    margin = (high - low) * by or abs(low) * by or 1.0
    return low - margin, high + margin


def shortened(text: str, most: int) -> str:
    """Leave out the middle of a text that is longer than `most` characters."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"
