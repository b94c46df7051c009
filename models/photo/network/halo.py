"""Rows in bands with a halo, for networks of a bounded reach: memory does not grow, results are the whole's."""

from __future__ import annotations

from ...slices import slices


def with_halo(count: int, step: int, halo: int) -> list[tuple[slice, slice]]:
    """Bands of `step` of `count` rows, the last one shorter, each alone and with up to `halo` rows on both sides."""
    return [(core, slice(max(core.start - halo, 0), min(core.stop + halo, count))) for core in slices(count, step)]
