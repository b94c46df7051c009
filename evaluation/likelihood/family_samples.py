"""Samples of a family's prior and reconstructions, with some of the layers fixed if wanted."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...models.families.model import FamilyVAE
from ...models.families.symbol_sources import PassCosts, Posterior, Prior, Replay, Sampler, sampled
from ...models.integer.guard import default_modes

BATCH = 64
"""Images that are decoded at a time, so that memory does not grow with their number."""


@default_modes()
@torch.no_grad()
def draw(
    model: FamilyVAE, n: int, *, layers: int | None = None, seed: int = 0, temperature: float = 1.0
) -> NDArray[np.uint8]:
    """Draw samples of the prior.

    Args:
        model: the family's model.
        n: number of samples.
        layers: number of layers, coarsest first, whose symbols are drawn once and shared by all samples.
        seed: seed of the draws.
        temperature: factor of the sampling noise; 1 samples the model itself.

    Returns:
        Means of the likelihood as grey levels, (n, C, S, S).
    """
    generator = torch.Generator(_device(model)).manual_seed(seed)
    prior = Prior(sampled(generator, temperature))
    shared = _first(model, layers, prior) if layers else []
    runs = [_drawn(model, min(BATCH, n - start), shared, prior) for start in range(0, n, BATCH)]
    return np.concatenate(runs)


def _drawn(model: FamilyVAE, n: int, shared: list[Tensor], prior: Prior) -> NDArray[np.uint8]:
    repeated = [_repeat(choice, layer.plan.variables, n) for choice, layer in zip(shared, model.layers(), strict=False)]
    return _levels(model, model.decode(n, Replay(repeated, prior)))


@default_modes()
@torch.no_grad()
def reconstruct(
    model: FamilyVAE, images: Tensor, *, layers: int | None = None, seed: int = 0, temperature: float = 1.0
) -> NDArray[np.uint8]:
    """Reconstruct images from one posterior sample each.

    Args:
        model: the family's model.
        images: (B, C, S, S) in the model's range.
        layers: number of layers, coarsest first, that use the posterior; finer ones are drawn from the prior.
        seed: seed of the draws.
        temperature: factor of the prior's sampling noise.

    Returns:
        Means of the likelihood as grey levels, (B, C, S, S).
    """
    generator = torch.Generator(_device(model)).manual_seed(seed)
    posterior, prior = sampled(generator), Prior(sampled(generator, temperature))
    return np.concatenate(
        [_reconstructed(model, part, layers, posterior, prior) for part in torch.split(images, BATCH)]
    )


def _reconstructed(
    model: FamilyVAE, images: Tensor, layers: int | None, sampler: Sampler, prior: Prior
) -> NDArray[np.uint8]:
    x, costs = images.to(_device(model), torch.float32), PassCosts()
    raw = model.decode(len(x), Posterior(sampler, costs), model.infer(x, sampler))
    if layers is None:
        return _levels(model, raw)
    return _levels(model, model.decode(len(x), Replay(costs.choices[:layers], prior)))


def grid(
    model: FamilyVAE, n: int, *, layers: int | None = None, seed: int = 0, temperature: float = 1.0
) -> Image.Image:
    """Arrange the samples of `draw` in one picture with about as many rows as columns.

    Args:
        model: the family's model.
        n: number of samples.
        layers: number of layers, coarsest first, whose symbols all samples share; None for none.
        seed: seed of the draws.
        temperature: factor of the sampling noise.

    Returns:
        The picture.
    """
    return mosaic(draw(model, n, layers=layers, seed=seed, temperature=temperature))


def mosaic(images: NDArray[np.uint8], columns: int | None = None, gap: int = 2) -> Image.Image:
    """Arrange images (n, C, S, S) in rows, `gap` pixels apart; the picture is RGB if C is 3, otherwise grey.

    Args:
        images: the images, uint8.
        columns: images in a row; None for about as many rows as columns.
        gap: white pixels between images.

    Returns:
        The picture.
    """
    n, channels, side, _ = images.shape
    columns = columns or int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    sheet = np.full((rows * (side + gap) - gap, columns * (side + gap) - gap, channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = (side + gap) * (i // columns), (side + gap) * (i % columns)
        sheet[top : top + side, left : left + side] = image.transpose(1, 2, 0)
    return Image.fromarray(sheet if channels == 3 else sheet[:, :, 0])


def _first(model: FamilyVAE, layers: int, prior: Prior) -> list[Tensor]:
    """Return the prior's symbols of one image at the first layers."""
    recorder = _Recorder(prior)
    model.decode(1, recorder, stop=layers)
    return recorder.choices


class _Recorder:
    """Symbol source that records the symbols of another."""

    def __init__(self, inner: Prior) -> None:
        self.inner = inner
        self.choices: list[Tensor] = []

    def next(self, step: object) -> Tensor:
        self.choices.append(self.inner.next(step))  # type: ignore[arg-type]
        return self.choices[-1]


def _repeat(choice: Tensor, variables: int, n: int) -> Tensor:
    """Repeat one image's rows for `n` images; rows run over variables, images and positions."""
    rows = choice.view(variables, 1, -1, *choice.shape[1:])
    return rows.expand(-1, n, *rows.shape[2:]).flatten(0, 2)


def _levels(model: FamilyVAE, raw: Tensor) -> NDArray[np.uint8]:
    """Return the likelihood's mean as grey levels 0..255."""
    likelihood = model.p_x()
    mean = likelihood.mean(raw) * (255 if likelihood.binary else 1)
    levels: NDArray[np.uint8] = mean.clamp(0, 255).add(0.5).floor().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return levels


def _device(model: FamilyVAE) -> torch.device:
    return next(model.parameters()).device
