"""The networks of the families, in either arithmetic: weight-normalised convolutions, residual blocks, resizing.

Residual blocks follow Kingma et al. (2016), as both papers do: ELU, 3x3, ELU, 3x3; or the gated ones of Lievin et al.
(2019, appendix A). Resizing is by patches: 2x2 positions to channels and back, beside a rescaled identity.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ...shapes import Float
from ..integer.grid import FLOAT32_LIMIT
from ..integer.linear import QuantLinear, nine_products
from .arithmetic import Arithmetic
from .config import FamilyConfig, squeezed_width

DIRECTION = 0.05
"""Spread of a normalised weight's entries at the start (Salimans and Kingma 2016, section 3), whatever its inputs.

Optimisers step as far for every entry: drawn by their number of inputs, the rows of a dense head, thousands of entries
of 0.01 and less, were turned anew by every step, and the symbols that they choose with them."""


class Conv(QuantLinear):
    """A 1x1 or 3x3 convolution with zero padding, in either arithmetic.

    Where its sums may exceed 24 bits (`wide`) the exact path runs in float64 (53 bits).

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        arithmetic: Integer or float arithmetic.
        kernel: Width and height of the kernel, 1 or 3.
        gain: Standard deviation of the outputs at the start, for inputs of variance 1.
        centred: Whether a map of one tap is weight (x - centre) + bias, for a centre that `set_centre` sets.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        arithmetic: Arithmetic,
        *,
        kernel: int = 3,
        gain: float = 1.0,
        centred: bool = False,
    ) -> None:
        super().__init__(inputs, outputs, gain=gain, patch=kernel**2)
        self.inputs, self.kernel, self.arithmetic, self.gain = inputs, kernel, arithmetic, gain
        self.wide = False
        self.register_buffer("centre", torch.zeros(inputs) if centred else None)
        self.centre: Tensor | None
        if arithmetic.weight_norm:
            parametrizations.weight_norm(self)
            _set_direction_scale(self.get_parameter("parametrizations.weight.original1"))

    def quantised(self) -> tuple[Float[Tensor, "outputs inputs"], Float[Tensor, " outputs"]]:
        """Return weights and bias as this arithmetic has them; a row of weights has all taps of all channels.

        The bias has the centre in it, so that files and codecs need not know of one.
        """
        weight, bias = self._free()
        return (weight, bias) if self.centre is None else (weight, bias - (weight * self.centre).sum(1))

    def _free(self) -> tuple[Tensor, Tensor]:
        """Return weights and the bias of inputs less their centre."""
        if self.arithmetic.exact:
            return super().quantised()
        if self.arithmetic.ceiling:
            return self.weight * (self.arithmetic.ceiling / self._norm(self.weight)).clamp(max=1.0), self.bias
        weight: Tensor = self.weight
        return weight, self.bias

    def forward(self, x: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs H W"]:
        weight, bias = self.quantised()
        kernel = weight.view(weight.shape[0], -1, self.kernel, self.kernel)
        if self.training or not self.arithmetic.exact:
            return torch.add(self._convolution(x, kernel), bias.view(1, -1, 1, 1))
        if self.wide:
            return self._integer_convolution(x.double(), kernel.double(), bias.double()).float()
        return self._integer_convolution(x, kernel, bias)

    def _convolution(self, x: Tensor, kernel: Tensor) -> Tensor:
        if self.kernel == 1 and x.shape[2:] == (1, 1):  # a matrix product takes less than half of a convolution's time
            return F.linear(x[:, :, 0, 0], kernel[:, :, 0, 0])[:, :, None, None]
        return F.conv2d(x, kernel, padding=self.kernel // 2)

    def _integer_convolution(self, x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        if self.kernel == 3:
            return nine_products(x, kernel, bias)
        B, _, H, W = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(B * H * W, -1)
        return torch.addmm(bias, rows, kernel.flatten(1).t()).view(B, H, W, -1).permute(0, 3, 1, 2)

    def choose_precision(self) -> None:
        """Choose the exact path's precision by the largest sum that these weights can cause."""
        self.wide = self.accumulator_bound() >= FLOAT32_LIMIT

    @torch.no_grad()
    def set_centre(self, centre: Float[Tensor, " inputs"]) -> None:
        """Subtract a vector from all inputs; it is rounded to their grid where the arithmetic is exact."""
        assert self.centre is not None, "a map that is not centred has no centre"
        self.centre.copy_(self.arithmetic.inputs(centre))

    def _norm(self, weight: Tensor) -> Tensor:
        """Return a bound of the operator norm: the taps' spectral norms added up (each shift has norm 1)."""
        taps = weight.view(weight.shape[0], -1, self.kernel**2).permute(2, 0, 1)
        total: Tensor = torch.linalg.matrix_norm(taps, ord=2).sum()
        return total

    def lipschitz(self) -> float:
        """Return a bound of the map's Lipschitz constant for the Euclidean norm."""
        return float(self._norm(self.quantised()[0].detach()))


def _set_direction_scale(direction: nn.Parameter) -> None:
    """Give the rows' entries a spread of `DIRECTION`, which changes no product, only how far a step turns them."""
    with torch.no_grad():
        rows = direction.flatten(1)
        rows.mul_(DIRECTION * rows.shape[1] ** 0.5 / rows.norm(dim=1, keepdim=True))


class Excitation(nn.Module):
    """Weighs the channels of a map by what they are in the mean: h * sigmoid(second(ELU(first(mean h)))).

    Source: Hu et al. (2018), "Squeeze-and-Excitation Networks", with ELU in the place of ReLU.

    Args:
        width: Number of channels.
        arithmetic: Integer or float arithmetic.
    """

    def __init__(self, width: int, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.arithmetic = arithmetic
        self.first = Conv(width, squeezed_width(width), arithmetic, kernel=1)
        self.second = Conv(squeezed_width(width), width, arithmetic, kernel=1)

    def forward(self, h: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        squeezed = self.arithmetic.elu(self.first(self.arithmetic.pooled(h)))
        return self.arithmetic.scaled(h, self.second(squeezed))


class Block(nn.Module):
    """A residual block: d + second(ELU(first(ELU(d)))), or d + a * sigmoid(b) of the second map's halves.

    Source: Kingma et al. (2016); for the kind `gated` Lievin et al. (2019), appendix A; for the kind `se`, whose
    channels are weighed before they are added, Vahdat et al. (2018), section 6.2.

    Args:
        width: Number of channels.
        kind: `elu`, `gated` or `se`.
        arithmetic: Integer or float arithmetic.
        dropout: Probability with which a value between the maps is dropped in training.
    """

    def __init__(self, width: int, kind: str, arithmetic: Arithmetic, dropout: float = 0.0) -> None:
        super().__init__()
        self.kind, self.arithmetic = kind, arithmetic
        self.first = Conv(width, width, arithmetic)
        self.second = Conv(width, 2 * width if kind == "gated" else width, arithmetic, gain=0.3)
        self.excitation = Excitation(width, arithmetic) if kind == "se" else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, d: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        h = self.arithmetic.elu(self.first(self.arithmetic.elu(d)))
        h = self.second(self.dropout(h))
        if self.kind == "gated":
            h = self.arithmetic.gated(h)
        elif self.excitation is not None:
            h = self.excitation(h)
        return self.arithmetic.quantise_residual(d + h)

    def lipschitz(self) -> float:
        """Return 1 + L(first) L(second): ELU has slopes of at most 1."""
        assert self.kind == "elu", "a product with a gate has no Lipschitz constant"
        return 1 + self.first.lipschitz() * self.second.lipschitz()


class Hidden(nn.Module):
    """A hidden layer of a perceptron: map(activation(d)). The chain holds values before their activation.

    Args:
        width: Number of units.
        kind: Activation function, `elu` or `tanh`.
        arithmetic: Integer or float arithmetic.
        dropout: Probability with which an activation is dropped in training.
    """

    def __init__(self, width: int, kind: str, arithmetic: Arithmetic, dropout: float = 0.0) -> None:
        super().__init__()
        self.kind, self.arithmetic = kind, arithmetic
        self.map = Conv(width, width, arithmetic, kernel=1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, d: Float[Tensor, "B C 1 1"]) -> Float[Tensor, "B C 1 1"]:
        mapped: Tensor = self.map(self.dropout(self.arithmetic.activation(d, self.kind)))
        return self.arithmetic.quantise_residual(mapped)


class Down(nn.Module):
    """Halves the sides of a map, rounded up: a linear map of 2x2 patches, plus their mean if channels stay as many."""

    def __init__(self, inputs: int, outputs: int, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.patch = Conv(4 * inputs, outputs, arithmetic, kernel=1)
        self.arithmetic, self.identity = arithmetic, inputs == outputs

    def forward(self, x: Float[Tensor, "B inputs H W"]) -> Float[Tensor, "B outputs (H+1)//2 (W+1)//2"]:
        even = F.pad(self.arithmetic.quantise_residual(x), (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        mapped: Tensor = self.patch(self.arithmetic.inputs(F.pixel_unshuffle(even, 2)))
        return self.arithmetic.quantise_residual(mapped + F.avg_pool2d(even, 2) if self.identity else mapped)


class Up(nn.Module):
    """Doubles the sides of a map and crops them to `side`: a linear map to 2x2 patches, plus repetition."""

    def __init__(self, width: int, side: int, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.side, self.arithmetic = side, arithmetic
        self.patch = Conv(width, 4 * width, arithmetic, kernel=1, gain=0.5)

    def forward(self, d: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C side side"]:
        patches = F.pixel_shuffle(self.patch(self.arithmetic.elu(d)), 2)
        grown = patches + d.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return self.arithmetic.quantise_residual(grown[:, :, : self.side, : self.side])

    def lipschitz(self) -> float:
        """Return the sum of 2, of the repetition (four copies), and the patches' bound; a crop adds nothing."""
        return 2 + self.patch.lipschitz()


class Activation(nn.Module):
    """Applies an activation function between the parts of a chain.

    Args:
        kind: `elu`, `tanh` or `linear`.
        arithmetic: Integer or float arithmetic.
    """

    def __init__(self, kind: str, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.kind, self.arithmetic = kind, arithmetic

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.arithmetic.activation(x, self.kind)

    def lipschitz(self) -> float:
        """Return 1: no slope of ELU is larger."""
        assert self.kind == "elu"
        return 1.0


class Chain(nn.Sequential):
    """Runs modules one after the other, which have a Lipschitz bound together."""

    def lipschitz(self) -> float:
        """Return a bound of the Lipschitz constant: the product of the parts' bounds."""
        product = 1.0
        for part in self:
            product *= part.lipschitz()  # type: ignore[operator]
        return product


def blocks(count: int, config: FamilyConfig, arithmetic: Arithmetic, dropout: float = 0.0) -> Chain:
    """Return a chain of residual blocks, or of the hidden layers of a perceptron.

    Args:
        count: Their number.
        config: The model's configuration.
        arithmetic: Integer or float arithmetic.
        dropout: Probability with which a value inside is dropped in training.
    """
    kind = Hidden if config.network == "mlp" else Block
    return Chain(*(kind(config.width, config.block, arithmetic, dropout) for _ in range(count)))
