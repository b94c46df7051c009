"""A hierarchical VAE built from its configuration: inference, the top-down pass and the likelihood."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...shapes import Float
from ..top_down_pass import TensorSymbolSource, run_pass
from . import mlp
from .arithmetic import Arithmetic
from .boltzmann import BoltzmannMachine
from .boltzmann_checks import machine_sides
from .config import FamilyConfig, halvings
from .layers import LatentLayer, inference_arithmetic
from .likelihoods import KINDS, Likelihood
from .nets import Activation, Chain, Conv, Down, Up, blocks
from .steps import Inference, LatentStep
from .symbol_sources import PassCosts, Posterior, Sampler
from .top_down import FamilyPass


class FamilyVAE(nn.Module):
    """The posterior q(z | x), the prior p(z) and the likelihood p(x | z) of one configuration.

    `up` and `down` are the deterministic chains by level, finest first; `latents` are the layers in coding order.
    """

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.config = config
        self.arithmetic = Arithmetic(config.exact, config.lipschitz, config.weight_norm)
        upwards = inference_arithmetic(config)
        smooth = Arithmetic(config.reversible, config.lipschitz, config.weight_norm)
        self.stem = _stem(config, upwards)
        self.up = nn.ModuleList(self._up(level, upwards) for level in range(config.levels))
        self.top = nn.Parameter(torch.randn(1, config.width, 1, 1))  # d_L, Willetts et al., appendix C
        self.down = nn.ModuleList(self._down(level) for level in range(config.levels))
        plans = config.plans()
        self.latents = nn.ModuleList(
            LatentLayer(plan, config, self.arithmetic, last=plan.level == config.levels - 1) for plan in plans
        )
        self.boltzmann = _boltzmann(config)
        likelihood = KINDS[config.likelihood](config)
        self.synthesis = _synthesis(config, likelihood.outputs, smooth)
        self.likelihood = likelihood

    def _up(self, level: int, arithmetic: Arithmetic) -> nn.Sequential:
        config = self.config
        below = config.sides[level - 1] if level else config.sides[0]
        halve = [Down(config.width, config.width, arithmetic) for _ in halvings(below, config.sides[level])]
        return nn.Sequential(*halve, blocks(config.blocks, config, arithmetic, config.dropout))

    def _down(self, level: int) -> Chain:
        config = self.config
        side = config.sides[level]
        above = config.sides[level + 1] if level + 1 < config.levels else side
        grow = [Up(config.width, larger, self.arithmetic) for larger in reversed(halvings(side, above))]
        rest = blocks(config.blocks, config, self.arithmetic, config.dropout)
        return Chain(*grow, *rest)

    @property
    def centred(self) -> bool:
        """Tell whether it trains on pixels less a mean image: a perceptron whose configuration says so."""
        return self.config.network == "mlp" and self.config.centred

    def layers(self) -> list[LatentLayer]:
        """Return the layers in coding order, coarsest first."""
        return [layer for layer in self.latents if isinstance(layer, LatentLayer)]

    def infer(self, x: Float[Tensor, "B channels S S"], sampler: Sampler) -> Inference:
        """Run the bottom-up pass.

        Args:
            x: Images; grey levels 0 to 255, or 0 and 1 for binary pixels.
            sampler: Chooses the symbols of layers that are inferred in the bottom-up pass.
        """
        h: Tensor = self.stem(self.scaled(x))
        inference = Inference([], {}, {})
        upwards = {m.plan.level: (i, m) for i, m in enumerate(self.layers()) if m.plan.bottom_up}
        for level, blocks_up in enumerate(self.up):
            h = blocks_up(h)
            inference.features.append(h)
            if level in upwards:
                index, layer = upwards[level]
                h = self._choose_upwards(index, layer, h, sampler, inference)
        return inference

    def scaled(self, x: Tensor) -> Tensor:
        """Return pixels scaled for the stem, on the grid of its inputs where inference is in integers."""
        if self.likelihood.binary:
            return 2 * x - 1
        return (x - 128) / 16 if self.config.reversible else x / 127.5 - 1

    def _choose_upwards(
        self, index: int, layer: LatentLayer, h: Tensor, sampler: Sampler, inference: Inference
    ) -> Tensor:
        """Choose a layer: q(z_l | z_<l, x) with skip connections (eq 18, 22), q(z_l | z_l-1) without (eq 17)."""
        query = layer.query(h, None)
        choice = sampler(layer.posterior(query))
        inference.queries[index], inference.choices[index] = query, choice
        if layer.up is None:
            return h
        risen: Tensor = layer.up(layer.maps(layer.embed(choice, query)))
        return inference_arithmetic(self.config).quantise_residual(h + risen if self.config.skips else risen)

    def start_pass(self, images: int, inference: Inference | None = None) -> FamilyPass:
        """Return a top-down pass for a number of images; it can be run once."""
        return FamilyPass(self, images, inference)

    def decode(
        self,
        images: int,
        source: TensorSymbolSource[LatentStep],
        inference: Inference | None = None,
        stop: int | None = None,
    ) -> Float[Tensor, "B outputs S S"]:
        """Run the top-down pass and the synthesis.

        Args:
            images: Number of images B.
            source: Decides the symbols.
            inference: Results of the bottom-up pass, if the source needs the posterior; where it chose no layer, B may
                be a multiple of its images.
            stop: Number of layers to visit; None visits all.

        Returns:
            The parameters of the likelihood.
        """
        return self.synthesise(run_pass(self.start_pass(images, inference), source, stop))

    def synthesise(self, d: Float[Tensor, "B C side side"]) -> Float[Tensor, "B outputs S S"]:
        """Return the parameters of the likelihood for the last features of the top-down chain."""
        h = self.synthesis[:-1](d)
        with torch.autocast(h.device.type, enabled=False):  # a pixel's mean needs more than bfloat16's 8 bits
            raw: Tensor = self.synthesis[-1](h)
        return raw

    def log_likelihood(
        self, x: Float[Tensor, "B channels S S"], sampler: Sampler, costs: PassCosts, copies: int = 1
    ) -> Float[Tensor, "copies B"]:
        """Return log p(x | z) of choices of the posterior, in nats.

        Args:
            x: Images.
            sampler: Takes a choice from a posterior.
            costs: Records what the choices cost, by image, the first copies of all images first.
            copies: Number of choices of each image; where no layer is chosen in the bottom-up pass, it runs once.
        """
        repeated = x.repeat(copies, 1, 1, 1)
        inference = self.infer(repeated if self.config.infers_upwards else x, sampler)
        raw = self.decode(len(repeated), Posterior(sampler, costs), inference)
        return self.p_x().log_prob(repeated, raw).view(copies, -1)

    def p_x(self) -> Likelihood:
        """Return the likelihood p(x | z)."""
        likelihood: Likelihood = self.likelihood
        return likelihood


def _boltzmann(config: FamilyConfig) -> BoltzmannMachine | None:
    """Return the machine whose sides are the two coarsest levels, or the halves of a single one."""
    if not config.boltzmann:
        return None
    return BoltzmannMachine(*machine_sides(config))


def _stem(config: FamilyConfig, arithmetic: Arithmetic) -> nn.Sequential:
    """Return the network from pixels to the finest level's side."""
    if config.network == "mlp":
        return mlp.stem(config, arithmetic)
    parts: list[nn.Module] = [Conv(config.channels, config.width, arithmetic)]
    parts += [Down(config.width, config.width, arithmetic) for _ in halvings(config.image, config.sides[0])]
    return nn.Sequential(*parts)


def _synthesis(config: FamilyConfig, outputs: int, arithmetic: Arithmetic) -> Chain:
    """Return the network from the finest level's side to the parameters of the likelihood."""
    if config.network == "mlp":
        return mlp.synthesis(config, outputs, arithmetic)
    parts: list[nn.Module] = []
    detailed = config.likelihood != "neighbours"  # that likelihood models the finest detail itself
    for side in reversed(halvings(config.image, config.sides[0])):
        parts += [Up(config.width, side, arithmetic), *blocks(int(detailed), config, arithmetic)]
    more = blocks(config.blocks if detailed else 0, config, arithmetic, config.dropout)
    return Chain(*parts, *more, Activation("elu", arithmetic), Conv(config.width, outputs, arithmetic))
