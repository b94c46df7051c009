"""Going on from weights that ship: the float parameters behind their integers, for a run without its checkpoint.

Training quantises on the way, so the integers lose nothing that the model could use but the variances of the widest
scalar codebooks, which are stored coarsely (under 1 % of the rate); the optimiser starts cold.
"""

from __future__ import annotations

from pathlib import Path

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
    for mine in model.modules():
        if isinstance(mine, GridLinear):
            mine.frozen = False
        elif isinstance(mine, LatentLayer):
            mine.exact = None
