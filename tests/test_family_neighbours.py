"""Likelihoods of pixels that see their neighbours: distributions, causal, and coded as they train."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import families_small as small
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_bits_back import BILEVEL, COLOUR
from torch import Tensor

from dvcodec import training
from dvcodec.errors import DvcodecError
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.neighbours import Bilevel, Colour
from dvcodec.models.families.runtime.neighbours import TRANSFORM
from dvcodec.models.integer.guard import integer_arithmetic
from dvcodec.models.interface.hierarchy import PixelStep
from dvcodec.models.pixels import colour_tensors, tokens
from dvcodec.models.pixels.bilevel.config import HALF, SCORE_BITS
from dvcodec.models.pixels.grids import MEAN_STEPS, TAILS
from dvcodec.training.loading import load_checkpoint
from dvcodec.training.options import TrainOptions
from dvcodec.training.warm_start.families import warm_start_family
from published_files import write_packed


def bilevel(config: FamilyConfig = BILEVEL) -> Bilevel:
    """A likelihood of random weights."""
    found = small.lively(config).p_x()
    assert isinstance(found, Bilevel)
    return found.eval().requires_grad_(False)


def colour() -> Colour:
    """A likelihood of random weights."""
    found = small.lively(COLOUR).p_x()
    assert isinstance(found, Colour)
    return found.eval().requires_grad_(False)


def features(count: int, side: int) -> Tensor:
    """Maps of features on their grid."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-60, 61, (count, 4, side, side), generator=generator) / 16


def test_black_and_white_images_are_a_distribution() -> None:
    every = torch.tensor(list(product((0.0, 1.0), repeat=9))).view(-1, 1, 3, 3)
    log_p = bilevel().log_prob(every, features(1, 3).expand(len(every), -1, -1, -1))
    assert float(log_p.double().exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", ["bilevel", "colour"])
def test_no_pixel_sees_those_after_it(kind: str) -> None:
    likelihood = bilevel() if kind == "bilevel" else colour()
    generator = torch.Generator().manual_seed(1)
    top = 1 if kind == "bilevel" else 255
    x = torch.randint(0, top + 1, (1, 1 if kind == "bilevel" else 3, 6, 7), generator=generator).float()
    seen = _said(likelihood, x)
    for y, column in ((0, 0), (2, 3), (5, 6)):
        changed = x.clone()
        changed[..., y, column] = top - changed[..., y, column]
        differs = (_said(likelihood, changed) != seen).any(0)
        before = torch.zeros(6, 7, dtype=torch.bool)
        before[:y] = True
        before[y, :column] = True
        if kind == "bilevel":
            before[y, column] = True
        assert not bool((differs & before).any())
        assert bool(differs.any()) or (y, column) == (5, 6)


def _said(likelihood: Bilevel | Colour, x: Tensor) -> Tensor:
    """What the network says of every pixel of one image. (outputs, H, W)"""
    raw = features(1, 7)[..., : x.shape[2], :]
    if isinstance(likelihood, Bilevel):
        return torch.as_tensor(likelihood.net(x[:, 0], raw))
    shapes = [shape for _, shape in likelihood.net(colour_tensors.split(x, TRANSFORM), raw)]
    parts = [part for shape in shapes[:1] for part in (shape.mean, shape.scale, shape.tail)]  # the first plane's
    return torch.stack(parts).view(-1, *x.shape[2:])


class Recorded:
    """Takes the pixels and remembers their contexts."""

    def __init__(self) -> None:
        self.contexts: list[NDArray[np.int32]] = []

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """The pixels."""
        self.contexts.append(step.contexts)
        return step.residuals()


def test_black_and_white_is_coded_as_it_trains() -> None:
    likelihood, x = bilevel(), (torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(2)) < 0.4).float()
    raw, source = features(3, 8), Recorded()
    samples = (x[:, 0] * 255).numpy().astype(np.uint8)
    assert np.array_equal(likelihood.coding().code(raw.permute(0, 2, 3, 1).numpy(), source, samples), samples)
    with integer_arithmetic():
        scores = likelihood.net(x[:, 0], raw) * 2**SCORE_BITS + HALF
    fronts = list(likelihood.net.config.receptive_field.wavefronts(8, 8))
    assert len(fronts) == len(source.contexts)
    for (y, column), contexts in zip(fronts, source.contexts, strict=True):
        assert contexts.tolist() == scores[:, y, column].flatten().int().tolist()


