"""Estimators from f and log q of hard samples alone, whatever the latent variables are.

With f = log p(x, z) - log q(z | x), grad E_q f = E_q [f grad log q + grad log p(x, z)]: the score function (REINFORCE).
A baseline that does not depend on z leaves the expectation as it is and reduces the variance. Each function returns a
surrogate (B,) whose gradient is the estimate; coefficients of log q have no gradient themselves.

Source:
    Williams (1992); Stojanovic (2021), "Variational Autoencoders with variance loss", equations 13, 16 and 18 to 21 and
    algorithm 1; Richter et al. (2020), "VarGrad"; Mnih and Rezende (2016), "Variational Inference for Monte Carlo
    Objectives".
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...shapes import Float
from ..objectives.family_bounds import importance_weighted
from .terms import Terms


def reinforce(terms: Terms, baseline: Float[Tensor, " B"] | float = 0.0) -> Float[Tensor, " B"]:
    """Return the mean over samples of log p(x, z) + [f - baseline] log q (eq 13 of Stojanovic; with one, NVIL)."""
    return (terms.joint + (terms.bound - baseline) * terms.log_q).mean(0)


def vargrad(terms: Terms) -> Float[Tensor, " B"]:
    """Return log p(x, z) + 1/(S - 1) sum_s [f_s - mean f] log q_s: leave-one-out baselines (Richter et al. 2020)."""
    centred = terms.bound - terms.bound.mean(0)
    return terms.joint.mean(0) + (centred * terms.log_q).sum(0) / (len(centred) - 1)


def variance(terms: Terms) -> Float[Tensor, " B"]:
    """Return log p(x, z), for the generative network, less half the variance of f over samples, for inference.

    The variance is differentiated through log q alone. Its gradient by the parameters of p would not be that of the
    likelihood: the variance is zero wherever q is the posterior, however unlikely the images are. Half of it has the
    gradient of KL(q || p(z | x)) in expectation, which equation 18 of Stojanovic doubles.

    Source:
        Stojanovic (2021), equations 16, 19 to 21 and algorithm 1.
    """
    f = terms.joint.detach() - terms.weight * terms.log_q
    return terms.joint.mean(0) - 0.5 * f.var(0) / terms.weight


def vimco(terms: Terms) -> Float[Tensor, " B"]:
    """Return L + sum_s [L - L_-s] log q_s, with L the importance-weighted bound of all samples.

    In L_-s the term f_s is replaced by the mean of the others, so that it does not depend on z_s.

    Source:
        Mnih and Rezende (2016), equations 7 to 10.
    """
    f, count = terms.bound, len(terms.joint)
    others = (f.sum(0) - f) / (count - 1)
    own = torch.eye(count, dtype=torch.bool, device=f.device)[:, :, None]
    left_out = importance_weighted(torch.where(own, others[None], f[:, None]))
    signal = importance_weighted(f) - left_out
    return importance_weighted(terms.joint - terms.weight * terms.log_q) + (signal * terms.log_q).sum(0)
