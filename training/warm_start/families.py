"""Start a family of small images from the averaged parameters of another run's checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ...errors import DvcodecError
from ...models.families.model import FamilyVAE
from ...models.families.neighbours import Bilevel
from ..loading import is_checkpoint, load_checkpoint
from ..loop.checkpoints import ESTIMATOR

NEIGHBOURS = "likelihood.net.first.weight"


@torch.no_grad()
def warm_start_family(model: FamilyVAE, path: Path) -> None:
    """Give a model the parameters of a checkpoint.

    Its pixels may have more neighbours than in the checkpoint; new ones have no effect at first.

    Args:
        model: the model, changed in place.
        path: the checkpoint.

    Raises:
        DvcodecError: it is not a checkpoint of a family, or its networks have other sizes.
    """
    other = load_checkpoint(path, "cpu") if is_checkpoint(path) else None
    if not isinstance(other, FamilyVAE):
        raise DvcodecError(
            f"{path} is not a checkpoint of such a model", "name the checkpoint.safetensors of a run as `start`"
        )
    held, theirs = model.state_dict(), other.state_dict()
    mine = {name: value for name, value in held.items() if not name.startswith(f"{ESTIMATOR}.")}
    if NEIGHBOURS in theirs and isinstance(other.likelihood, Bilevel) and isinstance(model.likelihood, Bilevel):
        theirs[NEIGHBOURS] = _seeing_further(theirs[NEIGHBOURS], other.likelihood, model.likelihood)
    if {name: value.shape for name, value in mine.items()} != {name: value.shape for name, value in theirs.items()}:
        raise DvcodecError(f"{path} has networks of other sizes", "train with the settings of its run")
    model.load_state_dict(held | theirs)


def _seeing_further(weight: Tensor, theirs: Bilevel, mine: Bilevel) -> Tensor:
    """Move the columns of the first layer's matrix to their neighbours' places in a larger receptive field."""
    old, new = (likelihood.net.config.receptive_field.offsets() for likelihood in (theirs, mine))
    wider = weight.new_zeros(len(weight), len(new) + weight.shape[1] - len(old))
    for column, offset in enumerate(old):
        if offset in new:
            wider[:, new.index(offset)] = weight[:, column]
    wider[:, len(new) :] = weight[:, len(old) :]
    return wider
