"""The weights file of a model of black and white images (`integer.weights_file`).

net.first, .rest.I, .last     `QuantLinear`, as in `integer.packing`
quiet                         int32: weights of ink and paper by pattern, see `quiet`
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...configs import BilevelPagesConfig
from ...integer import weights_file
from ...integer.packing import pack_linears, unpack_linears
from ...integer.weights_file import Tensors
from .model import TiledBilevelModel
from .quiet import PATTERNS, TOTAL, QuietBilevelNet

FORMAT = "dvcodec-bilevel-1"


def write(net: QuietBilevelNet, name: str) -> bytes:
    """Return the bytes of a weights file.

    Raises:
        BoundError: A sum of the model could round.
    """
    packed = {"quiet": torch.from_numpy(_checked(net.weights())), **pack_linears(net)}
    return weights_file.write({"format": FORMAT, "name": name, "config": asdict(net.config)}, packed)


def restore(metadata: dict[str, Any], tensors: Tensors) -> TiledBilevelModel:
    """Return the model of a weights file, on the CPU: the entropy coder alternates with it.

    Raises:
        ValueError, KeyError or TypeError: Its parts do not fit each other.
    """
    net = QuietBilevelNet(BilevelPagesConfig.of(metadata["config"]))
    unpack_linears(net, tensors)
    quiet = _checked(tensors.take("quiet", np.int32, (PATTERNS, 2)))
    return TiledBilevelModel(metadata["name"], net.net.eval(), quiet.astype(np.float32))


def _checked(weights: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return integer weights as they are. ValueError if they are not distributions."""
    if weights.min() < 0 or (weights.sum(axis=1, dtype=np.int64) != TOTAL).any():
        raise ValueError("its tables are not valid")
    return weights
