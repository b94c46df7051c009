"""Pictures that a family's model makes: prior samples, reconstructions, and what the finer layers leave open."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..models.families.choosers import Account, Pick, Posterior, Prior, Replay, sampled
from ..models.families.model import FamilyVAE

RUN = 64
"""Images that are decoded at a time: memory does not grow with their number."""


@torch.no_grad()
def draw(
    model: FamilyVAE, n: int, *, layers: int | None = None, seed: int = 0, temperature: float = 1.0
) -> NDArray[np.uint8]:
    """`n` samples of the prior, their means as grey levels, (n, C, S, S).

    `layers`: the choices of so many layers, coarsest first, are drawn once and shared by all samples; the layers below
    are drawn anew. `temperature` multiplies the samples' noise; 1 is the model.
    """
    generator = torch.Generator(_device(model)).manual_seed(seed)
    prior = Prior(sampled(generator, temperature))
    shared = _first(model, layers, prior) if layers else []
    runs = [_drawn(model, min(RUN, n - start), shared, prior) for start in range(0, n, RUN)]
    return np.concatenate(runs)


def _drawn(model: FamilyVAE, n: int, shared: list[Tensor], prior: Prior) -> NDArray[np.uint8]:
    repeated = [_repeat(choice, layer.plan.variables, n) for choice, layer in zip(shared, model.layers(), strict=False)]
    return _levels(model, model.decode(n, Replay(repeated, prior)))


@torch.no_grad()
def reconstruct(
    model: FamilyVAE, images: Tensor, *, layers: int | None = None, seed: int = 0, temperature: float = 1.0
) -> NDArray[np.uint8]:
    """Means given one posterior sample of each image (B, C, S, S) as the model takes them: grey levels (B, C, S, S).

    `layers`: only so many layers, coarsest first, are the posterior's; the finer ones are drawn from the prior.
    """
    generator = torch.Generator(_device(model)).manual_seed(seed)
    posterior, prior = sampled(generator), Prior(sampled(generator, temperature))
    return np.concatenate([_reconstructed(model, part, layers, posterior, prior) for part in torch.split(images, RUN)])


def _reconstructed(model: FamilyVAE, images: Tensor, layers: int | None, pick: Pick, prior: Prior) -> NDArray[np.uint8]:
    x, account = images.to(_device(model), torch.float32), Account()
    raw = model.decode(len(x), Posterior(pick, account), model.infer(x, pick))
    if layers is None:
        return _levels(model, raw)
    return _levels(model, model.decode(len(x), Replay(account.choices[:layers], prior)))


def grid(
    model: FamilyVAE, n: int, *, layers: int | None = None, seed: int = 0, temperature: float = 1.0
) -> Image.Image:
    """`draw` as one picture, about as many rows as columns."""
    return mosaic(draw(model, n, layers=layers, seed=seed, temperature=temperature))


def mosaic(images: NDArray[np.uint8], columns: int | None = None, gap: int = 2) -> Image.Image:
    """Images (n, C, S, S) side by side; RGB where C is 3, otherwise grey."""
    n, channels, side, _ = images.shape
    columns = columns or int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    sheet = np.full((rows * (side + gap) - gap, columns * (side + gap) - gap, channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = (side + gap) * (i // columns), (side + gap) * (i % columns)
        sheet[top : top + side, left : left + side] = image.transpose(1, 2, 0)
    return Image.fromarray(sheet if channels == 3 else sheet[:, :, 0])


def _first(model: FamilyVAE, layers: int, prior: Prior) -> list[Tensor]:
    """The prior's choices at the first layers, of one image."""
    watch = _Watch(prior)
    model.decode(1, watch, stop=layers)
    return watch.choices


class _Watch:
    """Remembers what another chooser chose."""

    def __init__(self, inner: Prior) -> None:
        self.inner = inner
        self.choices: list[Tensor] = []

    def choose(self, step: object) -> Tensor:
        self.choices.append(self.inner.choose(step))  # type: ignore[arg-type]
        return self.choices[-1]


def _repeat(choice: Tensor, variables: int, n: int) -> Tensor:
    """Rows of one image for `n` of them: rows run over variables, images, positions."""
    rows = choice.view(variables, 1, -1, *choice.shape[1:])
    return rows.expand(-1, n, *rows.shape[2:]).flatten(0, 2)


def _levels(model: FamilyVAE, raw: Tensor) -> NDArray[np.uint8]:
    """The likelihood's mean as grey levels 0..255."""
    likelihood = model.p_x()
    mean = likelihood.mean(raw) * (255 if likelihood.binary else 1)
    levels: NDArray[np.uint8] = mean.clamp(0, 255).add(0.5).floor().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return levels


def _device(model: FamilyVAE) -> torch.device:
    return next(model.parameters()).device
