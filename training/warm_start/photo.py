"""Start a photograph model from a weights file: the float parameters behind its integers, with a cold optimiser.

Training quantises on the way, so that the integers lose nothing that the model could use (0.01 % of the rate: the
variances of the widest codebooks are stored coarsely, but the constants tell what is missing). Where the layouts
differ, layers of the same coefficients and K are carried over; the others keep their fresh codebooks and heads.
Neighbours that the weights did not use, and a post-filter that they lack, have no effect at first. Synthesis and
post-filter may be larger than those of the weights (growth).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ...errors import DvcodecError
from ...models import load_network
from ...models.photo.codec_model import PhotoCodecModel
from ...models.photo.network.chain import ChainStage
from ...models.photo.network.latent import PhotoLatentLayer
from ...models.photo.network.model import PhotoRRVQ
from ..recipes.overrides import override
from .growth import GROWING, grow


def warm_start_photo_model(model: PhotoRRVQ, weights: Path) -> int:
    """Give a model the parameters of a weights file.

    Args:
        model: the float model, changed in place.
        weights: the file.

    Returns:
        How many of the model's layers were carried over.

    Raises:
        DvcodecError: it is not a weights file of photographs, or its networks have other sizes.
    """
    try:
        hierarchy = load_network(weights)
    except (ValueError, OSError) as error:
        raise DvcodecError(f"{weights} is not a weights file: {error}") from error
    if not isinstance(hierarchy, PhotoCodecModel):
        raise DvcodecError(f"{weights} does not hold a photograph model")
    theirs = portable(hierarchy.network)
    mine = portable(model)
    if hierarchy.network.config.neighbours > model.config.neighbours:
        seen = hierarchy.network.config.neighbours
        raise DvcodecError(f"{weights} uses neighbours in {seen} stages", f"{override('neighbours', seen)}, or more")
    if hierarchy.network.postfilter is not None and model.postfilter is None:
        width = hierarchy.network.config.postfilter_width
        raise DvcodecError(f"{weights} has a post-filter", override("postfilter_width", width))
    same_analysis = hierarchy.network.config.analysis_slope == model.config.analysis_slope
    for key, value in mine.items():
        if key.startswith("analysis.") and not same_analysis:
            continue  # another kind of network: it stays as it begins
        if key in theirs and theirs[key].shape == value.shape:
            value.copy_(theirs[key])
        elif key.endswith(" neighbour_embedding.weight"):
            value.zero_()
        elif not key.startswith("layer ") and not grow(key, value, theirs):
            raise _other_sizes(weights)
    if any(key.startswith(GROWING) and key not in mine for key in theirs):
        raise _other_sizes(weights)
    return sum(key.endswith(" values") and key in theirs for key in mine)


def _other_sizes(weights: Path) -> DvcodecError:
    return DvcodecError(
        f"{weights} has networks of other sizes",
        "train with its card's settings, or a larger synthesis and post-filter",
    )


def portable(model: PhotoRRVQ) -> dict[str, Tensor]:
    """Return a model's tensors, sharing its memory, under names that do not depend on a layer's place in the layout."""
    tensors = {}
    for name, value in _state(model):
        if ".layers." not in name and ".close.weight" not in name:
            tensors[name] = value
    for layer in model.chain.layers():
        tensors |= {f"{identity(layer)} {key}": value for key, value in _state(layer)}
    for stage in (stage for scale in model.chain.scales() for stage in scale):
        tensors |= dict(_columns(stage))
    return tensors


def identity(layer: PhotoLatentLayer) -> str:
    """Return a name that equal layers of different layouts share."""
    return f"layer {layer.name} {layer.coefficients} {layer.symbols}"


def _columns(stage: ChainStage) -> Iterator[tuple[str, Tensor]]:
    """Return the columns of the closing map by layer."""
    layers = [part.layer for part in stage.parts]
    widths = [layer.values.shape[1] + layer.context.shape[1] for layer in layers]
    parts = torch.split(stage.close.weight.detach(), widths, dim=1)
    return ((f"{identity(layer)} close", part) for layer, part in zip(layers, parts, strict=True))


def _state(module: torch.nn.Module) -> Iterator[tuple[str, Tensor]]:
    return ((name, value.detach()) for name, value in module.state_dict(keep_vars=True).items())
