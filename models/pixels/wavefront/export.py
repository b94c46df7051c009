"""What becomes of a trained `WavefrontNet`: the integer network, and the weights file (`file`)."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from ....shapes import Int32
from ...integer import weights_file
from ...integer.packing import pack_linears
from ...integer.weights_file import Tensors
from ..distributions import checked
from .file import FORMAT
from .grids import SUM_LIMIT
from .integer import IntegerWavefrontNet
from .net import WavefrontNet


def integer_net(net: WavefrontNet) -> IntegerWavefrontNet:
    """Return a network in integer arithmetic.

    Raises:
        BoundError: A sum of the model could round.
    """
    return IntegerWavefrontNet(net.config, Tensors(pack_linears(net, SUM_LIMIT)))


def write(net: WavefrontNet, tables: Int32[NDArray[np.int32], "contexts tokens"], name: str) -> bytes:
    """Return the bytes of a weights file.

    Args:
        net: The network.
        tables: The distributions of tokens.
        name: Of the weights.

    Raises:
        BoundError: A sum of the model could round.
        ValueError: The tables are not distributions.
    """
    integer_net(net)  # checks its bounds
    metadata = {"format": FORMAT, "name": name, "config": asdict(net.config)}
    return weights_file.write(metadata, {"tables": checked(tables), **pack_linears(net, SUM_LIMIT)})
