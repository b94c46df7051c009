"""The weights file of a trained `QuietBilevelNet` (`file`)."""

from __future__ import annotations

from dataclasses import asdict

from ...integer import weights_file
from ...integer.packing import pack_linears
from .file import FORMAT, checked
from .quiet import QuietBilevelNet


def write(net: QuietBilevelNet, name: str) -> bytes:
    """Return the bytes of a weights file.

    Args:
        net: The network and the counts.
        name: Of the weights.

    Raises:
        BoundError: A sum of the model could round.
    """
    metadata = {"format": FORMAT, "name": name, "config": asdict(net.config)}
    return weights_file.write(metadata, {"quiet": checked(net.weights()), **pack_linears(net)})
