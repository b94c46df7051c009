"""Quantisation tables: those of the standard by quality, and tables found from how coefficients crowd at multiples.

Source:
    ITU-T T.81, annex K; the scaling by quality is that of the Independent JPEG Group's encoder. Fridrich, Goljan and Du
    (2001), "Steganalysis based on JPEG compatibility", find tables from decoded pixels.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float64, Int64
from .frame import SIDE

Steps = Int64[NDArray[np.int64], "64"]
LARGEST_STEP = 255
QUALITIES = range(1, 101)
_LUMA = (
    "10 0b 0a 10 18 28 33 3d 0c 0c 0e 13 1a 3a 3c 37 0e 0d 10 18 28 39 45 38 0e 11 16 1d 33 57 50 3e "
    "12 16 25 38 44 6d 67 4d 18 23 37 40 51 68 71 5c 31 40 4e 57 67 79 78 65 48 5c 5f 62 70 64 67 63"
)
_CHROMA = (
    "11 12 18 2f 63 63 63 63 12 15 1a 42 63 63 63 63 18 1a 38 63 63 63 63 63 2f 42 63 63 63 63 63 63 "
    "63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63 63"
)
_MOST_VALUES = 400
"""Values of a frequency that are looked at."""
_WORST = 8.0
"""Most that a value counts against a step: half the square of its distance in standard deviations."""
_FEWEST, _GAIN, _MISFIT = 20, 0.2, 1.5
"""Values that must be there; what they must gain by a table over steps of 1, each; and their mean misfit at most."""


def standard(quality: int, *, chroma: bool) -> Steps:
    """Return the steps of the standard's table of luma or chroma at a quality, 1 to 100."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    every = np.array([int(entry, 16) for entry in (_CHROMA if chroma else _LUMA).split()], np.int64)
    return ((every * percent + 50) // 100).clip(1, LARGEST_STEP)


@dataclass(frozen=True)
class Table:
    """A table that fits coefficients."""

    steps: Steps
    quality: int
    """Of the standard's table; 0 for any other."""
    gain: float
    """How much better the steps that fit best do so than steps of 1, in nats for each value."""


def fitting(
    frequencies: Float64[NDArray[np.float64], "n 64"], deviations: NDArray[np.float64], *, chroma: bool, likely: int = 0
) -> Table | None:
    """Return the table whose multiples coefficients are, but for errors; None if none fits.

    Args:
        frequencies: The coefficients.
        deviations: The standard deviations of their errors, (64,).
        chroma: Whether they are of chroma.
        likely: A quality whose table is taken if its misfit is at most twice as large as others may have; 0 for none.
    """
    values = [_likelihoods(np.abs(frequencies[:, k]), float(deviations[k])) for k in range(SIDE * SIDE)]
    gains, misfits = np.array([one[0] for one in values]), np.array([one[1] for one in values])
    count = sum(one[2] for one in values)
    if count < _FEWEST:
        return None
    places = np.arange(SIDE * SIDE)
    every = {quality: standard(quality, chroma=chroma) - 1 for quality in QUALITIES}
    best = max(every, key=lambda quality: float(gains[places, every[quality]].sum()))
    free = gains.argmax(axis=1)
    base = float(gains[:, 0].sum())

    def gain(chosen: Steps) -> float:
        return (float(gains[places, chosen].sum()) - base) / count

    for quality, chosen in ((best, every[best]), (0, free)):
        if gain(chosen) > _GAIN and float(misfits[places, chosen].sum()) < _MISFIT * count:
            if likely and float(misfits[places, every[likely]].sum()) < 2 * _MISFIT * count:
                return Table(every[likely] + 1, likely, gain(free))
            return Table(chosen + 1, quality, gain(free))
    return None


def _likelihoods(sizes: NDArray[np.float64], deviation: float) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return log-likelihoods of all steps (255,), misfits (255,) and the number of values that are not zero."""
    found = sizes[sizes > 4 * deviation]
    found = found[:: -(-len(found) // _MOST_VALUES)] if len(found) else found
    misfits = (_distances(found) ** 2 / (2 * deviation**2)).clip(max=_WORST).sum(axis=1)
    return len(found) * _logarithms() - misfits, misfits, len(found)


def _distances(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances (255, n) of values to the nearest multiples of all steps, but for 0."""
    steps = np.arange(1, LARGEST_STEP + 1)[:, None]
    found: NDArray[np.float64] = values - steps * np.rint(values / steps).clip(min=1)
    return found


@lru_cache(maxsize=1)
def _logarithms() -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log(np.arange(1, LARGEST_STEP + 1))
    return found
