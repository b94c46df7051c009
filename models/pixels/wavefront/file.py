"""The weights file of a model of lossless photographs (`integer.weights_file`).

predict, trunk, deep, heads.P.mix, .out, .skip     `QuantLinear`, as in `integer.packing`
tables                                             int32: the distributions of tokens (contexts, K), see `distributions`
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Int32
from numpy.typing import NDArray

from ...configs import WavefrontConfig
from ...integer import weights_file
from ...integer.packing import pack_linears, unpack_linears
from ...integer.weights_file import Tensors
from ..distributions import checked
from ..tokens import CONTEXTS, TOKENS
from .integer import IntegerWavefrontNet
from .model import WavefrontModel
from .net import SUM_LIMIT, WavefrontNet

FORMAT = "dvcodec-pixels-1"


def write(net: WavefrontNet, tables: Int32[NDArray[np.int32], "contexts tokens"], name: str) -> bytes:
    """Return the bytes of a weights file.

    Raises:
        BoundError: A sum of the model could round.
    """
    IntegerWavefrontNet(net)  # its bounds
    packed = {"tables": torch.from_numpy(checked(tables)), **pack_linears(net, SUM_LIMIT)}
    return weights_file.write({"format": FORMAT, "name": name, "config": asdict(net.config)}, packed)


def restore(metadata: dict[str, Any], tensors: Tensors) -> WavefrontModel:
    """Return the model of a weights file, on the CPU: the entropy coder alternates with it.

    Raises:
        ValueError, KeyError or TypeError: Its parts do not fit each other.
    """
    net = WavefrontNet(WavefrontConfig.of(metadata["config"]))
    unpack_linears(net, tensors, SUM_LIMIT)
    tables = tensors.take("tables", np.int32, (CONTEXTS, TOKENS))
    return WavefrontModel(metadata["name"], net.eval(), checked(tables).astype(np.float32))
