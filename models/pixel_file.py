"""Reading the weights files of models of lossless pixels (see deflated): format, name, config, index.

Those of `wavefront` are told by wavefront.file; of the lattice, which older files were coded with:

nets.I.trunk, .heads.C.mix, .out, .skip     GridLinear, as in packing
tables                                      int32: the residuals' distributions (contexts, K), see residuals
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .deflated import facts_of, reading, tensors_of
from .interface.hierarchy import PixelModel
from .packing import take, unpack_linears
from .pixel_model import LatticePixels
from .pixel_net import PixelConfig, PixelNet
from .residual_tables import checked
from .residuals import CONTEXTS, TOKENS
from .wavefront import file as wavefront

FORMAT = "dvcodec-pixels-1"


def read(path: Path, device: str) -> PixelModel:
    """The model of a weights file. ValueError if it is none of ours or damaged, OSError if it cannot be read.

    Its arithmetic is that of a CPU, whatever the device: the entropy coder takes turns with it.
    """
    with reading():
        facts = facts_of(path)
        if facts["format"] not in READERS:
            raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {wavefront.FORMAT!r} is expected here")
        return READERS[facts["format"]](facts, tensors_of(path, facts))


def _read(facts: dict[str, Any], tensors: dict[str, Tensor]) -> LatticePixels:
    net = PixelNet(_config(facts["config"]))
    unpack_linears(net, tensors)
    tables = take(tensors, "tables", torch.int32, (CONTEXTS, TOKENS)).numpy()
    return LatticePixels(str(facts["name"]), net.eval(), checked(tables).astype(np.float32))


def _config(fields: dict[str, Any]) -> PixelConfig:
    """The configuration, every size within its bounds."""
    config = PixelConfig(**fields)
    if not all(type(n) is int and 1 <= n <= 256 for n in (config.hidden, config.width)):
        raise ValueError("the sizes in its configuration are out of bounds")
    return config


READERS: dict[str, Callable[[dict[str, Any], dict[str, Tensor]], PixelModel]] = {
    FORMAT: _read,
    wavefront.FORMAT: wavefront.read,
}
"""What reads each format."""
