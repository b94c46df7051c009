"""Families without torch give the priors, posteriors, choices and pixels of the networks of torch, bit for bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import families_small as small
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from test_bits_back import KINDS
from test_family_exact import FORMS
from torch import Tensor

import dvcodec
from dvcodec import models, weights
from dvcodec.models.families.hierarchy import FamilyHierarchy, coding_source
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.neighbours import Bilevel, Colour
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.families.runtime.file import restore
from dvcodec.models.families.runtime.hierarchy import RuntimeHierarchy
from dvcodec.models.families.runtime.model import RuntimeFamily
from dvcodec.models.families.runtime.neighbours import TRANSFORM, BilevelPixels, ColourPixels
from dvcodec.models.families.runtime.top_down import likeliest
from dvcodec.models.families.symbol_sources import mode
from dvcodec.models.integer import weights_file
from dvcodec.models.integer.guard import integer_arithmetic
from dvcodec.models.integer.prior import prior_weights
from dvcodec.models.interface.bits_back import BitsBackStep
from dvcodec.models.interface.hierarchy import PassSettings, PixelStep, Step
from dvcodec.models.pixels import colour_tensors
from dvcodec.models.pixels.bilevel.config import HALF, SCORE_BITS
from dvcodec.models.pixels.grids import MEAN_STEPS, TAILS

INTEGER = [
    "dvaepp-bernoulli-cifar",
    "gaps",
    "machine",
    "machine, halves",
    "rrvq-l5",
    "rrvq-l5-direct",
    "vqvae",
    "hdvae-l3",
    "vae",
    "biva",
    "logits",
]
"""Forms whose inference and likelihood are tried in integers too."""
CONFIGS = {
    **FORMS,
    **KINDS,
    **{f"{name}, reversible": replace(FORMS[name], reversible=True) for name in INTEGER},
    "dense, with blocks in the heads": replace(KINDS["bilevel"], dense=True, head_blocks=1, block="gated"),
    "no blocks": replace(KINDS["colour"], blocks=0),
    "tanh, reversible": replace(small.PERCEPTRON, reversible=True, likelihood="mixture", channels=3),
    "linear, reversible": replace(small.LINEAR, reversible=True),
    "elu, with blocks in the heads": replace(KINDS["bilevel"], network="mlp", sides=(1, 1), head_blocks=1),
    "odd sides": replace(small.TINY, image=13, sides=(7, 4), reversible=True, likelihood="mixture", channels=3),
    "a map as large as the image": replace(small.TINY, image=8, sides=(8, 4), reversible=True, blocks=0),
}
SHIPPED = ["hdvae-mnist", "rrvq-cifar"]


class Looking:
    """Takes random symbols and keeps what each layer offers: its prior, posterior mode and posterior."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.priors, self.posteriors = list[NDArray[np.float32]](), list[NDArray[np.float32]]()
        self.modes = list[NDArray[np.int32]]()

    def next(self, step: BitsBackStep) -> NDArray[np.int32]:
        """Return the symbols of a layer."""
        self.priors.append(step.weights())
        self.modes.append(step.posterior_mode())
        self.posteriors.append(step.posterior_weights())
        return self.random.integers(0, self.priors[-1].shape[1], step.count).astype(np.int32)


def both(name: str) -> tuple[FamilyVAE, RuntimeFamily]:
    """A network of torch, and the same weights without torch: small random ones, or those of a shipped file."""
    if name in SHIPPED:
        path = weights.find(name).path
        network = models.load_network(path)
        assert isinstance(network, FamilyHierarchy)
        with weights_file.reading():
            return network.network, restore(*weights_file.read(path))
    model = small.lively(CONFIGS[name], seed=3)
    return unpack(model.config, pack(model)), small.runtime(model)


def channels_last(x: Tensor) -> NDArray[np.float32]:
    """Return a tensor (B, C, H, W) as an array (B, H, W, C)."""
    return np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())


def equal(first: list[NDArray[Any]], second: list[NDArray[Any]]) -> bool:
    """Tell whether all arrays are the same."""
    return len(first) == len(second) and all(map(np.array_equal, first, second))


@pytest.mark.parametrize("name", [*CONFIGS, *SHIPPED])
def test_priors_and_posteriors_are_those_of_the_network(name: str) -> None:
    network, runtime = both(name)
    x, theirs, mine = small.images(network.config, 3), Looking(), Looking()
    with integer_arithmetic():
        inference = network.infer(x, mode)
        raw = channels_last(network.decode(3, coding_source(network, theirs, 3, inference), inference))
    found = runtime.synthesise(runtime.chain.run(3, mine, runtime.infer(channels_last(x), likeliest)))
    assert len(mine.priors) >= len(runtime.layers)
    assert equal(mine.priors, theirs.priors) and equal(mine.modes, theirs.modes)
    if runtime.config.reversible:
        assert equal(mine.posteriors, theirs.posteriors) and np.array_equal(raw, found)
    np.testing.assert_allclose(raw, found, atol=1e-5)
    assert np.ptp(found) > 0 and max(np.ptp(posterior) for posterior in mine.posteriors) > 2**20


