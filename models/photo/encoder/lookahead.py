"""What a choice brings about further down, so that an encoder can weigh it before it chooses.

The posterior's mode weighs a symbol's own distortion and its own rate. But the networks see every symbol: it moves
the priors and the predictions of all layers after it, and what the synthesis adds. A walk that chose symbols k* has a
gradient g of its negative ELBO, in nats, by what the networks saw of each of them, code(k*):

-ln p(z) - ln p(x | z) changes by about g . (code(k) - code(k*)) if k is taken in the place of k*,

beside what the choice itself counts, its distortion on the canvas and its -ln p(k). The next walk adds a share of
that to every symbol's cost: choices change together, and the whole of it overshoots. From walk to walk the gradients
are averaged, and the share grows. Distortions refer to the image less the learned correction that the last walk has
led to. What the post-filter adds is part of it, and what a filter fitted to the image would add (`image_filter`), but
both are constants to the gradients: the derivative takes time and brings nothing (docs/experiments/lookahead.md). So
the objective itself falls, for this one image, as by stochastic Gumbel annealing (Yang, Bamler and Mandt 2020), but
in few walks and without noise. Decoders need none of this.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..adaptive_filter.apply import apply_filter, moments
from ..adaptive_filter.fit import fitted
from ..network.checkerboard import Rows
from ..network.model import PhotoRRVQ
from ..network.top_down import Step, SymbolCosts, Weights
from .perceptual_weights import visibility, weighed

SHARES = (0.62, 0.81, 0.94, 1.0)
"""How much of the estimate counts after the first walk, the second, ...; the last one for all that follow. Measured:
docs/experiments/lookahead.md."""

PRECISIONS = (6,)
"""Of the coefficients of image filters that only walks ahead see."""

KEPT = 0.5
"""How much of the gradients averaged so far stays when a walk adds its own."""


class _Greedy:
    """Takes the posterior's mode; notes the steps, whose codes begin gradients, and sums -ln p of what was taken."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.nats = torch.zeros(())

    def next(self, step: Step) -> Tensor:
        """Symbols (n,) int64."""
        scores = step.layer.scores(step.embedding)
        with torch.no_grad():
            symbols = (step.costs() - scores).argmin(dim=1)
        self.nats = self.nats + F.cross_entropy(scores, symbols, reduction="sum")
        self.steps.append(step)
        step.probed = True
        return symbols


def lookahead(
    model: PhotoRRVQ,
    x: Tensor,
    quality: Tensor,
    passes: int,
    *,
    grey: bool = False,
    blocks: Tensor | None = None,
) -> tuple[Tensor, SymbolCosts]:
    """What `passes` walks over images x (B, 3, H, W) tell the next one.

    `blocks`: weights of the distortion of one image's 8x8 blocks (masking.block_weights). Returns the correction, what
    networks and filters add, in grey levels (B, 3, H, W), which the next evidence leaves out, and the costs ahead.
    """
    correction, average, ahead = torch.zeros_like(x), SymbolCosts(), SymbolCosts()
    weights = None if blocks is None else visibility(blocks)
    for top_down_pass in range(passes):
        with torch.no_grad():
            targets = model.infer(x - correction, quality)
        correction, gradients = _walk(model, x, quality, targets, ahead, grey=grey, weights=weights)
        average = {i: g.lerp_(average[i], KEPT) if top_down_pass else g for i, g in gradients.items()}
        share = SHARES[min(top_down_pass, len(SHARES) - 1)]
        ahead = {i: share * g for i, g in average.items()}
    return correction, ahead


def _walk(
    model: PhotoRRVQ,
    x: Tensor,
    quality: Tensor,
    targets: dict[int, Tensor],
    ahead: SymbolCosts,
    *,
    grey: bool,
    weights: Weights | None = None,
) -> tuple[Tensor, SymbolCosts]:
    """The correction that a walk leads to, and the gradients of all nats by the symbols' codes."""
    source, size = _Greedy(), (x.shape[2], x.shape[3])
    with torch.enable_grad():
        decoded = model.top_down_pass(size, quality, source, targets, ahead=ahead, weights=weights, grey=grey)
        reconstruction, added = model.drawn(decoded, through_filter=False)
        shown = model.in_grey_levels(reconstruction + added, decoded) + 128
        by_filter = torch.zeros_like(shown) if grey else what_filters_add(shown.detach(), x, decoded.sigma)
        error = x - shown - by_filter
        if weights is None:
            distortion = (error.square().flatten(1).sum(1) / (2 * decoded.sigma.square())).sum()
        else:
            distortion = weighed(model.coefficients(error, quality), weights)
        loss = source.nats + distortion
        codes = [step.code for step in source.steps if step.code is not None]
        gradients = torch.autograd.grad(loss, codes)
    return model.in_grey_levels(added.detach(), decoded) + by_filter, _by_layer(source.steps, gradients)


def what_filters_add(shown: Tensor, wanted: Tensor, sigma: Tensor) -> Tensor:
    """What the filter fitted to each image of a batch would add to it, (B, 3, H, W) in grey levels."""
    rows, added = slice(0, shown.shape[2]), torch.zeros_like(shown)
    for out, x, image, scale in zip(added, shown, wanted, sigma, strict=True):
        grid = dict(moments(x, rows, rows, image))
        if (found := fitted(grid, float(scale), PRECISIONS)) is not None:
            out.copy_(apply_filter(x, rows, rows, found) - x)
    return added


def _by_layer(steps: list[Step], gradients: Sequence[Tensor]) -> SymbolCosts:
    """The gradients of all positions of each layer (N, D), from those of its blocks."""
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
