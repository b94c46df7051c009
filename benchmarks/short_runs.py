"""Short controlled training runs of the photograph model and their rate-distortion points, for other benchmarks."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dvcodec.evaluation.images import image_files, load_rgb
from dvcodec.evaluation.metrics.scores import psnr
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.training import train
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.options import TrainOptions
from dvcodec.training.tasks.posterior_source import PosteriorSource

CODES = (600, 1500, 2400, 3300)
SIDE = 256
COMMON = {
    "batch": "4",
    "late_from": "1",
    "transform": "cosine",
    "neighbours": "0",
    "synthesis_blocks": "4",
    "postfilter_width": "0",
}
"""Settings of every run: fast to train, independent blocks, and without later additions to the presets."""

Point = tuple[float, float]
"""Bits per pixel and PSNR in dB."""


def trained(preset: str, data: Path, steps: int, settings: dict[str, str], seed: int = 0) -> PhotoRRVQ:
    """Train a preset and return its moving average."""
    with tempfile.TemporaryDirectory() as folder:
        overrides = COMMON | settings
        train(TrainOptions(preset, str(data), Path(folder), steps, seed=seed, quiet=True, overrides=overrides))
        return Checkpoint(Path(folder) / FILE).photo_model()


def middles(folder: Path) -> list[NDArray[np.uint8]]:
    """Return the middle SIDE x SIDE pixels of each photograph."""
    return [_middle(np.asarray(load_rgb(file))) for file in image_files(folder)]


def coded(model: PhotoRRVQ, images: list[NDArray[np.uint8]]) -> list[Point]:
    """Return mean bits per pixel and PSNR at every quality code; bits are -log2 p(z) at the mode of the posterior."""
    return [_at(model, images, code) for code in CODES]


def _at(model: PhotoRRVQ, images: list[NDArray[np.uint8]], code: int) -> Point:
    figures = []
    for image in images:
        x, quality = torch.tensor(image).permute(2, 0, 1)[None].float(), torch.tensor([code])
        source = PosteriorSource(1)
        with torch.inference_mode():
            decoded = model.top_down_pass((x.shape[2], x.shape[3]), quality, source, model.infer(x, quality))
            shown = model.render(decoded)[0].clamp(0, 255).round().permute(1, 2, 0).to(torch.uint8).numpy()
        figures.append((float(source.nats.sum()) / math.log(2) / (SIDE * SIDE), psnr(image, shown)))
    bits, decibels = np.mean(figures, axis=0)
    return float(bits), float(decibels)


def _middle(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    top, left = ((n - SIDE) // 2 for n in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]
