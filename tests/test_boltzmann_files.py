"""Boltzmann machines in files: integer tables against enumeration, and files that the program writes and reads."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import families_small as small
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from test_bits_back import BILEVEL, samples

from dvcodec.codec.entropy.bits_back import BitsBack
from dvcodec.errors import InvalidArgument
from dvcodec.models.families import weights
from dvcodec.models.families.boltzmann import BoltzmannMachine
from dvcodec.models.families.boltzmann_checks import machine_sides
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.families.runtime.bits_back import RuntimeBitsBackModel
from dvcodec.models.families.runtime.file import restore
from dvcodec.models.families.runtime.machine import IntegerMachine
from dvcodec.models.integer.weights_file import Tensors
from dvcodec.models.runtime.linear import BoundError
from dvcodec.training.recipes.registry import resolve
from program import dvcodec

PAGE = replace(small.MACHINE, image=28, variables=(20, 16), width=24)
"""A model of pages of 28x28 whose smaller side is the largest that files have."""


def tables(model: FamilyVAE) -> IntegerMachine:
    """What a file holds of a model's machine."""
    return IntegerMachine(model.config, Tensors(pack(model)).below("boltzmann"))


@pytest.mark.parametrize("name", small.MACHINES)
def test_the_tables_are_the_distribution_of_the_machine(name: str) -> None:
    model = small.lively(small.MACHINES[name], seed=4)
    machine, held = model.boltzmann, tables(model)
    assert machine is not None
    first, second = machine_sides(model.config)
    states = np.array(list(product((0, 1), repeat=first + second)), np.int32)
    sides = states[:, :first], states[:, first:]
    little, large = (side.T for side in (sides if first <= second else sides[::-1]))
    log_p = np.zeros(len(states))
    for unit in range(len(little)):
        log_p += np.log2(chosen(held.next_unit(little[:unit]), little[unit]))
    log_p += np.log2(chosen(held.larger(little), large.reshape(-1))).reshape(len(large), -1).sum(0)
    with torch.no_grad():
        scores = machine.score(*(torch.from_numpy(side).float() for side in sides))
        expected = torch.softmax(scores.double(), 0).numpy()
    assert 2.0**log_p == pytest.approx(expected, rel=0.02, abs=1e-5) and expected.max() > 0.05
    assert np.abs(2.0**log_p - 1 / len(states)).max() > 0.01


def chosen(prior: NDArray[np.float32], symbols: NDArray[np.int32]) -> NDArray[np.float64]:
    """The probabilities of symbols under integer weights."""
    assert (prior.sum(1) == 2**24 - 4).all()
    taken: NDArray[np.float64] = (prior[np.arange(len(prior)), symbols].astype(np.float64) + 1) / 2**24
    return taken


def test_a_restored_machine_measures_as_the_one_that_was_trained() -> None:
    model = small.lively(PAGE, seed=4).requires_grad_(False)
    restored = unpack(model.config, pack(model))
    assert model.boltzmann is not None and restored.boltzmann is not None
    for mine, theirs in zip(model.boltzmann.parameters(), restored.boltzmann.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=2e-5)
    assert float(restored.boltzmann.log_partition()) == pytest.approx(float(model.boltzmann.log_partition()), abs=1e-3)


@pytest.mark.parametrize("variables", [(20, 16), (3, 12)])
def test_files_of_pages_come_back_through_the_program(
    variables: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either side may be the smaller one: what is shown is what the posterior's modes render."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVCODEC_WEIGHTS", str(tmp_path))
    model = small.lively(replace(PAGE, variables=variables), seed=5)
    Path("machine.safetensors").write_bytes(weights.write(model, "machine"))
    shown = set()
    for seed in range(3):
        pixels = (small.images(model.config, 1, seed)[0, 0].numpy() * 255).astype(np.uint8)
        Image.fromarray(pixels).save(f"{seed}.png")
        done = dvcodec("compress", f"{seed}.png", "--weights", "machine.safetensors", "--json")
        assert done.code == 0, done.err
        assert dvcodec("decompress", f"{seed}.dvq", "-o", f"{seed}.back.png").code == 0
        with torch.no_grad():
            network = unpack(model.config, pack(model))
            x = torch.from_numpy(pixels / 255).float()[None, None]
            inference = network.infer(x, lambda q: q.mode())
            mean = torch.sigmoid(network.decode(1, Taking(), inference))[0, 0] * 255
        back = np.asarray(Image.open(f"{seed}.back.png").convert("L")).astype(int)
        assert np.abs(back - mean.numpy()).max() <= 1
        assert json.loads(done.out)
        shown.add(back.tobytes())
    assert len(shown) > 1


class Taking:
    """Takes the posterior's modes."""

    def next(self, step: object) -> torch.Tensor:
        """The modes of a layer."""
        found: torch.Tensor = step.posterior.mode()  # type: ignore[attr-defined]
        return found


@pytest.mark.parametrize("sides", [(1, 1), (1,)], ids=["two layers", "halves"])
def test_sets_come_back_by_bits_back_coding(sides: tuple[int, ...]) -> None:
    config = replace(
        BILEVEL,
        sides=sides,
        symbols=(2,) * len(sides),
        variables=(5, 3)[: len(sides)],
        latent="logits",
        prior="direct",
        top_prior="rbm",
    )
    coder = BitsBack(RuntimeBitsBackModel("machine", small.runtime(small.lively(config))))
    images = samples("bilevel", 9)
    assert np.array_equal(coder.decode(coder.encode(images), 9), images)


def test_larger_machines_are_refused_in_one_line() -> None:
    accepted = {"top_prior": "rbm", "latent": "logits", "prior": "direct", "symbols": "2, 2", "free_bits": "0"}
    accepted["relaxation"] = "overlap-exponential"
    assert resolve("hdvae-small", {**accepted, "variables": "99, 16"}, None).config.exact
    with pytest.raises(InvalidArgument, match="at most 16 units, and here it has 17: set exact=false") as raised:
        resolve("hdvae-small", {**accepted, "variables": "99, 17"}, None)
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="smaller side"):
        replace(small.MACHINE, variables=(3, 5), reversible=True)
    with pytest.raises(BoundError, match="too large for 32 bits"):
        model = small.lively(small.MACHINE)
        assert model.boltzmann is not None
        model.boltzmann.weight.data[0, 0] = 3e4
        pack(model)


def test_hostile_tables_are_refused() -> None:
    model = small.lively(small.MACHINE)
    packed = pack(model)
    config: FamilyConfig = model.config
    for name, value, reason in (
        ("boltzmann.marginals", -1, "no weight"),
        ("boltzmann.marginals", 2**24 - 3, "no weight"),
    ):
        broken = {**packed, name: packed[name].clone()}
        broken[name][1] = value
        with pytest.raises(ValueError, match=reason):
            unpack(config, broken)
    missing = {name: value for name, value in packed.items() if name != "boltzmann.odds"}
    with pytest.raises(ValueError, match="odds"):
        unpack(config, missing)
    assert restore({"config": vars(config)}, Tensors(packed)).chain.machine is not None
    assert isinstance(model.boltzmann, BoltzmannMachine)
