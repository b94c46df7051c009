"""The order in which lossless pixels are coded, and what each of them may see.

Pixels are coded on lattices from coarse to fine, as in the multi-scale decoder of DVAE++ (Vahdat et al. 2018, section
6.1). The *seed* is every 8th pixel of every 8th row. Then each level halves the spacing s -> s/2 in three groups: the
pixels amid four known ones, those between two of a row, those between two of a column. Inside a group the distribution
is factorial, so all of its pixels are coded at once.

    A . A . A        A . A . A        A B A B A        A B A B A
    . . . . .   ->   . D . D .   ->   . D . D .   ->   C D C D C
    A . A . A        A . A . A        A B A B A        A B A B A
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 3
SPACING = 2**LEVELS
"""Pixels between the seed's pixels; sides are filled up to multiples of it."""

Parity = tuple[int, int]
"""Row and column of a pixel modulo 2, in units of a level's spacing."""
KNOWN: Parity = (0, 0)
PARITIES: tuple[Parity, ...] = (KNOWN, (1, 1), (0, 1), (1, 0))
"""A, D, B, C: those that are known when a level begins, and the groups in coding order."""

MARGIN = 2
"""Lattice positions around a phase that neighbourhoods reach into; they repeat its border."""

Phases = Mapping[Parity, Tensor]
"""A level's pixels by parity, (B, 3, h, w) each."""


@dataclass(frozen=True)
class Neighbour:
    """A pixel near the target: its phase, and the shift of its lattice position against the target's."""

    parity: Parity
    rows: int
    columns: int


def neighbours(target: Parity, known: tuple[Parity, ...], count: int) -> tuple[Neighbour, ...]:
    """The `count` nearest pixels of known phases, near ones first."""
    offsets = [(dy, dx) for dy in range(-3, 4) for dx in range(-3, 4) if (dy, dx) != (0, 0)]
    found = [_neighbour(target, *offset) for offset in sorted(offsets, key=lambda o: (o[0] ** 2 + o[1] ** 2, o))]
    return tuple([n for n in found if n.parity in known][:count])


def _neighbour(target: Parity, dy: int, dx: int) -> Neighbour:
    y, x = target[0] + dy, target[1] + dx
    return Neighbour((y % 2, x % 2), y // 2, x // 2)


SURROUNDINGS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
"""Offsets at which the lossy image's luminance is seen, in units of a level's spacing."""

LUMINANCE = 20
CHROMINANCE = 12
"""Neighbours that a group of a level sees, of luminance and of each colour difference."""


@dataclass(frozen=True)
class Group:
    """Pixels that are coded together: which they are, and what they see."""

    parity: Parity
    near: tuple[tuple[Neighbour, ...], ...]
    """By channel, nearest first; the first four make the base."""
    shown: tuple[Neighbour, ...]
    """Where the lossy image's luminance is seen; the middle one is the target itself."""

    @property
    def inputs(self) -> int:
        """Features of a position: differences to the base, the base, the lossy image."""
        return sum(map(len, self.near)) + len(self.shown) + 2 + 3


def groups() -> tuple[Group, ...]:
    """The three groups of a level in coding order."""
    made = []
    for index in (1, 2, 3):
        target, known = PARITIES[index], PARITIES[:index]
        counts = (LUMINANCE, CHROMINANCE, CHROMINANCE)
        shown = tuple(_neighbour(target, *offset) for offset in SURROUNDINGS)
        made.append(Group(target, tuple(neighbours(target, known, n) for n in counts), shown))
    return tuple(made)


def seed() -> Group:
    """The seed: it sees the lossy image alone."""
    return Group(KNOWN, ((), (), ()), tuple(_neighbour(KNOWN, *offset) for offset in SURROUNDINGS))


def phases(planes: Tensor) -> dict[Parity, Tensor]:
    """(B, C, 2h, 2w) -> its four phases (B, C, h, w), views of it."""
    return {(y, x): planes[..., y::2, x::2] for y, x in PARITIES}


def padded(planes: Tensor) -> Tensor:
    """A phase with MARGIN more positions on each side. (B, C, h + 4, w + 4)"""
    return F.pad(planes, (MARGIN,) * 4, mode="replicate")


def base_of(group: Group, known: Phases, lossy: Phases, rows: slice) -> Tensor:
    """A first prediction of rows of the group: the mean of the four nearest pixels. (B, 3, n, w)

    `known` and `lossy` are padded phases; the seed takes the lossy image itself.
    """
    if not group.near[0]:
        return _shifted(lossy, Neighbour(group.parity, 0, 0), slice(None), rows)
    nearest = [_shifted(known, n, slice(None), rows) for n in group.near[0][:4]]
    return torch.floor((nearest[0] + nearest[1] + nearest[2] + nearest[3] + 2) * 0.25)


def features(group: Group, known: Phases, lossy: Phases, base: Tensor, rows: slice) -> Tensor:
    """What the network sees of rows of the group: (inputs, B, n, w) integers in [-127, 127], in grey levels."""
    B, _, n, w = base.shape
    seen = base.new_empty(group.inputs, B, n, w)
    at = 0
    for channel, near in enumerate(group.near):
        for neighbour in near:
            torch.sub(_shifted(known, neighbour, channel, rows), base[:, channel], out=seen[at])
            at += 1
    for neighbour in group.shown:
        torch.sub(_shifted(lossy, neighbour, 0, rows), base[:, 0], out=seen[at])
        at += 1
    for channel in (1, 2):
        torch.sub(_shifted(lossy, Neighbour(group.parity, 0, 0), channel, rows), base[:, channel], out=seen[at])
        at += 1
    torch.sub(base[:, 0], 128, out=seen[at])
    seen[at + 1 :] = base[:, 1:].transpose(0, 1)
    return seen.clamp_(-127, 127)


def _shifted(planes: Phases, neighbour: Neighbour, channel: int | slice, rows: slice) -> Tensor:
    plane = planes[neighbour.parity][:, channel]
    top, left = MARGIN + neighbour.rows, MARGIN + neighbour.columns
    width = plane.shape[-1] - 2 * MARGIN
    return plane[..., rows.start + top : rows.stop + top, left : left + width]
