"""Assigns coefficients to the layers of the photograph model, and sets their numbers of symbols.

Strides 64, 32 and 16 hold the Haar pyramid of the block means (the DCs of the 8x8 DCT), stride 8 the other frequencies
by rising diagonal. Large coefficients have a symbol each; small ones share a symbol in groups of two to six, so that
one codeword can set all of them to zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

BLOCK = 8
"""Side of a block in pixels."""

COEFFICIENTS = {64: 12, 32: 9, 16: 9, 8: 192}
"""Coefficients of a position, by stride: Haar details of three colours (and means at the top), DCT at stride 8."""


@dataclass(frozen=True)
class PhotoLayerPlan:
    """Sizes of one layer, and how its codebook is initialised.

    Args:
        name: Label for people.
        stride: Pixels between positions.
        coefficients: Channels of its stride's coefficients that it carries.
        symbols: Number of classes K.
        chroma: Whether it carries colour only.
        half_width: Half-width of an initial codebook of scalars, or of a square grid of pairs, in units of sigma; 0 if
            it is clustered from data.
        step: Spacing of that codebook at zero, in units of sigma.
    """

    name: str
    stride: int
    coefficients: tuple[int, ...]
    symbols: int
    chroma: bool = False
    half_width: float = 0.0
    step: float = 3.2


Stages = list[list[PhotoLayerPlan]]


def photo_plan(layout: str) -> dict[int, Stages]:
    """Return the stages of layers by stride, the coarsest first.

    Raises:
        ValueError: `layout` is not a key of LAYOUTS.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"no layout {layout!r}, there are {', '.join(LAYOUTS)}")
    return LAYOUTS[layout]()


def _means() -> list[PhotoLayerPlan]:
    """Return the layers of the block means at stride 64: a coarse symbol of the whole range, then a fine one."""
    plans = []
    for c, colour in enumerate("yuv"):
        half_width = (6400.0, 4800.0, 4800.0)[c]
        plans.append(PhotoLayerPlan(f"64/{colour}-mean", 64, (9 + c,), 256, c > 0, half_width, 2 * half_width / 255))
        plans.append(PhotoLayerPlan(f"64/{colour}-mean-fine", 64, (9 + c,), 48, c > 0, 40.0, 1.7))
    return plans


def _details(stride: int, half_width: float) -> list[PhotoLayerPlan]:
    """Return the layers of Haar details: luminance, then both chrominances; horizontal, vertical, diagonal."""
    plans = []
    for c, colour in enumerate("yuv"):
        for o, orientation in enumerate("hvd"):
            symbols, span = (512, half_width) if c == 0 else (256, 0.8 * half_width)
            plans.append(PhotoLayerPlan(f"{stride}/{colour}-{orientation}", stride, (3 * o + c,), symbols, c > 0, span))
    return plans


def _diagonals() -> list[list[int]]:
    order = zigzag()
    bounds = [0]
    for d in range(15):
        bounds.append(bounds[-1] + min(d + 1, 15 - d))
    return [order[bounds[d] : bounds[d + 1]] for d in range(15)]


def _scalars(d: int, colour: int, symbols: int, half_width: float) -> list[PhotoLayerPlan]:
    """Return layers with a symbol for each coefficient of a diagonal."""
    return [_plan(d, colour, [64 * colour + i], symbols, half_width) for i in _diagonals()[d]]


def _vectors(ds: list[int], colours: list[int], size: int, symbols: int, half_width: float = 0) -> list[PhotoLayerPlan]:
    """Return layers with a symbol for every `size` coefficients of some diagonals.

    They start as square grids of pairs if `half_width` is given.
    """
    cells = [64 * c + i for d in ds for i in _diagonals()[d] for c in colours]
    groups = [cells[i : i + size] for i in range(0, len(cells), size)]
    return [_plan(ds[0], colours[0], g, symbols, half_width if len(g) == size else 0) for g in groups]


def _coarse_blocks() -> Stages:
    """Return stages at stride 8 with scalar symbols: luminance diagonals 1 to 4, the first chrominances."""
    return [
        _scalars(1, 0, 256, 500) + _scalars(1, 1, 128, 300) + _scalars(1, 2, 128, 300),
        _scalars(2, 0, 160, 400),
        _scalars(3, 0, 96, 300),
        _scalars(4, 0, 64, 250),
    ]


def _blocks_63() -> Stages:
    """Return eight stages at stride 8: luminance diagonals 1 to 14, chrominance diagonals 1 to 8."""
    first, second, third, fourth = _coarse_blocks()
    return [
        first,
        second,
        third + _vectors([2], [1, 2], 2, 225, 80),
        fourth,
        _vectors([5], [0], 2, 289, 90) + _vectors([3], [1, 2], 2, 169, 60),
        _vectors([6], [0], 2, 225, 75) + _vectors([4], [1, 2], 2, 121, 50) + _vectors([5], [1, 2], 4, 192),
        _vectors([7], [0], 2, 169, 60),
        _vectors([8, 9], [0], 2, 121, 50)
        + _vectors([10, 11, 12, 13, 14], [0], 4, 192)
        + _vectors([6, 7, 8], [1, 2], 6, 128),
    ]


def _photo(blocks: Stages) -> dict[int, Stages]:
    return {64: [_means(), _details(64, 5000)], 32: [_details(32, 2800)], 16: [_details(16, 1500)], 8: blocks}


def _whole_positions() -> dict[int, Stages]:
    """Return residual vector quantisation of whole positions: each layer, a stage of its own, codes the previous error.

    The coarse strides have several layers each, since no finer layer corrects their errors in the block means.
    """

    def whole(stride: int, channels: int, count: int) -> Stages:
        every = tuple(range(channels))
        return [[PhotoLayerPlan(f"{stride}/all-{i}", stride, every, 256)] for i in range(count)]

    return {64: whole(64, 12, 6), 32: whole(32, 9, 4), 16: whole(16, 9, 4), 8: whole(8, 192, 14)}


LAYOUTS: dict[str, Callable[[], dict[int, Stages]]] = {
    "photo-96": lambda: _photo(_blocks_63()),
    "canvas": _whole_positions,
}
"""Layouts by name; a name states the number of layers. Strides 64, 32 and 16 have 33 in each."""


def _plan(diagonal: int, colour: int, cells: list[int], symbols: int, half_width: float = 0.0) -> PhotoLayerPlan:
    return PhotoLayerPlan(
        f"8/{'yuv'[colour]}{diagonal}-{cells[0] % 64}", 8, tuple(cells), symbols, colour > 0, half_width
    )


def zigzag() -> list[int]:
    """Return the row-major indices of the 64 frequencies by rising diagonal; the DC is first."""
    cells = [(r + c, r if (r + c) % 2 else c, r * BLOCK + c) for r in range(BLOCK) for c in range(BLOCK)]
    return [index for _, _, index in sorted(cells)]
