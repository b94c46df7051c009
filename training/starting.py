"""Going on from weights that ship: the float parameters behind their integers, for a run without its checkpoint.

Training quantises on the way, so the integers lose nothing that the model could use; only the optimiser starts cold.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch

from ..codec.errors import DvcodecError
from ..models.exact import GridLinear
from ..models.hierarchy import PhotoHierarchy
from ..models.latent import LatentLayer
from ..models.photo import PhotoRRVQ
from ..models.weights_file import read


def start_from(model: PhotoRRVQ, weights: Path) -> None:
    """Gives `model` the parameters of a weights file. DvcodecError if its networks have other sizes."""
    try:
        hierarchy: PhotoHierarchy = read(weights, "cpu")
    except (ValueError, OSError) as error:
        raise DvcodecError(f"{weights} is no weights file: {error}") from error
    source = hierarchy.network
    if source.config != model.config:
        raise DvcodecError(f"{weights} has networks of other sizes", "train the preset and settings of its card")
    model.load_state_dict(source.state_dict())
    layers = zip(model.modules(), source.modules(), strict=True)
    for mine, theirs in layers:
        if isinstance(mine, GridLinear):
            mine.frozen = False
        elif isinstance(mine, LatentLayer) and isinstance(theirs, LatentLayer):
            mine.exact = None
            with torch.no_grad():
                mine.log_variance.copy_(log_variance(theirs))


def log_variance(layer: LatentLayer) -> torch.Tensor:
    """ln s of a frozen layer from its exact precisions 1 / (2 s), which are in bits. (K, D)"""
    assert layer.exact is not None
    negative_precision = layer.exact[0][: layer.exact[0].shape[0] // 2].t()
    precision = (-negative_precision * math.log(2)).clamp_min(2.0**-26)
    return -torch.log(2 * precision).float()
