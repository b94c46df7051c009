"""Lipschitz constants of a constrained model, for the relaxed ELBO (Lievin et al. 2019, eq 8, 12).

With kappa_l a constant of log p(x, z) as a function of z_l relaxed,

    log p(x) >= relaxed objective - sum_l kappa_l E |z~_l - H(z~_l)|_2.

Appendix E of the paper derives this for several layers from a bound of the relaxation bias, with constants of q too.
That bound is false: it takes the expectation over hard samples as one over H(z~), but H(z~_l) follows q(. | z~_l+1),
not q(. | H(z~_l+1)) (tests/test_family_relaxed_elbo.py has a counterexample). What holds needs no constant of q. With r
the joint distribution of H(z~), log p(x) >= E log p(x, H(z~)) + entropy of r, and by the chain rule the entropy is at
least -E sum_l log q(H(z~_l) | z~_l+1, x), since given z~ no more of it is left than given H(z~). Only log p(x, .) is
then moved from H(z~) to z~. With one layer both agree, and the constant bounds the bias as well (eq 7).

The constants are products of the parts' own: spectral norms, tap by tap for a convolution, 1 + L L' for a block.
`lipschitz` in a configuration bounds convolutions of the generative model alone; codebooks and keys stay as they are
learnt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...shapes import Float
from .codebooks import Codebook
from .layers import LatentLayer
from .model import FamilyVAE
from .nets import Chain
from .relaxations import one_hot


def constants(model: FamilyVAE) -> dict[str, float] | None:
    """Return the Lipschitz constant kappa of each layer.

    A bound holds for Bernoulli pixels, scores linear in the embedding, and a hierarchy `lvae` without skip connections
    (eq 19), where the prior of layer l - 1 or the pixels alone depend on z_l; or for a single layer of a hierarchy that
    infers top-down.

    Returns:
        The constants in nats for each unit of |z~ - H(z~)|_2, by the layers' names; None where the configuration
        enforces none or no such bound holds.

    Source:
        Lievin et al. (2019), equations 8 and 12; appendix E without the constants of q.
    """
    config = model.config
    linear = config.latent_of(0) in ("memory", "logits")
    symbol_embedding = config.hierarchy == "lvae" or (config.levels == 1 and not config.infers_upwards)
    if not (config.lipschitz and linear and symbol_embedding and config.likelihood == "bernoulli"):
        return None
    layers = model.layers()
    found = {}
    for layer, below in zip(layers, [*layers[1:], None], strict=True):
        found[layer.plan.name] = _chain_constant(layer) * (_pixels(model) if below is None else _next(model, below))
    return found


def relaxation_gap(
    layers: Sequence[LatentLayer], choices: Sequence[Float[Tensor, "_ _"]], kappas: dict[str, float], images: int
) -> Float[Tensor, " B"]:
    """Return sum_l kappa_l |z~_l - H(z~_l)|_2 of each image, by which relaxed samples may overstate the bound.

    Args:
        layers: The layers in coding order.
        choices: Their relaxed samples.
        kappas: What `constants` returned, whose numbers have no gradient.
        images: Number of images B.
    """
    total = choices[0].new_zeros(images)
    for layer, choice in zip(layers, choices, strict=True):
        difference = (choice - one_hot(choice)).view(layer.plan.variables, images, -1)
        total = total + kappas[layer.plan.name] * torch.linalg.vector_norm(difference, dim=(0, 2))
    return total


def _chain_constant(layer: LatentLayer) -> float:
    """Return the constant of the chain in z_l. The codebook's part is measured: no constraint keeps it small."""
    assert isinstance(layer.codebook, Codebook)
    return spectral(layer.codebook.table()) * layer.symbol_embedding.lipschitz()


def _pixels(model: FamilyVAE) -> float:
    """Return the constant of log p(x | d) in d: each pixel's log-likelihood has slope at most 1 in its logit."""
    pixels = model.config.channels * model.config.image**2
    return math.sqrt(pixels) * model.synthesis.lipschitz()


def _next(model: FamilyVAE, below: LatentLayer) -> float:
    """Return the constant of log p(z_l-1 | d) in d.

    A variable's log-probability has slope sqrt(2) in its scores.
    """
    chain = model.down[below.plan.level]
    variables = below.plan.variables * below.plan.side**2
    assert isinstance(below.codebook, Codebook) and below.prior_head is not None
    form = below.codebook.form()
    linear = 1.0 if form is None or below.direct else spectral(form.linear)
    scores = below.prior_head.lipschitz() * linear
    assert isinstance(chain, Chain)
    return chain.lipschitz() * math.sqrt(2 * variables) * scores * math.log(2)


def spectral(matrices: Float[Tensor, "V n m"]) -> float:
    """Return the largest singular value of all matrices, as it is: tables of vectors and keys have no constraint."""
    return float(torch.linalg.matrix_norm(matrices.detach().float(), ord=2).max())
