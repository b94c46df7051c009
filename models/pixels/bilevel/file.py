"""The weights file of a model of black and white images (`integer.weights_file`).

net.first, .rest.I, .last     `QuantLinear`, as in `integer.packing`
quiet                         int32: weights of ink and paper by pattern, see `quiet`
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int32
from ...configs import BilevelPagesConfig
from ...integer.weights_file import Tensors
from .config import PATTERNS, TOTAL, net_config
from .integer import IntegerBilevelNet
from .model import TiledBilevelModel

FORMAT = "dvcodec-bilevel-1"


def restore(metadata: dict[str, Any], tensors: Tensors) -> TiledBilevelModel:
    """Return the model of a weights file, on the CPU: the entropy coder alternates with it.

    Raises:
        ValueError, KeyError or TypeError: Its parts do not fit each other.
    """
    net = IntegerBilevelNet(net_config(BilevelPagesConfig.of(metadata["config"])), tensors.below("net"))
    quiet = checked(tensors.take("quiet", np.int32, (PATTERNS, 2)))
    return TiledBilevelModel(metadata["name"], net, quiet.astype(np.float32))


def checked(weights: Int32[NDArray[np.int32], "patterns 2"]) -> Int32[NDArray[np.int32], "patterns 2"]:
    """Return integer weights as they are.

    Raises:
        ValueError: They are not distributions.
    """
    if weights.min() < 0 or (weights.sum(axis=1, dtype=np.int64) != TOTAL).any():
        raise ValueError("its tables are not valid")
    return weights