class Priors:
    """Takes the prior's likeliest symbols."""

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return the symbols of a layer."""
        return np.asarray(step.weights().argmax(axis=1), np.int32)


@pytest.mark.parametrize("name", [*FORMS, *KINDS])
def test_what_is_shown_is_what_the_network_shows(name: str) -> None:
    network, runtime = both(name)
    theirs, mine = FamilyHierarchy(name, network, "cpu"), RuntimeHierarchy(name, runtime)
    assert mine.layers == theirs.layers
    side = runtime.config.image
    for stop in (None, 1):
        settings = PassSettings(side, side, 256, stop=stop)
        expected = theirs.render(theirs.top_down_pass(settings, Priors()))
        shown = mine.render(mine.top_down_pass(settings, Priors()))
        assert shown.shape == (side, side, 3) and np.abs(shown.astype(int) - expected).max() <= 1


class Recorded:
    """Takes the pixels and keeps their contexts."""

    def __init__(self) -> None:
        self.contexts: list[NDArray[np.int32]] = []

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """Return the pixels' residuals."""
        self.contexts.append(step.contexts)
        return step.residuals()


@pytest.mark.parametrize("name", [*KINDS, *SHIPPED])
def test_pixels_are_coded_under_the_distributions_of_the_network(name: str) -> None:
    network, runtime = both(name)
    side, likelihood, coded = network.config.image, network.p_x(), runtime.likelihood
    raw = torch.randint(-8, 9, (2, likelihood.outputs, side, side), generator=torch.Generator().manual_seed(0)) / 16
    x, source = small.images(network.config, 2), Recorded()
    if not network.config.binary:
        x = torch.floor(x / 4) + 96  # means stay within the levels, which training leaves alone
    assert isinstance(coded, BilevelPixels | ColourPixels) and isinstance(likelihood, Bilevel | Colour)
    samples = (channels_last(x) * (255 if network.config.binary else 1)).astype(np.uint8)
    samples = samples[..., 0] if network.config.binary else samples
    assert np.array_equal(coded.code(channels_last(raw), source, samples), samples)
    fronts = list(likelihood.net.config.receptive_field.wavefronts(side, side))
    if isinstance(likelihood, Bilevel):
        with integer_arithmetic():
            scores = likelihood.net(x[:, 0], raw) * 2**SCORE_BITS + HALF
        for (rows, columns), contexts in zip(fronts, source.contexts, strict=True):
            assert contexts.tolist() == scores[:, rows, columns].flatten().int().tolist()
        steps = torch.arange(-HALF, HALF + 1, dtype=torch.float64) / 2**SCORE_BITS
        tables = prior_weights(torch.stack([torch.zeros_like(steps), steps], dim=1))
        assert np.array_equal(coded.tokens.tables, tables.numpy())
    else:
        with integer_arithmetic():
            shapes = [shape for _, shape in likelihood.net(colour_tensors.split(x, TRANSFORM), raw)]
        for index, contexts in enumerate(source.contexts):
            (rows, columns), shape = fronts[index // 3], shapes[index % 3]
            kinds = (shape.scale * TAILS + shape.tail).view(2, side, side)[:, rows, columns].flatten().int()
            assert (contexts // MEAN_STEPS).tolist() == kinds.tolist()
        assert np.array_equal(coded.tokens.tables, likelihood.tables.numpy().astype(np.float32))


WITHOUT_TORCH = (
    "import sys; sys.modules['torch'] = None  # an import would raise\nimport dvcodec; from PIL import Image\n"
)


def without_torch(code: str, *arguments: Path) -> None:
    """Run code in a process that cannot import torch."""
    command = [sys.executable, "-c", WITHOUT_TORCH + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def digits(count: int) -> list[Image.Image]:
    """Return black and white images of 28 x 28 pixels."""
    config = both("hdvae-mnist")[1].config
    levels = (small.images(config, count)[:, 0].numpy() * 255).astype(np.uint8)
    return [Image.fromarray(level).convert("1", dither=Image.Dither.NONE) for level in levels]


def colours(count: int) -> list[Image.Image]:
    """Return colour images of 32 x 32 pixels."""
    levels = channels_last(small.images(both("rrvq-cifar")[1].config, count)).astype(np.uint8)
    return [Image.fromarray(level) for level in levels]


@pytest.mark.parametrize("images", [digits, colours])
def test_archives_are_written_and_read_without_torch(
    images: Callable[[int], list[Image.Image]], tmp_path: Path
) -> None:
    code = (
        "images = [Image.open(path) for path in sys.argv[2:]]\n"
        "dvcodec.compress_archive(images, sys.argv[1], method='bits-back', lossless=True)\n"
        "for unpacked in dvcodec.decompress_archive(sys.argv[1]):\n"
        "    assert unpacked.image.tobytes() == images[unpacked.position].tobytes()\n"
    )
    paths = [tmp_path / f"{index}.png" for index in range(4)]
    for path, image in zip(paths, images(4), strict=True):
        image.save(path)
    without_torch(code, tmp_path / "a.dvq", *paths)
    dvcodec.compress_archive(images(4), tmp_path / "here.dvq", method="bits-back", lossless=True)
    assert (tmp_path / "a.dvq").stat().st_size == (tmp_path / "here.dvq").stat().st_size


@pytest.mark.parametrize("name", SHIPPED)
def test_small_images_are_lossily_coded_without_torch(name: str, tmp_path: Path) -> None:
    (digits if name == "hdvae-mnist" else colours)(1)[0].convert("RGB").save(tmp_path / "x.png")
    code = (
        "data = dvcodec.compress(Image.open(sys.argv[2]), weights=sys.argv[1])\n"
        "assert dvcodec.decompress(data).size == Image.open(sys.argv[2]).size\n"
    )
    without_torch(code, Path(name), tmp_path / "x.png")
