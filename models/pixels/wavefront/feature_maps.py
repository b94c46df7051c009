"""The features of all pixels of images at once, as tensors for training (see `features`)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ....shapes import Float
from . import features
from .features import COUNTS, LIMIT, NEAR, PAST, RECEPTIVE_FIELD, SHOWN, Shift


def fill_logarithms(rows: Float[Tensor, "inputs n"], predictors: int) -> Float[Tensor, "inputs n"]:
    """Fill in the logarithms, as `features.fill_logarithms` does, and return all features."""
    first, J = len(rows) - 3 * (len(COUNTS) + predictors), 3 * predictors
    busy = _tensor(features.nearest(), rows) @ rows[: 3 * len(NEAR)].abs()
    wrong = rows[features.linear_inputs() : first].abs().view(len(PAST), J, -1).sum(0).mul_(0.25)
    rows[first : first + len(busy)] = _logarithm(busy)
    rows[first + len(busy) :] = _logarithm(wrong)
    return rows


def _logarithm(sums: Tensor) -> Tensor:
    return _tensor(features.logarithms(), sums).take(sums.long())


def _tensor(constants: NDArray[np.float32], like: Tensor) -> Tensor:
    return torch.from_numpy(constants).to(like.device)


def shifted(maps: Float[Tensor, "C B H W"], offsets: tuple[Shift, ...]) -> Float[Tensor, "D B H W"]:
    """Return maps at offsets from every pixel, 0 outside the image: D = offsets * C."""
    height, width = maps.shape[-2:]
    padded = F.pad(maps, (RECEPTIVE_FIELD.columns, RECEPTIVE_FIELD.columns, RECEPTIVE_FIELD.rows, 0))
    corners = [(RECEPTIVE_FIELD.rows + dy, RECEPTIVE_FIELD.columns + dx) for dy, dx in offsets]
    return torch.cat([padded[..., y : y + height, x : x + width] for y, x in corners])


def bases(planes: Float[Tensor, "3 B H W"]) -> Float[Tensor, "3 B H W"]:
    """Return the base of every pixel, in grey levels as the planes are."""
    above, left = F.pad(planes, (0, 0, 1, 0))[..., :-1, :], F.pad(planes, (1, 0))[..., :-1]
    y, x, start = (_tensor(part, planes)[:, None] for part in features.weights_of(*planes.shape[-2:]))
    return torch.floor(above * y + left * x + 0.5) + start


def shown_around(shown: Float[Tensor, "3 B H W"]) -> Float[Tensor, "maps B H W"]:
    """Return the lossy image's planes at the offsets of its features, as `features.shown_around` does."""
    height, width = shown.shape[-2:]
    padded = F.pad(shown[:1], (1, 1, 1, 1), mode="replicate")
    light = [padded[..., 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in SHOWN]
    return torch.cat([*light, shown[1:]])


def clamped(rows: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Limit features to their range, in place."""
    return rows.clamp_(-LIMIT, LIMIT)
