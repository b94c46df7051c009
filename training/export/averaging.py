"""Average the parameters of several runs from one start: better than each of them, and no larger.

Runs that begin at the same weights with different batches end in one basin of the loss, where what differs by chance
averages out. Runs that begin at random do not, and their mean is worthless.

Source: Wortsman et al. (2022), Model soups.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ...errors import DvcodecError
from ..loop.checkpoints import Checkpoint

ALIKE = 0.5
"""Least median cosine between the matrices of two runs that began at the same weights. For two runs of the photograph
model from one start it is above 0.9, for two from random ones near zero."""


def mean_model(checkpoints: Sequence[Checkpoint]) -> nn.Module:
    """Return the model whose parameters are the means of the checkpoints' moving averages.

    Raises:
        DvcodecError: the checkpoints are of different models, or their runs began at different weights.
    """
    first, *others = checkpoints
    model = first.model()
    trained = dict(model.named_parameters())
    for other in others:
        if other.settings.config != first.settings.config:
            raise DvcodecError("the checkpoints are of different models", "average runs of one model from one start")
        other.refuse_other_sizes(first.settings)
        _refuse_another_start(first.parameters(), other.parameters(), set(trained))
    if others:
        held = [checkpoint.parameters() for checkpoint in checkpoints]
        means = {name: torch.stack([one[name].double() for one in held]).mean(0).float() for name in trained}
        model.load_state_dict(first.parameters() | means)
    return model


def _refuse_another_start(one: dict[str, Tensor], two: dict[str, Tensor], trained: set[str]) -> None:
    sized = [name for name in one if name in trained and one[name].dim() > 1 and one[name].shape[1] > 1]
    matrices = [name for name in sized if one[name].any() and two[name].any()]  # columns of lengths are always alike
    cosines = [torch.cosine_similarity(one[name].flatten(), two[name].flatten(), dim=0).item() for name in matrices]
    left_alone = all(torch.equal(one[name], two[name]) for name in one if name not in trained)
    if not left_alone or (cosines and statistics.median(cosines) < ALIKE):
        raise DvcodecError("the checkpoints began at different weights", "average runs from one start")
