"""The plots of a report: rate against each score, saving at equal PSNR, single images, time."""

from collections.abc import Mapping

from ..comparison.result import Comparison
from ..metrics.bd_rate import Curve, bits_at
from ..metrics.scores import PSNR, Metric
from .axes import BOTTOM, HEIGHT, LEFT, RIGHT, SMALL, TOP, WIDTH, Scale, clipped, frame, padded, signless
from .scene import SERIES, Bar, Dot, Entry, Label, Line, Plot, Shape

MOST_NAMED = 40
"""Images up to which the plot of single images names each."""


def all_plots(comparison: Comparison) -> tuple[Plot, ...]:
    """Every plot that the comparison has data for."""
    rates = [rate_plot(comparison, metric) for metric in comparison.metrics]
    found = [*rates[:1], saving_plot(comparison), *rates[1:], image_plot(comparison), time_plot(comparison)]
    return tuple(plot for plot in found if plot is not None)


def colours(comparison: Comparison) -> dict[str, str]:
    """A colour role for every codec: the subject has the first, the anchor the second."""
    ordered = dict.fromkeys([comparison.subject, comparison.anchor, *comparison.names])
    return {name: f"c{index % SERIES}" for index, name in enumerate(ordered)}


def rate_plot(comparison: Comparison, metric: Metric) -> Plot | None:
    """Score over rate, a line for every codec; with PSNR the published curves lie behind."""
    curves = {name: curve for name in comparison.names if (curve := comparison.curve(name, metric))}
    if not curves:
        return None
    x, y = _window(curves, comparison.subject)
    shapes = frame(x, y, "bits per pixel", metric.title)
    colour = colours(comparison)
    legend = [Entry(name, colour[name], name) for name in curves]
    published = [one.curve for one in comparison.published] if metric is PSNR else []
    for curve in published:
        shapes += _curve_shapes(curve, x, y, "published", "published", metric, 0.9, behind=True)
    if published:
        legend.append(Entry(f"published ({len(published)})", "published", "published"))
    for name in reversed(curves):  # the first one last, on top
        width = 3.0 if name == comparison.subject else 1.8
        shapes += _curve_shapes(curves[name], x, y, colour[name], name, metric, width)
    reading = "Higher and further left is better: more likeness from fewer bits."
    title = metric.title.split(" (")[0]
    return Plot(f"rate-{metric.name}", f"{title} and rate", reading, WIDTH, HEIGHT, tuple(shapes), tuple(legend))


def _window(curves: Mapping[str, Curve], subject: str) -> tuple[Scale, Scale]:
    """Axes that show the subject's whole curve, and the others as far as that reaches."""
    main = curves.get(subject) or next(iter(curves.values()))
    most = min(1.3 * max(main.bpp), max(bpp for curve in curves.values() for bpp in curve.bpp) * 1.03)
    scores = [score for c in curves.values() for bpp, score in zip(c.bpp, c.score, strict=True) if bpp <= most] + list(
        main.score
    )
    low, high = padded(scores)
    low = max(low, min(main.score) - 0.35 * (max(main.score) - min(main.score)))
    return Scale(0, most, LEFT, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP)


def _curve_shapes(
    curve: Curve, x: Scale, y: Scale, colour: str, series: str, metric: Metric, width: float, *, behind: bool = False
) -> list[Shape]:
    points = list(zip(curve.bpp, curve.score, strict=True))
    shapes: list[Shape] = [
        Line(tuple((x.at(a), y.at(b)) for a, b in run), colour, width, series=series) for run in clipped(points, x, y)
    ]
    radius = 1.2 if behind else 1.6 + 0.8 * width
    for bpp, score in points:
        if x.holds(bpp) and y.holds(score):
            tip = f"{curve.name}\n{bpp:.3f} bits per pixel\n{score:.2f} {_unit(metric)}"
            shapes.append(Dot(x.at(bpp), y.at(score), radius, colour, tip, series))
    return shapes


def _unit(metric: Metric) -> str:
    name, _, unit = metric.title.partition(" (")
    return f"{unit.rstrip(')')} {name}".strip()


def saving_plot(comparison: Comparison) -> Plot | None:
    """Bytes against the anchor's at the same PSNR, over PSNR."""
    anchor = comparison.curve(comparison.anchor)
    others = [name for name in comparison.names if name != comparison.anchor]
    savings = {name: _savings(anchor, curve) for name in others if anchor and (curve := comparison.curve(name))}
    savings = {name: points for name, points in savings.items() if len(points) > 1}
    if not savings:
        return None
    everything = [point for points in savings.values() for point in points]
    x = Scale(*padded([a for a, _ in everything], 0.02), LEFT, WIDTH - RIGHT)
    y = Scale(*padded([0.0, *(b for _, b in everything)]), HEIGHT - BOTTOM, TOP)
    shapes = frame(x, y, "PSNR (dB)", f"bytes against {comparison.anchor} (%)")
    shapes.append(Line(((x.start, y.at(0)), (x.end, y.at(0))), "muted", 1.5))
    colour = colours(comparison)
    for name in reversed(savings):
        width = 3.0 if name == comparison.subject else 1.8
        line = tuple((x.at(a), y.at(b)) for a, b in savings[name])
        shapes.append(Line(line, colour[name], width, series=name))
        for db, percent in savings[name]:
            if db == round(db):
                tip = f"{name} at {db:g} dB\n{signless(round(percent, 1))} % bytes against {comparison.anchor}"
                shapes.append(Dot(x.at(db), y.at(percent), 1.6 + 0.6 * width, colour[name], tip, name))
    legend = tuple(Entry(name, colour[name], name) for name in savings)
    reading = f"Lower is better: \N{MINUS SIGN}50 % is half of {comparison.anchor}'s bytes for the same PSNR."
    return Plot("saving", "Saving at the same PSNR", reading, WIDTH, HEIGHT, tuple(shapes), legend)


