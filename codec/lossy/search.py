"""Find the quality that meets a target with few encodings."""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ..bitstream.header import QUALITY_RANGE

T = TypeVar("T")

STEP = 16
"""The search ends when qualities this close (1/16 of a whole step) lie on either side of the target."""

SPREAD = 128
"""The least distance of the qualities by which a slope is measured; closer ones measure the encoder's noise."""


class Start(NamedTuple):
    """Where a search begins: a fixed-point quality, and the slope of the value there, per unit of quality."""

    quality: int
    rise: float


def crossing(
    measure: Callable[[int], tuple[float, T]], target: float, *, close: float, above: bool, start: Start | None = None
) -> tuple[T | None, T | None]:
    """Find where a value that rises with quality crosses `target`.

    Args:
        measure: Returns the value and the result at a fixed-point quality.
        target: The value to find.
        close: The search also ends at a result on the wanted side whose value is this close to the target.
        above: Whether the wanted side is above the target, instead of below; a value equal to the target lies on it.
        start: Where to begin, from `start_of`; if None, in the middle of the range.

    Returns:
        The results just below and just above the target. One is None if that side lies outside the range of qualities.
    """
    low, high = QUALITY_RANGE
    found: dict[bool, tuple[int, float, T]] = {}
    aim = target + (close / 2 if above else -close / 2)
    guess = start.quality if start else (low + high) // 2
    while True:
        value, result = measure(guess)
        is_above = value > target or (above and value == target)
        between, width = len(found) == 2, high - low
        found[is_above] = (guess, value, result)
        done = is_above == above and abs(value - target) <= close
        low, high = (low, guess) if is_above else (guess, high)
        if done or high == low or (len(found) == 2 and high - low <= STEP):
            break
        if between and 2 * (high - low) > width:  # the value jumps: the larger part is left
            guess = (low + high) // 2
        elif start and len(found) == 1:
            start = _moved(start, value, aim, low, high)
            guess = start.quality
        else:
            guess = _next_guess(found, aim, low, high)
    sides = [found[side][2] if side in found else None for side in (False, True)]
    return sides[0], sides[1]


def start_of(measure: Callable[[int], float], target: float, *, close: float) -> Start | None:
    """Return where `crossing` should begin, by a search with a value that is similar but faster to measure.

    Args:
        measure: Returns that value at a fixed-point quality.
        target: The value to find.
        close: How close to it the search ends.

    Returns:
        A quality and a slope; the quality is an end of the range if the value does not cross the target. None if no
        slope can be measured.
    """
    found: dict[int, float] = {}

    def noted(quality: int) -> tuple[float, int]:
        found[quality] = measure(quality)
        return found[quality], quality

    low, high = crossing(noted, target, close=close, above=False)
    near = min(found, key=lambda quality: abs(found[quality] - target))
    if low is not None and high is not None and found[low] < found[high] < math.inf:
        near = low + round((target - found[low]) / (found[high] - found[low]) * (high - low))
    left = max((quality for quality in found if quality <= near - SPREAD), default=min(found))
    right = min((quality for quality in found if quality >= near + SPREAD), default=max(found))
    if not found[left] < found[right] < math.inf:
        return None
    return Start(near, (found[right] - found[left]) / (right - left))


def _moved(start: Start, value: float, target: float, low: int, high: int) -> Start:
    """Return where the slope puts the target, seen from a value at the start, which is an end of the range left.

    The slope is halved, so that the next move is twice as long if the target lies still further.
    """
    step = round(min(abs(target - value) / start.rise, high - low))
    forth, back = max(start.quality + step, low + STEP), min(start.quality - step, high - STEP)
    return Start(min(forth, high) if start.quality == low else max(back, low), start.rise / 2)


def _next_guess(found: dict[bool, tuple[int, float, T]], target: float, low: int, high: int) -> int:
    """Return the next quality: by interpolation between two sides; with one side, the middle and finally the end."""
    if len(found) == 2:
        (x0, y0, _), (x1, y1, _) = found[False], found[True]
        share = (target - y0) / (y1 - y0) if y0 < y1 < math.inf else 0.5
        margin = max((high - low) // 16, STEP // 2)
        return min(max(round(x0 + share * (x1 - x0)), low + margin), high - margin)
    (side,) = found
    end = QUALITY_RANGE[0] if side else QUALITY_RANGE[1]
    return end if high - low < 32 * 256 else (low + high) // 2


def peak(value: Callable[[int], float], low: int, high: int) -> int:
    """Find the maximum of a value that rises and then falls, with few evaluations.

    Args:
        value: Returns the value at a whole number.
        low: The first number of the range.
        high: The last number of the range.

    Returns:
        The number where the value is largest; `high` if it rises all the way.
    """
    known: dict[int, float] = {}

    def at(point: int) -> float:
        if point not in known:
            known[point] = value(point)
        return known[point]

    while high - low > 2:
        inner = low + (high - low) * 3 // 8
        outer = high - (high - low) * 3 // 8
        if at(inner) <= at(outer):
            low = inner + 1
        else:
            high = outer
    return max(range(low, high + 1), key=at)
