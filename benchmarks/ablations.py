"""Controlled ablations of the photograph model: each variant changes one thing and keeps data, seed and steps.

    python benchmarks/ablations.py TRAINING VALIDATION --steps 300 --out build/ablations.json [--only NAME ...]

Every variant trains the preset `rrvq-small` from scratch. Its moving average then codes the middle 256x256 pixels of
each validation photograph at several qualities with the mode of the posterior; bits are -log2 p(z). The figure is the
BD-rate over the range of PSNR that both curves share: by how many per cent more bits the variant needs than the model
without the change.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from short_runs import coded, middles, trained
from torch import Tensor, nn

from dvcodec.evaluation.metrics.bd_rate import Curve, bd_rate
from dvcodec.models.configs import RRVQConfig
from dvcodec.models.integer.grid import ACTIVATION_BITS, quantise
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.photo import layout
from dvcodec.models.photo.network import analysis_synthesis, chain, latent
from dvcodec.models.photo.network.latent import CONTEXT, PhotoLatentLayer
from dvcodec.models.photo.network.top_down import PhotoStep
from dvcodec.models.photo.quality import FINEST_QUALITY
from dvcodec.training.tasks import photo as photo_task
from dvcodec.training.tasks import posterior_source
from dvcodec.training.tasks.posterior_source import PosteriorSource

PRESET = "rrvq-small"

Patch = tuple[object, str, object]


@dataclass(frozen=True)
class Variant:
    """One change: settings of the preset, and attributes of the code to replace while the variant trains and codes."""

    text: str
    settings: dict[str, str] = field(default_factory=dict)
    patches: Callable[[], list[Patch]] = list


def equal_weights() -> list[Patch]:
    """Use the posterior of eq 6, which depends on the distance only and not on the prior."""

    def cost(self: PosteriorSource, step: PhotoStep, scores: Tensor) -> Tensor:
        assert step.residual is not None
        distance: Tensor = step.layer.distortion(step.residual)
        return distance

    return [(PosteriorSource, "cost", cost)]


def straight_through() -> list[Patch]:
    """Pass the distortion's gradient straight through the choice of symbols."""

    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return grads[0] * ctx.emphasis, None, None, None

    return [(posterior_source._PosteriorMean, "backward", staticmethod(backward))]


def sampled() -> list[Patch]:
    """Sample the posterior in training (Gumbel-max) instead of taking its mode; coding still takes the mode."""

    def decide(self: PosteriorSource, cost: Tensor) -> Tensor:
        if torch.is_inference_mode_enabled():  # where images are coded
            return cost.argmin(dim=1)
        return (cost + torch.empty_like(cost).exponential_().log_()).argmin(dim=1)

    return [(PosteriorSource, "decide", decide)]


def literal_variances() -> list[Patch]:
    """Follow eq 6 and 7 literally: divide the density by the root of one variance, not of every dimension's."""
    kept = PhotoLatentLayer.initialise

    def quadratic(self: PhotoLatentLayer) -> tuple[Tensor, Tensor]:
        precision = (0.5 * torch.exp(-self.log_variance)).clamp_max(latent.PRECISION_LIMIT)
        means = self.means()
        constant = -(precision * means.square()).sum(1) + 0.5 * torch.log(2 * precision).mean(1)
        return torch.cat([-precision, 2 * precision * means], dim=1).t(), constant

    @torch.no_grad()
    def initialise(self: PhotoLatentLayer, values: Tensor, probabilities: Tensor) -> None:
        kept(self, values, probabilities)
        v, dim = values.shape[1], self.log_variance.shape[1]
        spread = self.log_variance[:, :v]
        known = -0.5 * (self.reconstruction_values().square() * torch.exp(-spread)).sum(1) - 0.5 * spread.sum(1) / dim
        energy = self.context.square().sum(1)
        shift = latent.matching_log_variance(energy, torch.log(probabilities) - known, CONTEXT / dim)
        self.log_variance[:, v:] = shift[:, None]

    return [(PhotoLatentLayer, "quadratic", quadratic), (PhotoLatentLayer, "initialise", initialise)]


def elu() -> list[Patch]:
    """Use ELU instead of ReLU in the chain, rounded to the same grid."""
    return [(chain, "rectified", lambda x: quantise(F.elu(x), ACTIVATION_BITS, -1 - 2**-9, 255 / 16))]


def weight_normalised() -> list[Patch]:
    """Normalise the weights of every linear map of the chain (a direction and a length for each output)."""
    kept = chain.TopDownChain.__init__

    def build(self: chain.TopDownChain, config: RRVQConfig) -> None:
        kept(self, config)
        for module in list(self.modules()):
            if isinstance(module, QuantLinear):
                nn.utils.parametrizations.weight_norm(module, "weight")

    return [(chain.TopDownChain, "__init__", build)]


def no_quality() -> list[Patch]:
    """Hide the quality from the networks; sigma still scales the analysis coefficients."""

    def silent(knots: Tensor, quality: Tensor) -> Tensor:
        return 0 * knots[:1].expand(len(quality), -1)

    return [(chain, "interpolate", silent), (analysis_synthesis, "interpolate_float", silent)]


