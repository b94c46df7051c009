"""The adaptive filter of the second decoder of the light network, from docs/FORMAT.md alone: integers of numpy."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from reference_decoder import File
from reference_filter import PAIRS, coefficients
from reference_light import Integers

ROTATION = np.array([[148, 148, 148], [181, 0, -181], [105, -209, 105]])
LINES = np.array([[1, 2, 1], [-2, 0, 2], [-1, 2, -1]])


def divided(x: Integers, n: int) -> Integers:
    """Divide and round, halves up."""
    return (2 * x + n) // (2 * n)


def bounded(x: Integers) -> Integers:
    """What a term may be."""
    return x.clip(-32767, 32767)


def terms(levels: Integers) -> Integers:
    """The terms (62, H, W) of levels (H, W, 3)."""
    planes = divided(np.einsum("kc,yxc->kyx", ROTATION, levels), 256)
    found: list[Integers] = []
    for side in (3, 5, 17):
        wide = np.pad(planes, ((0, 0), (side // 2, side // 2), (side // 2, side // 2)), "edge")
        means = divided(sliding_window_view(wide, (side, side), (1, 2)).sum(axis=(3, 4)), side**2)
        d = planes - means
        found += [bounded(each) for each in d]
        found += [bounded(divided(each * mean, 2**11)) for each in d for mean in means]
        for i, j in PAIRS:
            found.append(bounded(divided(bounded(divided(d[0] * means[i], 2**11)) * means[j], 2**11)))
    near = sliding_window_view(np.pad(planes[0], 1, "edge"), (3, 3))
    found += [divided(np.einsum("yxij,i,j->yx", near, a, b), 16) for a in LINES for b in LINES][1:]
    return np.stack(found)


def filtered(levels: Integers, file: File) -> Integers:
    """Levels (H, W, 3) with what the file's filter adds."""
    (side, chosen), precision = coefficients(file), file.sections["filter"][0] >> 4
    steps = np.rint(chosen * 2**precision).astype(np.int64)
    found, own = np.zeros_like(levels), terms(levels)
    for row, column in np.ndindex(*steps.shape[:2]):
        inside = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
        added = np.einsum("ct,tyx,co->yxo", steps[row, column], own[:, *inside], ROTATION)
        found[inside] = divided(added, 2 ** (8 + precision))
    return levels + found
