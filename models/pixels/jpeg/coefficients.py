"""The pass over the coefficients of a component: diagonal by diagonal, each in two stages, as a checkerboard.

Encoder and decoder make the same pass with another source, which says what the coefficients are.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ....errors import FormatError
from ....shapes import Int32, Int64
from . import borders
from .borders import PARTS, Borders
from .frame import SIDE
from .magnitudes import LEVELS, Surroundings, group
from .tokens import SIGN_SIZES
from .transform import LARGEST

Coefficients = NDArray[np.int32]
"""(8, 8, R, C): vertical and horizontal frequency, rows and columns of blocks."""
DIAGONALS = [[(low, d - low) for low in range(SIDE) if 0 <= d - low < SIDE] for d in range(2 * SIDE - 1)]
"""Vertical and horizontal frequencies of each diagonal; the first is the mean of a block."""


class CoefficientSource(Protocol):
    """Gives what is not predicted of coefficients."""

    def rests(
        self,
        contexts: Int32[NDArray[np.int32], " n"],
        sign_contexts: Int32[NDArray[np.int32], " n"],
        rests: Int32[NDArray[np.int32], " n"],
    ) -> Int32[NDArray[np.int32], " n"]:
        """Return the next (n,) rests.

        Args:
            contexts: Of their magnitudes.
            sign_contexts: Of the signs of rests of magnitude 1; larger ones follow.
            rests: What they are, where the coefficients are known.
        """
        ...


@dataclass
class Component:
    """What coding needs to know of a component besides its means."""

    steps: Int64[NDArray[np.int64], "64"]
    present: NDArray[np.bool_]
    """(8, 8): frequencies that do not vanish everywhere."""
    weights: dict[tuple[int, int], NDArray[np.int64]]
    """Weights of gaps, by frequency; those that are missing are not predicted."""

    def step(self, down: int, across: int) -> int:
        """Return the quantisation step of a frequency."""
        return int(self.steps[down * SIDE + across])


class Pass:
    """A pass over a component. Coefficients but for the means are zero in a decoder, which fills them in."""

    def __init__(self, coefficients: Coefficients, component: Component, other: Surroundings | None = None) -> None:
        """Prepare a pass.

        Args:
            coefficients: Those of the component; at least the means must be known.
            component: What else must be known.
            other: The surroundings that a pass over a component of the same size left.
        """
        self._coefficients, self._component = coefficients, component
        blocks = coefficients.shape[2:]
        self.surroundings = Surroundings((blocks[0], blocks[1]), component.steps, other)
        self._borders = Borders(coefficients[0, 0] * np.int32(component.step(0, 0)))
        odd = np.add.outer(np.arange(blocks[0]), np.arange(blocks[1])) % 2 == 1
        self._stages = (~odd, odd)

    def run(self, source: CoefficientSource) -> None:
        """Make the pass; raise FormatError where a decoded coefficient is too large."""
        for diagonal, every in enumerate(DIAGONALS[1:], 1):
            there = [place for place in every if self._component.present[place]]
            if there:
                self._diagonal(group(diagonal), there, source)

    def _diagonal(self, group: int, places: list[tuple[int, int]], source: CoefficientSource) -> None:
        found = [self._predicted(*place) for place in places]
        rests = [self._coefficients[place] - whole for place, (whole, _) in zip(places, found, strict=True)]
        for stage, where in enumerate(self._stages):
            if not where.any():
                continue
            levels = [self.surroundings.levels(*place, stage)[where] for place in places]
            contexts = np.concatenate(levels) + np.int32(group * LEVELS)
            parts = np.concatenate([left[where] for _, left in found])
            signs = (parts + np.int32(group * PARTS)) * np.int32(SIGN_SIZES)
            given = source.rests(contexts, signs, np.concatenate([rest[where] for rest in rests]))
            for place, rest, own in zip(places, rests, np.split(given, len(places)), strict=True):
                rest[where] = own
                self.surroundings.put(*place, rest, where)
        for place, rest, (whole, _) in zip(places, rests, found, strict=True):
            self._keep(*place, rest + whole)

    def _predicted(self, down: int, across: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the prediction of a frequency in steps, and what is left in parts of a step."""
        weights = self._component.weights.get((down, across), np.zeros(2, np.int64))
        return borders.predicted(self._borders.gaps(down, across), weights, self._component.step(down, across))

    def _keep(self, down: int, across: int, values: NDArray[np.int32]) -> None:
        step = self._component.step(down, across)
        if np.abs(values).max() > LARGEST // step:
            raise FormatError("the pixels are not valid: a coefficient is too large")
        self._coefficients[down, across] = values
        self._borders.add(down, across, values * np.int32(step))


def weights_of(
    coefficients: Coefficients, component: Component, diagonals: int
) -> dict[tuple[int, int], NDArray[np.int64]]:
    """Return weights of gaps that predict the present frequencies of the first diagonals well, the means aside."""
    found, seen = {}, Borders(coefficients[0, 0] * np.int32(component.step(0, 0)))
    for every in DIAGONALS[1 : diagonals + 1]:
        there = [place for place in every if component.present[place]]
        values = {place: coefficients[place] * np.int32(component.step(*place)) for place in there}
        for place in there:
            found[place] = borders.fit(seen.gaps(*place), values[place], component.step(*place))
        for place in there:
            seen.add(*place, values[place])
    return found
