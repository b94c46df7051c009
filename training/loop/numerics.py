"""Errors for losses and gradients that are not finite, naming where that was seen first."""

from __future__ import annotations

import math

import torch
from torch import nn

from ...errors import DvcodecError
from .task import LossTerms

MOST_BROKEN = 20
"""Gradients in a row that may be other than finite: their updates are left out, and later ones may be fine."""
SMALLER = "resume with a smaller rate: --set rate=..."


class BrokenValidation(DvcodecError):
    """The averaged parameters give a validation loss that is not finite."""


def refuse_nan(terms: LossTerms) -> None:
    """Raise DvcodecError if the loss is not finite, naming the first layer whose rate is not."""
    if math.isfinite(float(terms.loss.detach())):
        return
    bad = [name for name, nats in terms.layer_nats.items() if not bool(torch.isfinite(nats).all())]
    where = f"layer {bad[0]}" if bad else "the distortion"
    raise DvcodecError(f"the loss is not a number, first in {where}", SMALLER)


def refuse_gradients(module: nn.Module) -> None:
    """Raise DvcodecError for gradients that stay other than finite, naming a parameter that has one."""
    bad = (name for name, p in module.named_parameters() if p.grad is not None and not bool(p.grad.isfinite().all()))
    name = next(bad, "their sum")
    raise DvcodecError(f"{MOST_BROKEN + 1} gradients in a row are not numbers, first in {name}", SMALLER)
