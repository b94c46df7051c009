"""The weights file of a model of black and white images (see deflated): format, name, config, index.

net.first, .rest.I, .last     GridLinear, as in packing
quiet                         int32: weights of ink and paper by pattern, see quiet
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...configs import ScanConfig
from ...deflated import deflate, facts_of, reading, tensors_of
from ...packing import pack_linears, take, unpack_linears
from .model import BilevelModel
from .quiet import PATTERNS, TOTAL, QuietBilevelNet

FORMAT = "dvcodec-scans-1"


def write(net: QuietBilevelNet, name: str) -> bytes:
    """Return the bytes of a weights file.

    Raises:
        BoundError: If the model's sums could round.
    """
    packed = {"quiet": torch.from_numpy(_checked(net.weights())), **pack_linears(net)}
    return deflate({"format": FORMAT, "name": name, "config": asdict(net.config)}, packed)


def read(path: Path, device: str) -> BilevelModel:
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


def _read(path: Path) -> BilevelModel:
    facts = facts_of(path)
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {FORMAT!r} is expected here")
    net, tensors = QuietBilevelNet(ScanConfig.of(facts["config"])), tensors_of(path, facts)
    unpack_linears(net, tensors)
    quiet = _checked(take(tensors, "quiet", torch.int32, (PATTERNS, 2)).numpy())
    return BilevelModel(str(facts["name"]), net.net.eval(), quiet.astype(np.float32))


def _checked(weights: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return integer weights as they are. ValueError if they are not distributions."""
    if weights.min() < 0 or (weights.sum(axis=1, dtype=np.int64) != TOTAL).any():
        raise ValueError("its tables are not valid")
    return weights
