"""The cost of exact integers: a checkpoint as a float model without grids, and the weights exported from it.

    python benchmarks/quantisation.py runs/mine/checkpoint.safetensors DIR

Both code the images of DIR with the mode of the posterior at the same network qualities. Bits are -log2 p(z), with
float probabilities in the float model and with the coder's integer frequencies in the integer model.
"""

from __future__ import annotations

import math
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dvcodec import models
from dvcodec.codec.lossy.symbol_chunks import encode, render
from dvcodec.evaluation.images import image_files, load_rgb
from dvcodec.evaluation.metrics.scores import psnr
from dvcodec.models.integer import grid, linear
from dvcodec.models.photo.file import write
from dvcodec.models.photo.network import chain, latent
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.models.photo.quality import FINEST_QUALITY, QualityMap
from dvcodec.training.loop.checkpoints import Checkpoint
from dvcodec.training.tasks.posterior_source import PosteriorSource

CODES = (512, 1536, 2560, 3584)


def clamped(x: Tensor, bits: int, low: float = -math.inf, high: float = math.inf) -> Tensor:
    """Clamp like `grid.quantise`, without rounding."""
    return x.clamp(low, high)


@contextmanager
def no_grids() -> Iterator[None]:
    """Let the networks compute in plain float32 inside the context, without rounding."""
    kept: list[tuple[object, str, Callable[..., object]]] = []

    def replace(owner: object, name: str, value: Callable[..., object]) -> None:
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    for module in (grid, latent, chain):
        if hasattr(module, "on_grid"):
            replace(module, "on_grid", clamped)
    replace(linear.QuantLinear, "quantised", lambda self: (self.weight, self.bias))
    try:
        yield
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)


def float_model(model: PhotoRRVQ, pixels: np.ndarray, code: int) -> tuple[float, float]:
    """Return bits per pixel and PSNR of the float model."""
    x = torch.tensor(pixels).permute(2, 0, 1)[None].float()
    source, quality = PosteriorSource(1), torch.tensor([code])
    with torch.inference_mode(), no_grids():
        decoded = model.top_down_pass((x.shape[2], x.shape[3]), quality, source, model.infer(x, quality))
        shown = model.render(decoded)[0].clamp(0, 255).round().permute(1, 2, 0).to(torch.uint8).numpy()
    return float(source.nats.sum()) / math.log(2) / (x.shape[2] * x.shape[3]), psnr(pixels, shown)


def main() -> None:
    """Print both models' means at each code."""
    parser = ArgumentParser(description="bits and PSNR of a float checkpoint beside its exact weights")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    model = Checkpoint(options.checkpoint).photo_model()
    images = [np.asarray(load_rgb(file)) for file in image_files(options.folder)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exact.safetensors"
        path.write_bytes(write(model, QualityMap(0, FINEST_QUALITY), "exact"))
        hierarchy = models.load_network(path)
    for code in CODES:
        span = 99 * 256
        quality = 256 + (code * span + FINEST_QUALITY // 2) // FINEST_QUALITY
        floats = np.mean([float_model(model, pixels, code) for pixels in images], axis=0)
        encoded = [encode(pixels, hierarchy, quality) for pixels in images]
        bits = np.mean([sum(e.layer_bits) / (p.shape[0] * p.shape[1]) for e, p in zip(encoded, images, strict=True)])
        decibels = np.mean(
            [psnr(p, render(e.state, hierarchy, grey=False)) for e, p in zip(encoded, images, strict=True)]
        )
        print(
            f"code {code}: float {floats[0]:.4f} bpp {floats[1]:.2f} dB, exact {bits:.4f} bpp {decibels:.2f} dB"
            f" ({100 * (bits / floats[0] - 1):+.2f} % bits, {decibels - floats[1]:+.3f} dB)"
        )


if __name__ == "__main__":
    main()
