"""Reading and writing the weights files of models of lossless pixels (see deflated): format, name, config, index.

nets.I.trunk, .heads.C.mix, .out, .skip     GridLinear, as in packing
tables                                      int32: the residuals' distributions (contexts, K), see residuals
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .deflated import deflate, facts_of, one_kind_of_error, tensors_of
from .packing import pack_linears, take, unpack_linears
from .pixel_model import LatticePixels
from .pixel_net import PixelConfig, PixelNet
from .residual_tables import checked
from .residuals import CONTEXTS, TOKENS

FORMAT = "dvcodec-pixels-1"


def write(net: PixelNet, tables: NDArray[np.int32], name: str) -> bytes:
    """The bytes of a weights file. `packing.BoundError` if the model's sums could round."""
    packed = {"tables": torch.from_numpy(checked(tables)), **pack_linears(net)}
    return deflate({"format": FORMAT, "name": name, "config": asdict(net.config)}, packed)


def read(path: Path, device: str) -> LatticePixels:
    """The model of a weights file. ValueError if it is none of ours or damaged, OSError if it cannot be read.

    Its arithmetic is that of a CPU, whatever the device: the entropy coder takes turns with it.
    """
    with one_kind_of_error():
        return _read(path)


def _read(path: Path) -> LatticePixels:
    facts = facts_of(path)
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {FORMAT!r} is expected here")
    net, tensors = PixelNet(_config(facts["config"])), tensors_of(path, facts)
    unpack_linears(net, tensors)
    tables = take(tensors, "tables", torch.int32, (CONTEXTS, TOKENS)).numpy()
    return LatticePixels(str(facts["name"]), net.eval(), checked(tables).astype(np.float32))


def _config(fields: dict[str, Any]) -> PixelConfig:
    """The configuration, every size within its bounds."""
    config = PixelConfig(**fields)
    if not all(type(n) is int and 1 <= n <= 256 for n in (config.hidden, config.width)):
        raise ValueError("the sizes in its configuration are out of bounds")
    return config
