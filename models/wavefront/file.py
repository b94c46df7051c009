"""Reading and writing the weights files of `wavefront` (see deflated): format, name, config, index.

predict, trunk, deep, heads.P.mix, .out, .skip     GridLinear, as in packing
tables                                             int32: the residuals' distributions (contexts, K), see residuals
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..configs import WavefrontConfig
from ..deflated import deflate
from ..packing import pack_linears, take, unpack_linears
from ..residual_tables import checked
from ..residuals import CONTEXTS, TOKENS
from .frozen import FrozenWavefront
from .model import WavefrontPixels
from .net import SUM_LIMIT, WavefrontNet

FORMAT = "dvcodec-wavefront-1"


def write(net: WavefrontNet, tables: NDArray[np.int32], name: str) -> bytes:
    """The bytes of a weights file. `packing.BoundError` if the model's sums could round."""
    FrozenWavefront(net)  # its bounds
    packed = {"tables": torch.from_numpy(checked(tables)), **pack_linears(net, SUM_LIMIT)}
    return deflate({"format": FORMAT, "name": name, "config": asdict(net.config)}, packed)


def read(facts: dict[str, Any], tensors: dict[str, Tensor]) -> WavefrontPixels:
    """The model of a weights file's facts and tensors. ValueError if they do not fit each other.

    Its arithmetic is that of a CPU: the entropy coder takes turns with it.
    """
    net = WavefrontNet(WavefrontConfig.of(facts["config"]))
    unpack_linears(net, tensors, SUM_LIMIT)
    tables = take(tensors, "tables", torch.int32, (CONTEXTS, TOKENS)).numpy()
    return WavefrontPixels(str(facts["name"]), net.eval(), checked(tables).astype(np.float32))