def test_colour_is_coded_as_it_trains() -> None:
    likelihood = colour()
    x = torch.randint(0, 256, (2, 3, 8, 8), generator=torch.Generator().manual_seed(3)).float()
    raw, source = features(2, 8), Recorded()
    samples = x.permute(0, 2, 3, 1).numpy().astype(np.uint8)
    assert np.array_equal(likelihood.coding().code(raw.permute(0, 2, 3, 1).numpy(), source, samples), samples)
    with integer_arithmetic():
        shapes = [shape for _, shape in likelihood.net(colour_tensors.split(x, TRANSFORM), raw)]
    fronts = list(likelihood.net.config.receptive_field.wavefronts(8, 8))
    for index, contexts in enumerate(source.contexts):
        (y, column), shape = fronts[index // 3], shapes[index % 3]
        scale, tail = (part.view(2, 8, 8)[:, y, column].flatten().int() for part in (shape.scale, shape.tail))
        assert (contexts // MEAN_STEPS).tolist() == (scale * TAILS + tail).tolist()
    assert max(int(contexts.max()) for contexts in source.contexts) < tokens.CONTEXTS


def test_what_is_shown_of_z_are_images_of_its_kind() -> None:
    shown = bilevel().mean(features(2, 8))
    assert shown.shape == (2, 1, 8, 8) and set(shown.flatten().tolist()) <= {0.0, 1.0}
    levels = colour().mean(features(2, 8))
    assert levels.shape == (2, 3, 8, 8) and 0 <= float(levels.min()) <= float(levels.max()) <= 255


@pytest.mark.parametrize(
    "change", [{"reversible": True, "exact": False}, {"channels": 2}, {"reach": (0, 3)}, {"reach": (3,)}]
)
def test_impossible_configurations_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        replace(BILEVEL, **change)  # type: ignore[arg-type]


def test_a_run_goes_on_with_pixels_that_see_further(tmp_path: Path) -> None:
    path = _trained(tmp_path)
    before = load_checkpoint(path, "cpu")
    assert isinstance(before, FamilyVAE)
    wider = FamilyVAE(replace(before.config, reach=(3, 4)))
    warm_start_family(wider, path)
    x, raw = small.images(before.config, 4), torch.zeros(4, before.p_x().outputs, 28, 28)
    assert torch.equal(wider.eval().p_x().log_prob(x, raw), before.p_x().log_prob(x, raw))


def test_only_a_checkpoint_that_fits_is_gone_on_from(tmp_path: Path) -> None:
    path = _trained(tmp_path)
    model = FamilyVAE(replace(BILEVEL, image=28, sides=(14, 7), width=4))
    with pytest.raises(DvcodecError, match="other sizes"):
        warm_start_family(model, path)
    (tmp_path / "x.safetensors").write_bytes(b"none")
    with pytest.raises(DvcodecError, match="not a checkpoint"):
        warm_start_family(model, tmp_path / "x.safetensors")


def _trained(folder: Path) -> Path:
    """The checkpoint of one step."""
    write_packed(folder)
    settings = {"width": "8", "reach": "2,3", "batch": "2", "validate_every": "0"}
    training.train(
        TrainOptions("hdvae-archive", "mnist-static", folder / "run", overrides=settings, steps=1, root=folder)
    )
    return folder / "run" / "checkpoint.safetensors"
