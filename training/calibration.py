"""Where quality 50 lies: at half a bit a pixel in the mean of given photographs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..models.hierarchy import QualityMap
from ..models.photo import FINEST_CODE, PhotoRRVQ
from .choosers import PosteriorChooser
from .photos import SUFFIXES, read_rgb

TARGET = 0.5
"""Bits per pixel at quality 50."""


def calibrate(model: PhotoRRVQ, folder: Path) -> QualityMap:
    """The widest map, linear in the quality, that puts quality 50 at TARGET bits a pixel in the folder's mean."""
    images = [load(path) for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    low, high = 0, FINEST_CODE
    while high - low > 8:
        middle = (low + high) // 2
        below = sum(estimated_bpp(model, x, middle) for x in images) < TARGET * len(images)
        low, high = (middle, high) if below else (low, middle)
    slope = min(low / 49, (FINEST_CODE - low) / 50)
    return QualityMap(round(low - 49 * slope), round(low + 50 * slope))


def load(path: Path) -> Tensor:
    """An image file as (1, 3, H, W) floats in [0, 255]."""
    return torch.from_numpy(np.array(read_rgb(path))).permute(2, 0, 1)[None].float()


@torch.inference_mode()
def estimated_bpp(model: PhotoRRVQ, x: Tensor, code: int) -> float:
    """-log2 p(z) per pixel of the hard posterior at a quality code."""
    chooser = PosteriorChooser(1)
    quality = torch.tensor([code])
    model.paint((x.shape[2], x.shape[3]), quality, chooser, model.infer(x, quality))
    return float(chooser.nats.sum()) / math.log(2) / (x.shape[2] * x.shape[3])
