"""Families in integers: what a decoder sees is the same everywhere, for every categorical preset."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import families_probe
import families_small as small
import numpy as np
import pytest
import recorder
import torch
from numpy.typing import NDArray
from test_exactness import PRODUCTS, products, ulp
from torch import Tensor

from dvcodec import models
from dvcodec.codec import decoder
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossy import encoder
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import DvcodecError, FormatError, UnsupportedImage
from dvcodec.image_io.images import Picture
from dvcodec.models.families import weights
from dvcodec.models.families.arithmetic import table
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.hierarchy import FamilyHierarchy
from dvcodec.models.families.integer import exact_scores
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.nets import Conv
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.families.steps import LatentStep
from dvcodec.models.families.symbol_sources import PassCosts, Posterior, Replay, mode
from dvcodec.models.integer.guard import integer_arithmetic
from dvcodec.models.integer.prior import prior_weights
from dvcodec.models.top_down_pass import run_pass
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS

CATEGORICAL = [
    name
    for name, preset in FAMILY_PRESETS.items()
    if preset.config.exact and name != "hdvae" and (not name.startswith("hdvae-n") or name == "hdvae-n12-l6")
    if name not in ("dvaepp-two", "dvaepp-two-linear", "dvaepp-discrete")
]
MACHINES = ("dvaepp-rbm", "dvaepp-rbm-one", "dvae")
INEXACT = {"hdvae-lipschitz", "dvae-sharp", *MACHINES, *(f"{name}-linear" for name in MACHINES)}
INEXACT |= {"dvaepp-discrete-cifar"}
FORMS = {
    **{name: small.shrunk(FAMILY_PRESETS[name]).config for name in CATEGORICAL},
    "vae": replace(small.TINY, hierarchy="vae", image=8, sides=(4, 2)),
    "biva": replace(small.TINY, hierarchy="biva", image=8, sides=(4, 2)),
    "logits": replace(small.TINY, latent="logits", prior="direct"),
    "tanh": small.PERCEPTRON,
    "linear": small.LINEAR,
    "gaps": replace(small.TINY, image=12, sides=(6, 1), block="se"),
    **small.MACHINES,
}
ID = b"families"


@cache
def trained(name: str) -> FamilyVAE:
    """A lively model of a form."""
    return small.lively(FORMS[name], seed=3)


@cache
def hierarchy(name: str) -> FamilyHierarchy:
    """What its weights file holds."""
    model = trained(name)
    return FamilyHierarchy(name, unpack(model.config, pack(model)), "cpu")


def test_all_categorical_presets_have_an_exact_form_but_bounded_and_boltzmann_ones() -> None:
    categorical = {name for name, preset in FAMILY_PRESETS.items() if preset.config.categorical}
    assert categorical - {name for name in FAMILY_PRESETS if FAMILY_PRESETS[name].config.exact} == INEXACT
    grid = {name for name in FAMILY_PRESETS if name.startswith("hdvae-n")} | {"hdvae"} | INEXACT
    grid |= {"dvaepp-two", "dvaepp-two-linear", "dvaepp-discrete"}
    assert set(CATEGORICAL) == categorical - grid | {"hdvae-n12-l6"}


def picture(config: FamilyConfig, seed: int = 0) -> NDArray[np.uint8]:
    """Pixels (S, S) or (S, S, 3) of the kind that a configuration codes."""
    x = small.images(config, 1, seed)[0] * (255 if config.binary else 1)
    pixels: NDArray[np.uint8] = x.permute(1, 2, 0).numpy().astype(np.uint8)
    return pixels[:, :, 0] if config.channels == 1 else pixels


def compressed(name: str, seed: int = 0) -> tuple[bytes, str]:
    """A .dvq file, and the hash of symbols and priors that its encoder saw."""
    watch = recorder.watched(hierarchy(name), priors=True)
    return encoder.compress(Picture(picture(FORMS[name], seed)), watch, ID, CompressSettings()).data, watch.digest()


@pytest.mark.parametrize("name", FORMS)
def test_every_form_decodes_to_the_symbols_that_were_coded(name: str, tmp_path: Path) -> None:
    data, chosen = compressed(name)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(weights.write(trained(name), name))
    loaded = models.load(path)
    assert loaded.layers == hierarchy(name).layers
    digest, result = recorder.decoded(data, loaded, priors=True)
    assert digest == chosen
    assert result.picture.pixels.shape == picture(FORMS[name]).shape
    first = decoder.decompress(data, Loaders(hierarchy=lambda prefix: loaded), preview=1)
    assert first.picture.pixels.shape == result.picture.pixels.shape


@pytest.mark.parametrize("name", sorted(set(FORMS) - set(small.MACHINES)))
def test_the_exact_prior_is_that_of_the_trained_model(name: str) -> None:
    """Codebooks are rounded, maps are not: the frozen prior differs by little, in nats a variable."""
    x, sampler, costs = small.images(FORMS[name], 1), mode, PassCosts()
    model = trained(name)
    with torch.no_grad():
        model.decode(1, Posterior(sampler, costs), model.infer(x, sampler))

    class Compare:
        """Looks at both priors of the frozen model."""

        def __init__(self) -> None:
            self.worst = 0.0

        def next(self, step: LatentStep) -> Tensor:
            weight = prior_weights(exact_scores(step.layer, step.embedding)).double() + 1
            exact, choice = weight / weight.sum(1, keepdim=True), costs.choices[step.index]
            own = step.prior.log_prob(choice).exp()
            self.worst = max(self.worst, float((exact.gather(1, choice[:, None])[:, 0] - own).abs().max()))
            self.log_p = step.by_image(torch.log(exact.gather(1, choice[:, None])[:, 0]))
            expected = float(costs.log_p[step.index])
            assert float(self.log_p) == pytest.approx(expected, rel=0.05, abs=0.2), step.layer.plan.name
            return choice

    compare = Compare()
    with integer_arithmetic():
        run_pass(hierarchy(name).network.start_pass(1), compare)
    assert compare.worst < 1e-2


@pytest.mark.parametrize("name", ["rrvq-l5", "hdvae-l3", "biva"])
def test_batches_see_the_priors_of_their_images(name: str) -> None:
    """The same symbols in a batch of 16 and alone give the same integers."""
    network, config = hierarchy(name).network, FORMS[name]
    costs = PassCosts()
    x = small.images(config, 16)
    with torch.no_grad():
        network.decode(16, Posterior(mode, costs), network.infer(x, mode))

    def priors(images: slice) -> list[NDArray[np.float32]]:
        count, choices, found = len(x[images]), [], []
        for layer, choice in zip(network.layers(), costs.choices, strict=True):
            choices.append(choice.view(layer.plan.variables, 16, -1)[:, images].reshape(-1))

        class Watch:
            """Takes the integer priors down."""

            def next(self, step: LatentStep) -> Tensor:
                integers = prior_weights(exact_scores(step.layer, step.embedding))
                found.append(integers.view(step.layer.plan.variables, count, -1).numpy())
                return choices[step.index]

        with integer_arithmetic():
            run_pass(network.start_pass(count), Watch())
        return found

    whole = priors(slice(0, 16))
    for image in (0, 7, 15):
        alone = priors(slice(image, image + 1))
        for all_images, one in zip(whole, alone, strict=True):
            assert np.array_equal(all_images[:, image : image + 1], one)


@pytest.mark.parametrize("setting", PRODUCTS)
def test_every_environment_sees_the_same_priors(setting: tuple[str, int], tmp_path: Path) -> None:
    """Gated blocks and tables, factored keys, wide sums: hdvae-l3."""
    data, chosen = compressed("hdvae-l3")
    (tmp_path / "weights").write_bytes(weights.write(trained("hdvae-l3"), "small"))
    (tmp_path / "file").write_bytes(data)
    command = [sys.executable, families_probe.__file__, str(tmp_path / "weights"), str(tmp_path / "file")]
    done = subprocess.run(command, env=products(*setting), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == chosen


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", FORMS)
def test_a_gpu_sees_the_same_priors(name: str) -> None:
    data, chosen = compressed(name)
    model = trained(name)
    on_gpu = FamilyHierarchy(name, unpack(model.config, pack(model)), "cuda")
    assert recorder.decoded(data, on_gpu, priors=True)[0] == chosen


@pytest.mark.parametrize("name", ["rrvq-l5", "hdvae-l3", "biva"])
def test_noise_in_what_may_be_float_changes_no_symbol(name: str) -> None:
    """One ulp in every weight of inference and synthesis, and in their outputs."""
    data, chosen = compressed(name)
    model, generator = trained(name), torch.Generator().manual_seed(0)
    network = unpack(model.config, pack(model))
    planted = 0
    for module in network.modules():
        if isinstance(module, Conv) and not module.arithmetic.exact:
            module.weight.data.copy_(ulp(module.weight.data, generator))
            module.register_forward_hook(lambda m, arguments, output: ulp(output, generator))
            planted += 1
    assert planted > 5
    noisy = FamilyHierarchy(name, network, "cpu")
    digest, result = recorder.decoded(data, noisy, priors=True)
    assert digest == chosen
    clean = recorder.decoded(data, hierarchy(name))[1].picture.pixels
    assert np.abs(result.picture.pixels.astype(int) - clean).max() <= 1
    watch = recorder.watched(noisy, priors=True)
    written = encoder.compress(Picture(picture(FORMS[name])), watch, ID, CompressSettings()).data
    assert recorder.decoded(written, hierarchy(name), priors=True)[0] == watch.digest()


@pytest.mark.parametrize(
    "place", ["down.1.0.patch", "down.0.1.second", "latents.1.prior_head.last", "latents.0.symbol_embedding.first"]
)
def test_one_step_of_an_exact_weight_is_noticed(place: str) -> None:
    data, _ = compressed("rrvq-l5")
    model = trained("rrvq-l5")
    network = unpack(model.config, pack(model))
    module = network.get_submodule(place)
    assert isinstance(module, Conv) and module.arithmetic.exact
    module.weight.data[:, 0] += torch.exp2(-module.exponents())
    with pytest.raises(DvcodecError):
        recorder.decoded(data, FamilyHierarchy("changed", network, "cpu"))


def test_sums_too_wide_for_float32_run_in_float64() -> None:
    """A dense map over 14 x 14 positions: its integers equal int64 arithmetic."""
    config = replace(FAMILY_PRESETS["hdvae-l1"].config, width=64, weight_norm=False, dropout=0.0)
    conv = FamilyVAE(config).layers()[0].bottom_up_head.last
    exact = Conv(conv.inputs, 8, FamilyVAE(small.TINY).arithmetic, kernel=1).eval()
    exact.get_parameter("parametrizations.weight.original1").data.uniform_(-1, 1)
    exact.choose_precision()
    assert exact.wide
    x = torch.randint(-127, 128, (3, conv.inputs, 1, 1)).float() / 16
    weight, bias = exact.quantised()
    steps = (weight.detach() * torch.exp2(exact.exponents())[:, None]).long()
    whole = (x.flatten(1) * 16).long() @ steps.t()
    expected = whole.double() / 16 * torch.exp2(-exact.exponents().double()) + bias.detach().double()
    assert torch.equal(exact(x).flatten(1).detach(), expected.float())


@pytest.mark.parametrize("name", ["elu", "sigmoid"])
def test_tables_are_the_functions(name: str) -> None:
    entries = table(name, torch.device("cpu")).double()
    x = torch.arange(-512, 512, dtype=torch.float64) / 64
    function: Callable[[Tensor], Tensor] = torch.nn.functional.elu if name == "elu" else torch.sigmoid
    step = 2.0**-4 if name == "elu" else 2.0**-8
    assert float((entries - function(x).clamp(max=127 / 16)).abs().max()) <= step / 2 + 1e-12
    assert bool((entries.diff() >= 0).all())


# What cannot be coded.


def test_images_of_another_size_or_kind_are_refused_in_one_line() -> None:
    name = "hdvae-l3"
    cases = {
        "28 x 28 pixels, not 30 x 20": np.zeros((20, 30), np.uint8),
        "without greys": np.full((28, 28), 7, np.uint8),
        "not colour": np.dstack([np.zeros((28, 28), np.uint8)] * 2 + [np.full((28, 28), 255, np.uint8)]),
    }
    for message, pixels in cases.items():
        with pytest.raises(UnsupportedImage, match=message) as raised:
            encoder.compress(Picture(pixels), hierarchy(name), ID, CompressSettings())
        assert "\n" not in str(raised.value)


def test_a_header_of_another_size_is_refused() -> None:
    name = "rrvq-l5-small"
    data, _ = compressed(name)
    other = FamilyHierarchy("other", unpack(FORMS["biva"], pack(trained("biva"))), "cpu")
    other.layers = hierarchy(name).layers
    with pytest.raises(FormatError, match="8 x 8 pixels, not 32 x 32"):
        recorder.decoded(data, other)


def test_replayed_choices_of_a_frozen_model_render_alike() -> None:
    network = hierarchy("hdvae-l3").network
    x, costs = small.images(FORMS["hdvae-l3"], 2), PassCosts()
    with torch.no_grad():
        raw = network.decode(2, Posterior(mode, costs), network.infer(x, mode))
        assert torch.equal(raw, network.decode(2, Replay(costs.choices, Posterior(mode))))
