"""The causal neighbours of all pixels of images at once, as tensors for training."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...shapes import Shaped
from .causal import ReceptiveField


def padded(receptive_field: ReceptiveField, planes: Shaped[Tensor, "*batch H W"]) -> Shaped[Tensor, "*batch h w"]:
    """Return planes with zeros around them, as `ReceptiveField.padded` does."""
    columns = receptive_field.columns
    return F.pad(planes, (columns, columns, receptive_field.rows, 0))


def neighbours(receptive_field: ReceptiveField, planes: Shaped[Tensor, "B H W"]) -> Shaped[Tensor, "B H W neighbours"]:
    """Return the neighbours of every pixel, in the order of `ReceptiveField.offsets`; 0 outside the image."""
    height, width = planes.shape[-2:]
    whole = padded(receptive_field, planes)
    corners = [(receptive_field.rows + dy, receptive_field.columns + dx) for dy, dx in receptive_field.offsets()]
    return torch.stack([whole[:, y : y + height, x : x + width] for y, x in corners], dim=-1)
