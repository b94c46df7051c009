"""The weights file of a model of lossless photographs (`integer.weights_file`).

predict, trunk, deep, heads.P.mix, .out, .skip     `QuantLinear`, as in `integer.packing`
tables                                             int32: the distributions of tokens (contexts, K), see `distributions`
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...configs import WavefrontConfig
from ...integer.weights_file import Tensors
from ..distributions import checked
from ..tokens import CONTEXTS, TOKENS
from .integer import IntegerWavefrontNet
from .model import WavefrontModel

FORMAT = "dvcodec-pixels-1"


def restore(metadata: dict[str, Any], tensors: Tensors) -> WavefrontModel:
    """Return the model of a weights file, on the CPU: the entropy coder alternates with it.

    Raises:
        ValueError, KeyError or TypeError: Its parts do not fit each other.
    """
    net = IntegerWavefrontNet(WavefrontConfig.of(metadata["config"]), tensors)
    tables = tensors.take("tables", np.int32, (CONTEXTS, TOKENS))
    return WavefrontModel(metadata["name"], net, checked(tables).astype(np.float32))