def _savings(anchor: Curve, curve: Curve) -> list[tuple[float, float]]:
    """(dB, per cent against the anchor) at every quarter of a decibel that both curves reach."""
    low, high = max(anchor.score[0], curve.score[0]), min(anchor.score[-1], curve.score[-1])
    quarters = [index / 4 for index in range(int(4 * low), int(4 * high) + 2)]
    found = ((db, bits_at(curve, db), bits_at(anchor, db)) for db in quarters)
    return [(db, 100 * (ours / theirs - 1)) for db, ours, theirs in found if ours and theirs]


def image_plot(comparison: Comparison) -> Plot | None:
    """BD-rate of the subject against the anchor on every single image, best first."""
    figures = [(one.name, one.bd.percent) for one in comparison.of_images() if one.bd]
    if len(figures) < 2:
        return None
    named = len(figures) <= MOST_NAMED
    step, left = (16.0, 130.0) if named else (max(1.0, 480 / len(figures)), 30.0)
    bottom = TOP + step * len(figures)
    x = Scale(*padded([0.0, *(percent for _, percent in figures)]), left, WIDTH - RIGHT)
    shapes = _value_axis(x, TOP, bottom, f"bytes against {comparison.anchor} (%), PSNR BD-rate")
    for index, (name, percent) in enumerate(figures):
        top, ends = TOP + step * index, sorted((x.at(0), x.at(percent)))
        colour = "c0" if percent < 0 else "c1"
        tip = f"{name}\n{signless(round(percent, 1))} % against {comparison.anchor}"
        shapes.append(Bar(ends[0], top + step * 0.12, ends[1] - ends[0], step * 0.76, colour, tip))
        if named:
            shapes.append(Label(left - 8, top + 12, shortened(name, 18), "end", 11, "muted"))
    reading = f"Bars to the left: fewer bytes than {comparison.anchor} at the same PSNR on this image."
    return Plot("images", "Image by image", reading, WIDTH, bottom + BOTTOM, tuple(shapes))


def time_plot(comparison: Comparison) -> Plot | None:
    """Seconds to encode and to decode one image, codec by codec, on a logarithmic axis."""
    costs = comparison.costs
    if not costs:
        return None
    step, left = 30.0, 120.0
    bottom = TOP + step * len(costs)
    seconds = [s for cost in costs for s in (cost.encode_seconds, cost.decode_seconds)]
    x = Scale(min(seconds) / 1.5, max(seconds) * 1.5, left, WIDTH - RIGHT, logarithmic=True)
    shapes = _value_axis(x, TOP, bottom, "seconds (logarithmic)")
    for index, cost in enumerate(costs):
        y = TOP + step * (index + 0.5)
        ends = tuple((x.at(s), y) for s in (cost.encode_seconds, cost.decode_seconds))
        shapes.append(Label(left - 10, y + 4, shortened(cost.codec, 15), "end", 12))
        shapes.append(Line(ends, "grid", 3))
        tips = f"{cost.codec}: encode {cost.encode_seconds:.3f} s", f"{cost.codec}: decode {cost.decode_seconds:.3f} s"
        shapes.append(Dot(*ends[0], 6, "c0", tips[0], "encode"))
        shapes.append(Dot(*ends[1], 6, "c2", tips[1], "decode", hollow=True))
    legend = (Entry("encode", "c0", "encode"), Entry("decode", "c2", "decode"))
    reading = f"{costs[0].width}x{costs[0].height} pixels, median of {costs[0].runs}; threads: {costs[0].threads}."
    return Plot("time", "Time for one image", reading, WIDTH, bottom + BOTTOM, tuple(shapes), legend)


def _value_axis(x: Scale, top: float, bottom: float, title: str) -> list[Shape]:
    """A horizontal axis below rows, with grid lines through them."""
    shapes: list[Shape] = []
    for tick in x.ticks():
        shapes.append(Line(((x.at(tick), top), (x.at(tick), bottom)), "grid"))
        shapes.append(Label(x.at(tick), bottom + 18, signless(tick), "middle", SMALL, "muted"))
    shapes.append(Label((x.start + x.end) / 2, bottom + 42, title, "middle"))
    return shapes


def shortened(text: str, most: int) -> str:
    """The text, its middle left out where it is longer than `most` characters."""
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"
