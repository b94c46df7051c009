"""How the parameters of a family start: from one batch, and a perceptron's from the mean image of the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ...shapes import Float
from .likelihoods import Bernoulli, Gaussian, Likelihood, Logistic
from .mlp import PIXEL_GAIN, PixelMap
from .model import FamilyVAE
from .nets import Conv

RAREST = 1e-3
"""Least probability of a binary pixel's either value with which training starts."""


@contextmanager
def data_dependent_initialisation(model: nn.Module) -> Iterator[None]:
    """Within, initialise every normalised convolution by the data of a forward pass, in the order of the pass.

    Its outputs then have mean 0 and its gain as their standard deviation.

    Source:
        Salimans and Kingma (2016), "Weight Normalization", section 3.
    """
    done: set[nn.Module] = set()

    def settle(module: nn.Module, arguments: Any, output: Tensor) -> Tensor | None:
        assert isinstance(module, Conv)
        if module in done:
            return None
        done.add(module)
        x = output.float()
        mean, spread = x.mean((0, 2, 3)), x.std((0, 2, 3), unbiased=False)
        varies = spread > 1e-3  # what the data do not move stays as it is drawn
        mean, scale = torch.where(varies, mean, 0.0), torch.where(varies, module.gain / spread, 1.0)
        gain = module.get_parameter("parametrizations.weight.original0")
        gain.mul_(scale[:, None])
        module.bias.sub_(mean).mul_(scale)
        return (output - mean.view(1, -1, 1, 1)) * scale.view(1, -1, 1, 1)

    chosen = [m for m in model.modules() if isinstance(m, Conv) and is_parametrized(m)]
    hooks = [module.register_forward_hook(settle) for module in chosen]
    try:
        with torch.no_grad():
            yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def centre(model: FamilyVAE, mean: Float[Tensor, "channels S S"]) -> None:
    """Let maps of pixels subtract the mean image of the training data from their inputs.

    Source: Rolfe (2016) and Vahdat et al. (2018), whose code does so.

    Args:
        model: A perceptron whose configuration is `centred`.
        mean: The image, on the scale of its pixels.
    """
    for module in model.modules():
        if isinstance(module, Conv) and module.centre is not None:
            module.set_centre(model.scaled(mean).flatten())


@torch.no_grad()
def add_mean(model: FamilyVAE, mean: Float[Tensor, "channels S S"]) -> None:
    """Add to a decoder that starts with parameters around 0 those whose mean is the mean image of the training data.

    Args and source are those of `centre`. A likelihood whose parameters do not follow from an image stays as it is.
    """
    start = parameters_of(model.p_x(), mean)
    if start is not None:
        _pixel_bias(model).add_(start.flatten())
    if model.config.block == "linear":
        model.top.mul_(PIXEL_GAIN)  # it is added to the parameters


def parameters_of(likelihood: Likelihood, mean: Float[Tensor, "channels S S"]) -> Tensor | None:
    """Return the parameters of a likelihood whose mean is an image; None where these do not follow from it.

    Args:
        likelihood: The likelihood; logits are those of probabilities between `RAREST` and 1 less it.
        mean: The image, on the scale of its pixels.
    """
    if isinstance(likelihood, Bernoulli):
        return torch.logit(mean, RAREST)
    return mean / 127.5 - 1 if isinstance(likelihood, Logistic | Gaussian) else None


def _pixel_bias(model: FamilyVAE) -> Tensor:
    """Return the bias of the last map; a linear network's is that of the finest symbols' embedding."""
    last = model.synthesis[-1]
    assert isinstance(last, PixelMap)
    bias: Tensor = (model.layers()[-1].symbol_embedding.first if last.map is None else last.map).bias
    return bias
