"""The number format of products, and errors for losses and gradients that are not finite, naming the first one seen."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import nn

from ...errors import DvcodecError
from ..recipes.base import Precision
from ..recipes.overrides import override
from .task import LossTerms

MOST_BROKEN = 20
"""Gradients in a row that may be other than finite: their updates are left out, and later ones may be fine."""
SMALLER = f"resume with a smaller rate: {override('rate', '...')}"


class BrokenValidation(DvcodecError):
    """The averaged parameters give a validation loss that is not finite."""


def choose_products(module: nn.Module, precision: Precision) -> None:
    """Let the layers that choose their own number format train in this one; the exact path does not change.

    bfloat16 is several times slower than float32 on processors without instructions for it.
    """
    for layer in module.modules():
        if hasattr(layer, "trains_in_bfloat16"):
            cast(Any, layer).trains_in_bfloat16 = precision == "bf16"


def refuse_nan(terms: LossTerms) -> None:
    """Raise DvcodecError if the loss is not finite, naming the first layer whose rate is not.

    Args:
        terms: the loss of a step, with rates by layer.

    Raises:
        DvcodecError: the loss is infinite or not a number.
    """
    if math.isfinite(float(terms.loss.detach())):
        return
    bad = [name for name, nats in terms.layer_nats.items() if not bool(torch.isfinite(nats).all())]
    where = f"layer {bad[0]}" if bad else "the distortion"
    raise DvcodecError(f"the loss is not a number, first in {where}", SMALLER)


def refuse_gradients(module: nn.Module) -> None:
    """Raise DvcodecError for gradients that stay other than finite, naming a parameter that has one.

    Args:
        module: the model, whose parameters hold the gradients.

    Raises:
        DvcodecError: always.
    """
    bad = (name for name, p in module.named_parameters() if p.grad is not None and not bool(p.grad.isfinite().all()))
    name = next(bad, "their sum")
    raise DvcodecError(f"{MOST_BROKEN + 1} gradients in a row are not numbers, first in {name}", SMALLER)
