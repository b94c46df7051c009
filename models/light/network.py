"""Groups of coefficients, and the stages that share one update of the top-down state."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...shapes import Float
from ..integer.grid import quantise
from .conditioning import Conditioning, Knots
from .config import LightConfig
from .grids import ACTIVATION_BITS, ENCODING, LARGEST_SCALE, LEAST_SCALE, LOCATION_GAIN, SCALE_GAIN, TAIL_GAIN
from .layers import LightBlock, RoundedConv, RoundedLinear, activation, residual_stream, weight_scale
from .prior import LogisticPrior, candidates, nats, rounded_prior


class CoefficientGroup(nn.Module):
    """Coefficients that are coded in parallel: their grids, their prior head and their symbols' embedding.

    Args:
        config: sizes.
        channels: the group's coefficients among those of its stride.
        last: whether no group of the stage follows, so that nothing needs the embedding.
        neighbours: whether the non-anchors of a checkerboard receive the symbols of the anchors.
    """

    def __init__(self, config: LightConfig, channels: list[int], *, last: bool, neighbours: bool) -> None:
        super().__init__()
        size, hidden = len(channels), config.hidden
        self.channels = channels
        self.prior_head = RoundedLinear(hidden, 3 * size, 0.1)
        self.scale = Knots(size)
        self.tail = nn.Parameter(torch.full((size,), -1.5))
        self.register_buffer("log_step", torch.full((size,), math.log(config.step)))
        self.shrink = nn.Parameter(torch.tensor([0.08, 0.04, 0.02]).repeat(size, 1))
        self.symbol_embedding = None if last else RoundedLinear(ENCODING * size, hidden, 0.3)
        self.neighbour_embedding = RoundedConv(ENCODING * size, hidden, 0.1) if neighbours else None

    def step(self) -> Float[Tensor, " g"]:
        """Return the distance of two symbols' values, in units of sigma."""
        return torch.exp(self.get_buffer("log_step"))

    def values(self, symbols: Float[Tensor, "... g"]) -> Float[Tensor, "... g"]:
        """Return the values that symbols stand for: points of their grid, shrunk towards zero, in units of sigma."""
        size = symbols.abs()
        one, two, more = self.shrink.unbind(1)
        shrink = torch.where(size == 1, one, torch.where(size == 2, two, more))
        return (symbols - torch.sign(symbols) * shrink) * self.step()

    def prior(self, features: Float[Tensor, "n hidden"], conditioning: Conditioning) -> LogisticPrior:
        """Return the priors at N positions, given their features (N, hidden)."""
        integers = self.prior_head.integers
        location, scale, tail = self.prior_head(activation(features, integers)).chunk(3, 1)
        base, share = self.scale(conditioning) / SCALE_GAIN, self.tail / TAIL_GAIN
        if integers:
            _, octaves, logits = (weight_scale(self.prior_head.weight) * 2**ACTIVATION_BITS).chunk(3)
            base, share = quantise(base * octaves, 0) / octaves, quantise(share * logits, 0) / logits
        scale = (scale + base.repeat_interleave(len(features) // conditioning.batch, 0)) * SCALE_GAIN
        scale, logit = scale.clamp(LEAST_SCALE, LARGEST_SCALE), (share + tail) * TAIL_GAIN
        if integers:
            return rounded_prior(location * LOCATION_GAIN, scale, logit)
        return LogisticPrior(location * LOCATION_GAIN, scale, torch.sigmoid(logit))

    @torch.no_grad()
    def posterior_mode(
        self, targets: Float[Tensor, "n g"], prior: LogisticPrior, cost_share: Float[Tensor, "n 1"]
    ) -> Float[Tensor, "n g"]:
        """Return the symbols that cost least: half the squared error in units of sigma, plus a share of -ln p."""
        found = candidates(targets / self.step(), prior.location)
        error = targets[..., None] - self.values(found.transpose(-1, -2)).transpose(-1, -2)
        cost = 0.5 * error.square() + cost_share[..., None] * nats(found, prior)
        return found.gather(-1, cost.argmin(-1, keepdim=True))[..., 0]


class LightStage(nn.Module):
    """Groups that share one spatial update of the top-down state.

    Args:
        config: sizes.
        width: channels of the state.
        groups: the groups' coefficients.
        neighbours: whether its groups use the checkerboard.
        last: whether no stage follows, so that nothing needs the state any more.
    """

    def __init__(
        self, config: LightConfig, width: int, groups: list[list[int]], *, neighbours: bool, last: bool
    ) -> None:
        super().__init__()
        self.conditioning = Knots(width, 0.1)
        self.blocks = nn.ModuleList(LightBlock(width) for _ in range(config.blocks))
        self.head = RoundedLinear(width, config.hidden)
        self.groups = nn.ModuleList(
            CoefficientGroup(config, g, last=g is groups[-1], neighbours=neighbours) for g in groups
        )
        self.close = None if last else RoundedLinear(ENCODING * sum(map(len, groups)), width, 0.15)

    def parts(self) -> list[CoefficientGroup]:
        """Return the groups in coding order."""
        return [group for group in self.groups if isinstance(group, CoefficientGroup)]

    def enter(self, state: Float[Tensor, "b width h w"], conditioning: Conditioning) -> Float[Tensor, "b width h w"]:
        """Return the state after the stage's blocks."""
        state = residual_stream(state + self.conditioning(conditioning)[:, :, None, None], self.head.integers)
        for block in self.blocks:
            state = block(state)
        return state