def random_transform() -> list[Patch]:
    """Learn analysis and synthesis from a random rotation of a block's details instead of a cosine transform."""
    kept = analysis_synthesis.Pyramid.__init__

    def build(self: analysis_synthesis.Pyramid, transform: str) -> None:
        kept(self, transform)
        rotation = torch.linalg.qr(torch.randn(63, 63, generator=torch.Generator().manual_seed(1)))[0]
        whole = torch.eye(192)
        for c in range(3):
            whole[64 * c + 1 : 64 * c + 64, 64 * c + 1 : 64 * c + 64] = rotation
        basis = whole @ self.basis
        del self.basis, self.shapes
        self.basis, self.shapes = nn.Parameter(basis), nn.Parameter(basis.clone())

    return [(analysis_synthesis.Pyramid, "__init__", build)]


def symbols(share: float) -> list[Patch]:
    """Multiply the number of symbols of scalar codebooks (except those of means) by `share`, over the same range."""

    def changed(plan: layout.PhotoLayerPlan) -> layout.PhotoLayerPlan:
        scalar = len(plan.coefficients) == 1 and "mean" not in plan.name
        return replace(plan, symbols=round(plan.symbols * share)) if scalar else plan

    kept = layout.photo_plan("photo-96").items()
    plan = {stride: [[changed(p) for p in stage] for stage in stages] for stride, stages in kept}
    return [(layout, "LAYOUTS", layout.LAYOUTS | {"photo-96": lambda: plan})]


def context(size: int) -> list[Patch]:
    """Give embeddings `size` dimensions in addition to those of the values."""
    matching = partial(latent.matching_log_variance, count=size)
    return [(latent, "CONTEXT", size), (chain, "CONTEXT", size), (latent, "matching_log_variance", matching)]


def more_fine_qualities() -> list[Patch]:
    """Draw network qualities as the root of a uniform number, so that seven in sixteen are in the finest quarter."""

    def drawn(count: int) -> Tensor:
        return (torch.rand(count).sqrt() * (FINEST_QUALITY + 1)).long()

    return [(photo_task, "drawn_codes", drawn)]


VARIANTS = {
    "base": Variant("the model without a change"),
    "again": Variant("the same with another seed, which shows the noise of this table"),
    "equal-weights": Variant("posterior by eq 6: equal weights instead of the prior's", patches=equal_weights),
    "sampled": Variant("posterior sampled in training (Gumbel-max) instead of its mode", patches=sampled),
    "literal-variances": Variant("one root of a variance (eq 6, 7 to the letter)", patches=literal_variances),
    "direct-prior": Variant("direct prior instead of responsibilities", {"prior": "direct"}),
    "elu": Variant("ELU instead of ReLU", patches=elu),
    "weight-norm": Variant("weight normalisation", patches=weight_normalised),
    "no-quality": Variant("quality hidden from the networks", patches=no_quality),
    "no-predictions": Variant("no learned predictions of coefficients", {"predictions": "false"}),
    "neighbours": Variant("embeddings of neighbours' symbols in the same layer", {"neighbours": "8"}),
    "no-analysis": Variant("no learned analysis in addition to the transform", {"analysis_from": "1"}),
    "straight-through": Variant("analysis trained by a straight-through gradient", patches=straight_through),
    "random-transform": Variant("transforms learned from random rotations", patches=random_transform),
    "lapped": Variant("overlapping blocks", {"transform": "lapped"}),
    "half-symbols": Variant("half the symbols in codebooks of scalars", patches=lambda: symbols(0.5)),
    "twice-symbols": Variant("twice the symbols in codebooks of scalars", patches=lambda: symbols(2)),
    "context-6": Variant("embeddings of 6 dimensions in addition to the values'", patches=lambda: context(6)),
    "context-24": Variant("embeddings of 24 dimensions in addition to the values'", patches=lambda: context(24)),
    "slow-codebooks": Variant("codebooks with a third of the learning rate", {"codebook_rate": "0.001"}),
    "crops-64": Variant("crops of 64x64, with as many pixels per step", {"crop": "64", "batch": "16"}),
    "crops-256": Variant("crops of 256x256, with as many pixels per step", {"crop": "256", "batch": "1"}),
    "fine-qualities": Variant("fine qualities drawn more often", patches=more_fine_qualities),
    "whole-blocks": Variant("whole blocks by residual codebooks, each layer a stage", {"layout": "canvas"}),
}


@contextmanager
def swapped(patches: list[Patch]) -> Iterator[None]:
    """Replace attributes of the code inside the context."""
    with ExitStack() as stack:
        for owner, name, value in patches:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield


def main() -> None:
    """Run the variants that the results file does not hold yet, and print the table."""
    parser = ArgumentParser(description="Controlled ablations of the photograph model.")
    parser.add_argument("training", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--out", type=Path, default=Path("build/ablations.json"))
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results: dict[str, list[tuple[float, float]]] = {}
    if options.out.exists():
        results = json.loads(options.out.read_text())
    images = middles(options.validation)
    for name in options.only:
        if name not in results:
            with swapped(VARIANTS[name].patches()):
                seed = int(name == "again")
                model = trained(PRESET, options.training, options.steps, VARIANTS[name].settings, seed)
                results[name] = coded(model, images)
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(results, indent=1) + "\n")
        show(name, results)


def show(name: str, results: Mapping[str, list[tuple[float, float]]]) -> None:
    """Print one line of the table."""
    points = "  ".join(f"{bits:.3f}/{decibels:.2f}" for bits, decibels in results[name])
    change = ""
    if name != "base" and "base" in results:
        base, variant = (Curve.through(n, results[n]) for n in ("base", name))
        rate = bd_rate(base, variant, 0, 100)
        change = "no common range" if rate is None else f"{rate.percent:+.1f} %"
    print(f"{name:18} {change:>16}  {points}  {VARIANTS[name].text}", flush=True)


if __name__ == "__main__":
    main()
