"""Load the network that --weights names: installed weights, a weights file, or a training checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..evaluation.likelihood.networks import Network


def open_network(weights: str | None, device: str) -> Network:
    """Return a family's network or a photograph model; raise DvcodecError if there is none of this name."""
    from ..codec import loading
    from ..evaluation.likelihood.networks import network_of
    from ..training.loading import is_checkpoint, load_checkpoint

    if weights is not None and is_checkpoint(Path(weights)):
        return load_checkpoint(Path(weights), loading.device_of(device))
    return network_of(loading.network(loading.choose(weights), device))
