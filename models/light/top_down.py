"""The top-down pass over groups of coefficients: priors, symbols, their cost in nats, and the networks' state."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...shapes import Float
from ..photo.layout import COEFFICIENTS
from ..photo.network.chain import from_tokens, tokens
from ..photo.network.model import grid_sizes
from .coefficients import Coefficients
from .conditioning import Conditioning
from .config import COST_SHARES, STRIDES, LightConfig
from .layers import RoundedLinear, activation, residual_stream
from .layout import light_layout
from .network import CoefficientGroup, LightStage
from .prior import LogisticPrior, nats, symbol_encoding


@dataclass(frozen=True)
class GroupStep:
    """The symbols of one group that are coded in parallel.

    Args:
        index: which group of the pass.
        stride: of its positions.
        group: its networks.
        prior: embeddings of all its positions.
        first: whether this is the group's first step. In the second one, of a checkerboard, only the non-anchors count.
    """

    index: int
    stride: int
    group: CoefficientGroup
    prior: LogisticPrior
    first: bool


GroupSymbolSource = Callable[[GroupStep], Tensor]
"""Chooses the symbols (N, G) of a step, whole numbers in floats, for all positions."""


def posterior_modes(targets: Coefficients, conditioning: Conditioning) -> GroupSymbolSource:
    """Return the source that chooses the cheapest symbols for coefficients to code, as an encoder does."""
    plain, tuned = COST_SHARES
    shares = plain + (tuned - plain) * conditioning.tuning

    def chosen(step: GroupStep) -> Tensor:
        wanted = targets[step.stride][:, step.group.channels]
        share = shares.repeat_interleave(len(wanted) // conditioning.batch)[:, None]
        return step.group.posterior_mode(wanted, step.prior, share)

    return chosen


@dataclass
class LightPass:
    """The result of a pass.

    Args:
        nats: -ln p of all symbols, by image, (B,).
        reconstruction: decoded coefficients by stride.
        symbols: whole numbers of each group, (N, G).
        group_nats: -ln p by group and image, (B,).
    """

    nats: Tensor
    reconstruction: Coefficients
    symbols: list[Tensor] = field(default_factory=list)
    group_nats: list[Tensor] = field(default_factory=list)


class LightTopDown(nn.Module):
    """All networks that probabilities depend on.

    Args:
        config: sizes of the model.
    """

    def __init__(self, config: LightConfig) -> None:
        super().__init__()
        self.config = config
        layout, count = light_layout(), 0
        self.scales = nn.ModuleDict()
        for stride in STRIDES:
            stages = nn.ModuleList()
            for groups in layout[stride]:
                near, last = count < config.neighbours, groups is layout[STRIDES[-1]][-1]
                stages.append(LightStage(config, config.widths[stride], groups, neighbours=near, last=last))
                count += 1
            self.scales[str(stride)] = stages
            coded = [i for groups in layout[stride] for group in groups for i in group]
            order = torch.tensor(coded + sorted(set(range(COEFFICIENTS[stride])) - set(coded))).argsort()
            self.register_buffer(f"order_{stride}", order, persistent=False)
        widths = [config.widths[stride] for stride in STRIDES]
        self.grow = nn.ModuleList(RoundedLinear(a, 4 * b) for a, b in itertools.pairwise(widths))

    def stages(self, stride: int) -> list[LightStage]:
        """Return the stages of a stride in coding order."""
        return [stage for stage in self.scales[str(stride)].children() if isinstance(stage, LightStage)]

    def groups(self) -> list[tuple[int, CoefficientGroup]]:
        """Return all groups in coding order, with their strides."""
        return [(stride, group) for stride in STRIDES for stage in self.stages(stride) for group in stage.parts()]

    def set_integers(self, on: bool) -> None:
        """Set whether all maps compute with a decoder's integers or in floats."""
        for module in self.modules():
            if "integers" in vars(module):  # maps of several classes, none of which is a parameter
                vars(module)["integers"] = on

    def forward(self, size: tuple[int, int], conditioning: Conditioning, source: GroupSymbolSource) -> LightPass:
        """Run the pass over images of `size` (height, width)."""
        sizes = grid_sizes(size)
        top = self.config.widths[STRIDES[0]]
        state = conditioning.tuning.new_zeros(conditioning.batch, top, *sizes[STRIDES[0]])
        out = LightPass(conditioning.tuning.new_zeros(conditioning.batch), {})
        for i, stride in enumerate(STRIDES):
            if i:
                state = self._finer(i, state, sizes[stride])
            state = self._scale(stride, state, conditioning, source, out)
        out.nats = torch.stack(out.group_nats).sum(0)
        return out

    def _finer(self, index: int, state: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the state of the next finer stride."""
        grow = self.grow[index - 1]
        assert isinstance(grow, RoundedLinear)
        grown = from_tokens(grow(tokens(activation(state, grow.integers))), state)
        return residual_stream(F.pixel_shuffle(grown, 2)[:, :, : size[0], : size[1]], grow.integers)

    def _scale(
        self, stride: int, state: Tensor, conditioning: Conditioning, source: GroupSymbolSource, out: LightPass
    ) -> Tensor:
        """Code one stride: return the state after it, and add to `out`."""
        anchors = _anchors(state)
        decoded = []
        for stage in self.stages(stride):
            state = stage.enter(state, conditioning)
            integers = stage.head.integers
            features = residual_stream(stage.head(activation(tokens(state), integers)), integers)
            encodings = []
            for group in stage.parts():
                symbols, cost, features = _coded(stride, group, features, conditioning, source, out, anchors, state)
                out.symbols.append(symbols)
                out.group_nats.append(cost.view(conditioning.batch, -1).sum(1))
                decoded.append(group.values(symbols))
                encodings.append(symbol_encoding(symbols))
                if group.symbol_embedding is not None:
                    features = residual_stream(features + group.symbol_embedding(encodings[-1]), integers)
            if stage.close is not None:
                state = residual_stream(state + from_tokens(stage.close(torch.cat(encodings, 1)), state), integers)
        blank = decoded[0].new_zeros(len(decoded[0]), COEFFICIENTS[stride] - sum(part.shape[1] for part in decoded))
        out.reconstruction[stride] = torch.cat([*decoded, blank], 1)[:, self.get_buffer(f"order_{stride}")]
        return state


def _anchors(state: Float[Tensor, "b c h w"]) -> Tensor:
    """Return which positions a checkerboard codes first, (B*H*W, 1) of booleans."""
    batch, _, rows, columns = state.shape
    places = torch.arange(rows, device=state.device)[:, None] + torch.arange(columns, device=state.device)
    return (places % 2 == 0).expand(batch, rows, columns).reshape(-1, 1)


def _coded(
    stride: int,
    group: CoefficientGroup,
    features: Tensor,
    conditioning: Conditioning,
    source: GroupSymbolSource,
    out: LightPass,
    anchors: Tensor,
    state: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return a group's symbols (N, G), their nats (N, G), and the features (N, hidden) with the anchors' messages."""
    index = len(out.symbols)
    prior = group.prior(features, conditioning)
    symbols = source(GroupStep(index, stride, group, prior, True))
    cost = nats(symbols, prior)
    if group.neighbour_embedding is None:
        return symbols, cost, features
    messages = group.neighbour_embedding(from_tokens(symbol_encoding(symbols) * anchors, state))
    integers = group.prior_head.integers
    features = torch.where(anchors, features, residual_stream(features + tokens(messages), integers))
    prior = group.prior(features, conditioning)
    second = source(GroupStep(index, stride, group, prior, False))
    cost = torch.where(anchors, cost, nats(second, prior))
    return torch.where(anchors, symbols, second), cost, features
