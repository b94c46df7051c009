"""Reading and writing the weights files of models of black and white pages (see deflated): format, name, config, index.

net.first, .rest.I, .last     GridLinear, as in packing
quiet                         int32: weights of ink and paper by pattern, see scan_net
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .configs import ScanConfig
from .deflated import deflate, facts_of, reading, tensors_of
from .packing import pack_linears, take, unpack_linears
from .scan_model import ScanModel
from .scan_net import PATTERNS, TOTAL, ScanNet

FORMAT = "dvcodec-scans-1"


def write(net: ScanNet, name: str) -> bytes:
    """The bytes of a weights file. `packing.BoundError` if the model's sums could round."""
    packed = {"quiet": torch.from_numpy(_checked(net.weights())), **pack_linears(net)}
    return deflate({"format": FORMAT, "name": name, "config": asdict(net.config)}, packed)


def read(path: Path, device: str) -> ScanModel:
    """The model of a weights file. ValueError if it is none of ours or damaged, OSError if it cannot be read.

    Its arithmetic is that of a CPU, whatever the device: the entropy coder takes turns with it.
    """
    with reading():
        return _read(path)


def _read(path: Path) -> ScanModel:
    facts = facts_of(path)
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {FORMAT!r} is expected here")
    net, tensors = ScanNet(ScanConfig.of(facts["config"])), tensors_of(path, facts)
    unpack_linears(net, tensors)
    quiet = _checked(take(tensors, "quiet", torch.int32, (PATTERNS, 2)).numpy())
    return ScanModel(str(facts["name"]), net.net.eval(), quiet.astype(np.float32))


def _checked(weights: NDArray[np.int32]) -> NDArray[np.int32]:
    """The weights, or ValueError if they are no distributions."""
    if weights.min() < 0 or (weights.sum(axis=1, dtype=np.int64) != TOTAL).any():
        raise ValueError("its tables are not valid")
    return weights
