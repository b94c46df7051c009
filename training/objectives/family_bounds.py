"""Bounds of log p(x) by relaxed samples, which families are trained by (the recipe's `bound`), in nats an image.

joint         E log p(x | z~) - sum_l KL(q(z_l | ..) || p(z_l | ..))            (Vahdat et al. 2018, eq 4 and 6)
marginal      the same with KL(q(zeta_l | ..) || p(zeta_l | ..)), which is tighter  (Vahdat et al. 2018, eq 5)
concrete      the same of Concrete variables z~, a bound of the model of these  (Maddison et al. 2017; Lievin eq 16)
relaxed-elbo  joint - sum_l kappa_l E |z~_l - H(z~_l)|_2                            (Lievin et al. 2019, eq 8, 12)
iw            E log 1/S sum_s p(x | z~_s) p(z~_s) / q(z~_s | x)                     (Burda et al. 2015)

Ratios of `iw` are those of zeta where a smoothing transformation overlaps; for other relaxed samples they are linear in
z~, which is no bound until the temperature is low.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...models.families.divergences import Divergence, SmoothedMachine, concrete, marginal, one_sample, whole
from ...models.families.relaxations import Relaxation
from ...models.families.smoothing import SMOOTHINGS
from ...shapes import Float


def divergence_of(bound: str, relaxation: Relaxation) -> Divergence:
    """Return what a choice costs in a bound.

    Args:
        bound: `joint`, `marginal`, `concrete`, `relaxed-elbo` or `iw`.
        relaxation: How the choices are relaxed.
    """
    smoothing = SMOOTHINGS.get(relaxation.kind)
    overlaps = smoothing is not None and smoothing.ratio is not None
    if bound == "concrete":
        return concrete(float(relaxation.temperature))
    if bound == "marginal" or (bound == "iw" and overlaps):
        return marginal(relaxation.kind, relaxation.beta)
    if bound == "joint" and overlaps:
        return SmoothedMachine(relaxation.kind, relaxation.beta)
    return one_sample if bound == "iw" else whole


def importance_weighted(log_weights: Float[Tensor, "S B"]) -> Float[Tensor, " B"]:
    """Return log 1/S sum_s w_s of each image.

    Args:
        log_weights: log p(x, z~) - log q(z~ | x) of S samples.
    """
    return torch.logsumexp(log_weights, dim=0) - math.log(len(log_weights))
