"""Bands of rows with a halo, so that networks with a bounded receptive field need memory for one band only."""

from __future__ import annotations

from ..slices import slices


def with_halo(count: int, step: int, halo: int) -> list[tuple[slice, slice]]:
    """Cut `count` rows into bands and return each with and without its halo.

    Args:
        count: Number of rows.
        step: Rows of a band; the last one may be shorter.
        halo: Rows that are added above and below, as far as the image extends.
    """
    return [(core, slice(max(core.start - halo, 0), min(core.stop + halo, count))) for core in slices(count, step)]
