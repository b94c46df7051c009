"""The pass over tiles of a black and white image, coded in parallel, in exact integer arithmetic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int32, UInt8
from .config import STEPS
from .integer import UNIT, IntegerBilevelNet
from .raster_pass import BilevelStep
from .ring import WavefrontRing
from .surroundings import RECTANGLES, window

SHIFTS = np.array([[rectangle.shift] for rectangle in RECTANGLES], np.int32)

Tile = tuple[slice, slice]
"""Rows and columns of an image."""


class TiledBilevelPass:
    """The pass over tiles of an image: each step is one wavefront of all tiles.

    Args:
        net: The network.
        tiles: Rows and columns of each tile.
        image: 0 is ink, 1 is paper.
        known: Whether the image holds the pixels to encode; otherwise the pass writes the decoded ones into it.
    """

    def __init__(
        self, net: IntegerBilevelNet, tiles: list[Tile], image: UInt8[NDArray[np.uint8], "H W"], *, known: bool
    ) -> None:
        self.net, self.image, self.known = net, image, known
        self.tops, self.lefts = (np.array([[tile[axis].start] for tile in tiles]) for axis in (0, 1))
        sizes = np.array([[side.stop - side.start for side in tile] for tile in tiles])
        self.ring = WavefrontRing(net.receptive_field, window(net.receptive_field) + RECTANGLES, sizes)
        self.inside: NDArray[np.bool_] | None = None

    @property
    def depth(self) -> int:
        """Number of wavefronts."""
        return self.ring.fronts

    def blocks(self, index: int) -> Iterator[BilevelStep]:
        """Yield the wavefront's pixels, tile after tile, if it has any."""
        self.inside = self.ring.inside(index)
        contexts = self._contexts(index)
        if not len(contexts):
            self.ring.put(index, np.empty(0, np.int8), self.inside)
            return
        wanted = self.image[self._places(index)].astype(np.int32) if self.known else None
        yield BilevelStep(index, contexts, wanted)

    def absorb(self, step: BilevelStep, choice: Int32[NDArray[np.int32], " n"]) -> None:
        """Store the pixels (n,), 1 for paper and 0 for ink."""
        if not self.known:
            self.image[self._places(step.layer)] = choice
        self.ring.put(step.layer, (2 * choice - 1).astype(np.int8), self.inside)

    def finish(self) -> UInt8[NDArray[np.uint8], "H W"]:
        """Return the image."""
        return self.image

    def _contexts(self, index: int) -> NDArray[np.int32]:
        """Return the contexts of the wavefront's pixels: the network's, or for quiet pixels STEPS + pattern."""
        counts = self.ring.counts(index)
        contexts: NDArray[np.int32] = np.packbits(counts[2:] > 0, axis=0, bitorder="little")[0] + np.int32(STEPS)
        busy = np.flatnonzero(counts[0] | counts[1])
        if self.inside is not None:
            busy = busy[self.inside.ravel()[busy]]
        if len(busy):
            taps = self.ring.neighbours(index, busy)
            rows = np.empty((len(busy), taps.shape[1] + len(RECTANGLES)), np.float32)
            np.multiply(taps, np.float32(UNIT), out=rows[:, : taps.shape[1]])
            rows[:, taps.shape[1] :] = (counts[2:, busy] >> SHIFTS).T
            contexts[busy] = self.net.contexts_of(rows)
        return contexts if self.inside is None else contexts[self.inside.ravel()]

    def _places(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows and columns of the wavefront's pixels in the image, tile after tile."""
        rows = self.ring.rows(index)
        y = np.arange(rows.start, rows.stop)
        places = self.tops + y, self.lefts + (index - self.ring.lag * y)
        if self.inside is None:
            return places[0].ravel(), places[1].ravel()
        return places[0][self.inside], places[1][self.inside]
