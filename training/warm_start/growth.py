"""Grow float networks beyond the sizes of the weights that a run starts from, without changing what they compute.

Old outputs give new inputs zero weight, so that they compute the same as before; new outputs begin at random, and take
part as soon as the weights that read them have moved. A new residual pair adds zero at first.

Source: after Chen, Goodfellow and Shlens (2016), Net2Net.
"""

from __future__ import annotations

from torch import Tensor

GROWING = ("synthesis.", "postfilter.")
"""Networks that may grow, since no probability depends on them."""


def network(key: str) -> str:
    """Return the network of a parameter, by its name."""
    return key.partition(".")[0] + "."


def grow(key: str, mine: Tensor, theirs: dict[str, Tensor]) -> bool:
    """Fill a parameter of a larger network from a smaller one.

    Args:
        key: name of the parameter.
        mine: the parameter of the larger network, at random; changed in place.
        theirs: all parameters of the smaller network.

    Returns:
        False if the parameter cannot grow.
    """
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
