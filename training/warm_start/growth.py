"""Larger float networks than those of the weights that a run starts from: they begin by computing the same.

A map's new inputs are not listened to by the outputs that were there, so what was there computes what it did; new
outputs begin at random, and are listened to as soon as their weights have moved (after Chen et al. 2016, *Net2Net*).
A new residual pair adds nothing at first.
"""

from __future__ import annotations

from torch import Tensor

GROWING = ("synthesis.", "postfilter.")
"""Networks that may grow: no probability depends on them."""


def network(key: str) -> str:
    """Which network a parameter is of, by its name."""
    return key.partition(".")[0] + "."


def grow(key: str, mine: Tensor, theirs: dict[str, Tensor]) -> bool:
    """Fills a parameter of a larger network, as it begins, from the smaller one's; False if that cannot be done."""
    if not key.startswith(GROWING):
        return False
    if key not in theirs:
        if ".second." in key and any(known.startswith(network(key)) for known in theirs):
            mine.zero_()
        return True
    small = theirs[key]
    if small.dim() != mine.dim() or any(ours < old for ours, old in zip(mine.shape, small.shape, strict=True)):
        return False
    corner = mine[: len(small)]
    if small.dim() > 1:
        corner.zero_()
        corner = corner[:, : small.shape[1]]
    if corner.shape != small.shape:
        return False
    corner.copy_(small)
    return True
