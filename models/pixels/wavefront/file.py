"""The weights file of a model of lossless photographs (see deflated): format, name, config, index.

predict, trunk, deep, heads.P.mix, .out, .skip     GridLinear, as in packing
tables                                             int32: the distributions of tokens (contexts, K), see distributions
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int32
from numpy.typing import NDArray

from ...configs import WavefrontConfig
from ...deflated import deflate, facts_of, reading, tensors_of
from ...packing import pack_linears, take, unpack_linears
from ..distributions import checked
from ..tokens import CONTEXTS, TOKENS
from .integer import IntegerWavefrontNet
from .model import WavefrontModel
from .net import SUM_LIMIT, WavefrontNet

FORMAT = "dvcodec-wavefront-1"


def write(net: WavefrontNet, tables: Int32[NDArray[np.int32], "contexts tokens"], name: str) -> bytes:
    """Return the bytes of a weights file.

    Raises:
        BoundError: If the model's sums could round.
    """
    IntegerWavefrontNet(net)  # its bounds
    packed = {"tables": torch.from_numpy(checked(tables)), **pack_linears(net, SUM_LIMIT)}
    return deflate({"format": FORMAT, "name": name, "config": asdict(net.config)}, packed)


def read(path: Path, device: str) -> WavefrontModel:
    """Return the model of a weights file.

    Args:
        path: The file.
        device: Ignored: the model runs on the CPU, because the entropy coder takes turns with it.

    Raises:
        ValueError: If it is not such a file, or damaged.
        OSError: If it cannot be read.
    """
    with reading():
        return _read(path)


def _read(path: Path) -> WavefrontModel:
    facts = facts_of(path)
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {FORMAT!r} is expected here")
    net, tensors = WavefrontNet(WavefrontConfig.of(facts["config"])), tensors_of(path, facts)
    unpack_linears(net, tensors, SUM_LIMIT)
    tables = take(tensors, "tables", torch.int32, (CONTEXTS, TOKENS)).numpy()
    return WavefrontModel(str(facts["name"]), net.eval(), checked(tables).astype(np.float32))
