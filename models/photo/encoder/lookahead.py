"""Look-ahead: gradients of the loss with respect to each symbol's codeword bias the next pass's choices.

The posterior's mode weighs a symbol's own distortion and rate. But a symbol also changes the priors and predictions of
all later layers, and the correction of the synthesis. A pass that chose the symbols k* has a gradient g of its negative
ELBO, in nats, with respect to the codeword of each of them:

-ln p(z) - ln p(x | z) changes by about g . (codeword(k) - codeword(k*)) if k is taken in the place of k*,

in addition to the symbol's own distortion and its -ln p(k). The next pass adds a share of that to every symbol's cost;
as all choices change at once, the full estimate would overshoot. Gradients are averaged over the passes, and the share
grows. Distortion is measured against the image less the learned correction of the previous pass. That correction
includes those of the post-filter and of a filter fitted to the image (`adaptive_filter`), both as constants: their
derivatives take time and save nothing (docs/experiments/lookahead.md). The objective itself falls, for this one image.
Decoders need none of this.

Source:
    The same aim, with noise and more passes: stochastic Gumbel annealing, Yang, Bamler and Mandt (2020), "Improving
    Inference for Neural Image Compression".
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ....shapes import Float, Int64
from ...integer.low_precision import bfloat16_products, has_bfloat16
from ..adaptive_filter.apply import apply_filter, moments
from ..adaptive_filter.fit import fitted
from ..network.checkerboard import Rows
from ..network.model import PhotoRRVQ
from ..network.top_down import DistortionWeights, PhotoStep, SymbolCosts
from .perceptual_weights import visibility, weighted_distortion

SHARES = (0.62, 0.81, 0.94, 1.0)
"""Share of the estimate that counts after the first pass, the second, and so on; the last one for all that follow.
Measured: docs/experiments/lookahead.md.
"""

PRECISIONS = (6,)
"""Precisions of the coefficients of adaptive filters within look-ahead passes."""

MOMENTUM = 0.5
"""Weight of the previous passes' average when a pass's gradients are added."""


class _GreedySource:
    """Takes the posterior's mode, keeps the steps for gradients by codewords, and sums -ln p of the symbols in nats."""

    def __init__(self) -> None:
        self.steps: list[PhotoStep] = []
        self.nats = torch.zeros(())

    def next(self, step: PhotoStep) -> Tensor:
        """Return symbols (n,) int64."""
        scores = step.layer.scores(step.embedding)
        with torch.no_grad():
            symbols = (step.costs() - scores).argmin(dim=1)
        self.nats = self.nats + F.cross_entropy(scores, symbols, reduction="sum")
        self.steps.append(step)
        step.needs_gradient = True
        return symbols


def lookahead(
    model: PhotoRRVQ,
    x: Float[Tensor, "B 3 H W"],
    quality: Int64[Tensor, " B"],
    passes: int,
    *,
    grey: bool = False,
    blocks: Float[Tensor, "rows columns"] | None = None,
) -> tuple[Float[Tensor, "B 3 H W"], SymbolCosts]:
    """Run passes over images with gradients and return the correction and the costs for the next pass.

    Args:
        model: The model.
        x: Images (B, 3, H, W).
        quality: Network qualities (B,).
        passes: Number of passes.
        grey: Whether the layers that carry only colour are left out.
        blocks: Weights (rows, columns) of the distortion of one image's 8x8 blocks
            (`perceptual_weights.block_weights`).

    Returns:
        The correction by networks and filters in grey levels, (B, 3, H, W), which the next pass's targets leave out,
        and the look-ahead costs.
    """
    correction, average, lookahead_costs = torch.zeros_like(x), SymbolCosts(), SymbolCosts()
    weights = None if blocks is None else visibility(blocks)
    for number in range(passes):
        with torch.no_grad():
            targets = model.infer(x - correction, quality)
        with bfloat16_products(has_bfloat16(x.device)):  # costs need no more; the pass that a file holds is exact
            correction, gradients = _pass_with_gradients(
                model, x, quality, targets, lookahead_costs, grey=grey, weights=weights
            )
        average = {i: g.lerp_(average[i], MOMENTUM) if number else g for i, g in gradients.items()}
        share = SHARES[min(number, len(SHARES) - 1)]
        lookahead_costs = {i: share * g for i, g in average.items()}
    return correction, lookahead_costs


def _pass_with_gradients(
    model: PhotoRRVQ,
    x: Tensor,
    quality: Tensor,
    targets: dict[int, Tensor],
    lookahead_costs: SymbolCosts,
    *,
    grey: bool,
    weights: DistortionWeights | None = None,
) -> tuple[Tensor, SymbolCosts]:
    """Return the correction after one pass, and the gradients in nats with respect to the symbols' codewords."""
    source, size = _GreedySource(), (x.shape[2], x.shape[3])
    with torch.enable_grad():
        decoded = model.top_down_pass(
            size, quality, source, targets, lookahead_costs=lookahead_costs, weights=weights, grey=grey
        )
        reconstruction, added = model.synthesise(decoded, through_filter=False)
        shown = model.in_grey_levels(reconstruction + added, decoded) + 128
        by_filter = torch.zeros_like(shown) if grey else filter_corrections(shown.detach(), x, decoded.sigma)
        error = x - shown - by_filter
        if weights is None:
            distortion = (error.square().flatten(1).sum(1) / (2 * decoded.sigma.square())).sum()
        else:
            distortion = weighted_distortion(model.coefficients(error, quality), weights)
        loss = source.nats + distortion
        codewords = [step.codewords for step in source.steps if step.codewords is not None]
        gradients = torch.autograd.grad(loss, codewords)
    return model.in_grey_levels(added.detach(), decoded) + by_filter, _by_layer(source.steps, gradients)


def filter_corrections(
    shown: Float[Tensor, "B 3 H W"], wanted: Float[Tensor, "B 3 H W"], sigma: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 H W"]:
    """Return the change by the filter fitted to each image of a batch, (B, 3, H, W) in grey levels.

    Args:
        shown: Decoded images (B, 3, H, W).
        wanted: Original images (B, 3, H, W).
        sigma: (B,) in grey levels.
    """
    rows, added = slice(0, shown.shape[2]), torch.zeros_like(shown)
    for out, x, image, scale in zip(added, shown, wanted, sigma, strict=True):
        grid = dict(moments(x, rows, rows, image))
        if (found := fitted(grid, float(scale), PRECISIONS)) is not None:
            out.copy_(apply_filter(x, rows, rows, found) - x)
    return added


def _by_layer(steps: list[PhotoStep], gradients: Sequence[Tensor]) -> SymbolCosts:
    """Return the gradients (N, D) of all positions of each layer, from those of its blocks."""
    blocks: dict[int, list[tuple[Rows, Tensor]]] = {}
    for step, gradient in zip(steps, gradients, strict=True):
        blocks.setdefault(step.index, []).append((step.rows, gradient))
    return {index: _in_raster(parts) for index, parts in blocks.items()}


def _in_raster(parts: list[tuple[Rows, Tensor]]) -> Tensor:
    if len(parts) == 1:
        return parts[0][1]
    whole = torch.empty(sum(len(part) for _, part in parts), parts[0][1].shape[1], device=parts[0][1].device)
    for rows, part in parts:
        whole[rows] = part
    return whole
