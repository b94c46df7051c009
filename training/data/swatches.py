"""Nine colour swatches, images of one colour each: the toy data set of Willetts et al. (2021), appendices B and H."""

from __future__ import annotations

import numpy as np

from .names import SPLITS
from .readers import Bytes
from .sets import ArraySplit, DataSet

SIDE = 32
"""Width and height in pixels; the paper does not say its own."""
COLOURS = (
    (214, 40, 40),
    (240, 140, 30),
    (240, 220, 60),
    (60, 160, 70),
    (60, 190, 190),
    (40, 90, 190),
    (130, 70, 170),
    (230, 150, 180),
    (120, 90, 60),
)
"""Red, orange, yellow, green, cyan, blue, purple, pink and brown; the paper does not say its own."""


def swatches() -> DataSet:
    """Return the data set, whose splits are all the same nine images."""
    colours = np.array(COLOURS, np.uint8)[:, None, None]
    images: Bytes = np.broadcast_to(colours, (len(COLOURS), SIDE, SIDE, 3)).copy()
    return DataSet("swatches", dict.fromkeys(SPLITS, ArraySplit(images, "levels")))
