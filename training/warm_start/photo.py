"""Going on from weights that ship: the float parameters behind their integers, for a run without its checkpoint.

Training quantises on the way, so the integers lose nothing that the model could use (0.01 % of the rate: the variances
of the widest codebooks are stored coarsely, but the constants tell what is missing); the optimiser starts cold.
Where the layouts differ, layers of the same coefficients and K are carried over; the others keep their fresh codebooks
and heads. Neighbours that the weights did not see say nothing at first, and neither does a post-filter that they lack.
Synthesis and post-filter may be larger than theirs: what is new says nothing at first either (growth).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from ...errors import DvcodecError
from ...models import load
from ...models.photo.codec_model import PhotoHierarchy
from ...models.photo.network.chain import Stage
from ...models.photo.network.latent import LatentLayer
from ...models.photo.network.model import PhotoRRVQ
from .growth import GROWING, grow


def warm_start_photo_model(model: PhotoRRVQ, weights: Path) -> int:
    """Gives `model`, not frozen, the parameters of a weights file; returns how many of its layers were carried over.

    DvcodecError if it is no weights file or if its networks have other sizes.
    """
    try:
        hierarchy = load(weights)
    except (ValueError, OSError) as error:
        raise DvcodecError(f"{weights} is no weights file: {error}") from error
    if not isinstance(hierarchy, PhotoHierarchy):
        raise DvcodecError(f"{weights} holds no photograph model")
    theirs = portable(hierarchy.network)
    mine = portable(model)
    if hierarchy.network.config.neighbours > model.config.neighbours:
        seen = hierarchy.network.config.neighbours
        raise DvcodecError(f"{weights} sees neighbours in {seen} stages", f"--set neighbours={seen}, or more")
    if hierarchy.network.postfilter is not None and model.postfilter is None:
        width = hierarchy.network.config.postfilter_width
        raise DvcodecError(f"{weights} has a post-filter", f"--set postfilter_width={width}")
    same_analysis = hierarchy.network.config.analysis_slope == model.config.analysis_slope
    for key, value in mine.items():
        if key.startswith("analysis.") and not same_analysis:
            continue  # another kind of network: it stays as it begins
        if key in theirs and theirs[key].shape == value.shape:
            value.copy_(theirs[key])
        elif key.endswith(" around.weight"):
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
    """A model's tensors, sharing its memory, under names that do not depend on where a layer stands in the layout."""
    tensors = {}
    for name, value in _state(model):
        if ".layers." not in name and ".close.weight" not in name:
            tensors[name] = value
    for layer in model.chain.layers():
        tensors |= {f"{identity(layer)} {key}": value for key, value in _state(layer)}
    for stage in (stage for scale in model.chain.scales() for stage in scale):
        tensors |= dict(_columns(stage))
    return tensors


def identity(layer: LatentLayer) -> str:
    """What makes two layers of different layouts the same."""
    return f"layer {layer.name} {layer.coefficients} {layer.symbols}"


def _columns(stage: Stage) -> Iterator[tuple[str, Tensor]]:
    """The closing map's columns of each layer."""
    layers = [part.layer for part in stage.parts]
    widths = [layer.values.shape[1] + layer.context.shape[1] for layer in layers]
    parts = torch.split(stage.close.weight.detach(), widths, dim=1)
    return ((f"{identity(layer)} close", part) for layer, part in zip(layers, parts, strict=True))


def _state(module: torch.nn.Module) -> Iterator[tuple[str, Tensor]]:
    return ((name, value.detach()) for name, value in module.state_dict(keep_vars=True).items())
