"""The promise that other learned codecs break: a file decodes to the same symbols everywhere.

Twelve processes with other CPU instruction sets, with and without oneDNN, each over thread counts, batch sizes and
block sizes, have to see the same integer priors bit by bit. Noise of one ulp in everything that may be float changes
no symbol; one step of one exact weight is noticed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import exactness_probe as probe
import numpy as np
import pytest
import recorder
import small_model
import torch
from torch import Tensor, nn

from dvcodec import weights
from dvcodec.errors import DvcodecError
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.interface.hierarchy import PassSettings, Step, SymbolSource
from dvcodec.models.photo.codec_model import EncoderTargets, PhotoCodecModel
from dvcodec.models.photo.network.model import DecoderOutput

NATIVE = "native"
ENVIRONMENTS = [
    (capability, isa, onednn)
    for capability in ("default", NATIVE)
    for isa in ("SSE41", "AVX2", NATIVE)
    for onednn in ("on", "off")
]
DISTANT = [("default", "SSE41", "on"), ("default", "AVX2", "off"), (NATIVE, NATIVE, "off")]
"""Those that differ most from the one in which the tests run; the others are tried with the slow tests."""


@cache
def reference() -> tuple[bytes, dict[str, object]]:
    """A file written in this process, and what this process sees in it."""
    data, chosen = probe.write(small_model.picture(72, 104), small_model.hierarchy())
    seen = probe.report(small_model.weights_bytes(), data, (torch.get_num_threads(),))
    assert seen["decoded"] == chosen
    return data, seen


def environment(capability: str, isa: str) -> dict[str, str]:
    """Variables for a child process; dvcodec is found where this process found it."""
    # Threads that wait asleep: spinning ones take minutes where the cores are busy.
    waiting = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
    core = {"SSE41": "NEHALEM", "AVX2": "HASWELL"}.get(isa, NATIVE)  # for numpy's products
    variables = {"ATEN_CPU_CAPABILITY": capability, "ONEDNN_MAX_CPU_ISA": isa, "OPENBLAS_CORETYPE": core}
    kept = {key: value for key, value in os.environ.items() if key not in (*variables, "OMP_NUM_THREADS")}
    chosen = {key: value for key, value in variables.items() if value != NATIVE}
    return kept | chosen | waiting | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


PRODUCTS = [("SSE41", 1), ("AVX2", 2), (NATIVE, 2)]
"""Kernels of numpy's products, and threads."""


def products(isa: str, threads: int) -> dict[str, str]:
    """Variables for a child process that computes without torch."""
    return environment(NATIVE, isa) | {"OPENBLAS_NUM_THREADS": str(threads)}


def run_probe(folder: Path, model: bytes, data: bytes, setting: tuple[str, str, str]) -> tuple[bytes, dict[str, Any]]:
    """Probe a weights file and a .dvq file in another environment: the file it wrote, and what it saw."""
    capability, isa, onednn = setting
    (folder / "weights").write_bytes(model)
    (folder / "file.dvq").write_bytes(data)
    paths = [str(folder / name) for name in ("weights", "file.dvq", "written.dvq")]
    command = [sys.executable, probe.__file__, *paths, onednn]
    done = subprocess.run(command, env=environment(capability, isa), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return (folder / "written.dvq").read_bytes(), json.loads(done.stdout)


@pytest.mark.parametrize(
    "setting",
    [pytest.param(each, marks=[] if each in DISTANT else pytest.mark.slow) for each in ENVIRONMENTS],
    ids="-".join,
)
def test_every_environment_sees_the_same_priors(setting: tuple[str, str, str], tmp_path: Path) -> None:
    data, expected = reference()
    written, seen = run_probe(tmp_path, small_model.weights_bytes(), data, setting)
    assert setting[0] == NATIVE or seen["capability"].lower() == "default"
    assert {key: seen[key] for key in expected} == expected
    assert recorder.decoded(written, small_model.hierarchy(), priors=True)[0] == seen["wrote"]


@pytest.mark.slow
@pytest.mark.skipif(not weights.entries(), reason="no weights ship yet")
@pytest.mark.parametrize("setting", ENVIRONMENTS, ids="-".join)
def test_every_environment_sees_the_same_priors_of_the_shipped_weights(
    setting: tuple[str, str, str], tmp_path: Path
) -> None:
    model = weights.default().path.read_bytes()
    hierarchy = small_model.load(model)
    data, chosen = probe.write(small_model.photograph(64, 96), hierarchy)
    written, seen = run_probe(tmp_path, model, data, setting)
    assert seen["decoded"] == chosen
    assert seen["replayed"] == probe.replay(
        small_model.integer_chain(small_model.network(hierarchy)), max(probe.BATCHES)
    )
    assert recorder.decoded(written, hierarchy, priors=True)[0] == seen["wrote"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_sees_the_same_priors() -> None:
    data, expected = reference()
    hierarchy = small_model.load(device="cuda")
    assert recorder.decoded(data, hierarchy, priors=True)[0] == expected["decoded"]
    top_down_pass = small_model.integer_chain(small_model.network(hierarchy))
    whole = probe.replay(top_down_pass, max(probe.BATCHES), device="cuda")
    assert whole == expected["replayed"]
    for batch in probe.BATCHES:
        assert probe.replay(top_down_pass, batch, device="cuda") == whole[:batch]


def test_priors_depend_on_the_symbols_before_them() -> None:
    """Otherwise the hashes above would show little."""
    digests = probe.replay(small_model.integer_chain(small_model.frozen()), 16)
    assert len(set(digests)) == 16


def test_the_pass_of_training_gives_the_same_priors() -> None:
    """`Chain` on its grids is what is trained, `IntegerChain` what codes; in evaluation both are exact."""
    model = small_model.frozen()
    assert probe.replay(model.chain, 4) == probe.replay(small_model.integer_chain(model), 4)


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_a_process_that_allows_lower_precision_sees_the_same_priors(precision: str) -> None:
    """Loading, too, has to be exact whatever the user's process has asked torch for."""
    data, expected = reference()
    torch.set_float32_matmul_precision(precision)
    try:
        digest, _ = recorder.decoded(data, small_model.load(), priors=True)
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision("highest")
    assert digest == expected["decoded"]


# Noise in what may be float.


def ulp(x: Tensor, generator: torch.Generator) -> Tensor:
    """Every element moved to the next float, up or down at random."""
    up = torch.rand(x.shape, generator=generator) < 0.5
    return torch.nextafter(x, torch.where(up, torch.inf, -torch.inf).to(x.dtype))


class Noisy(PhotoCodecModel):
    """The small model with one ulp of noise in every float that may be float; `planted` counts the places."""

    def __init__(self, seed: int) -> None:
        self._generator, self.planted = torch.Generator().manual_seed(seed), 0
        model = small_model.frozen()
        for parameter in nn.ModuleList([model.analysis, model.synthesis]).parameters():
            parameter.data.copy_(self._noise(parameter.data))
        for net in (model.analysis, model.synthesis):
            net.register_forward_hook(lambda module, arguments, output: self._noise(output))
        super().__init__("small", model, small_model.QUALITIES, "cpu")
        for stage in chain.from_iterable(self._chain.stages):
            for layer in stage.parts:
                setattr(layer, "heads", self._noisy_mean(layer.heads))  # noqa: B010

    def _noise(self, x: Tensor) -> Tensor:
        self.planted += 1
        return ulp(x, self._generator)

    def _noisy_mean(
        self, heads: Callable[[Tensor], tuple[Tensor, Tensor]]
    ) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        def noisy(features: Tensor) -> tuple[Tensor, Tensor]:
            embedding, mean = heads(features)
            return embedding, self._noise(mean)

        return noisy

    def infer(self, pixels: np.ndarray, quality: int) -> EncoderTargets:
        """The targets, and noise."""
        return self._noisy(super().infer(pixels, quality))

    def lookahead_targets(
        self, pixels: np.ndarray, settings: PassSettings, passes: int, *, perceptual: bool
    ) -> EncoderTargets:
        """What passes have shown, and noise."""
        return self._noisy(super().lookahead_targets(pixels, settings, passes, perceptual=perceptual))

    def _noisy(self, aim: EncoderTargets) -> EncoderTargets:
        assert aim.levels is not None
        levels = {stride: self._noise(tokens) for stride, tokens in aim.levels.items()}
        return EncoderTargets(
            levels, {index: self._noise(costs.float()) for index, costs in (aim.lookahead_costs or {}).items()}
        )

    def top_down_pass(
        self, settings: PassSettings, source: SymbolSource, targets: object | None = None
    ) -> DecoderOutput:
        """The pass, and noise on the reconstruction that it ends with."""
        decoded = super().top_down_pass(settings, source, targets)
        return replace(
            decoded, reconstruction={stride: self._noise(tokens) for stride, tokens in decoded.reconstruction.items()}
        )


@pytest.mark.parametrize("seed", range(3))
def test_noise_in_what_may_be_float_changes_no_symbol(seed: int) -> None:
    data, expected = reference()
    noisy = Noisy(seed)
    before = noisy.planted
    digest, result = recorder.decoded(data, noisy, priors=True)
    assert noisy.planted > before
    assert digest == expected["decoded"]
    clean = recorder.decoded(data, small_model.hierarchy())[1].picture.pixels
    assert np.abs(result.picture.pixels.astype(int) - clean).max() <= 1


def test_a_file_of_a_noisy_encoder_decodes_to_the_symbols_it_chose() -> None:
    data, chosen = probe.write(small_model.picture(72, 104), Noisy(7))
    assert recorder.decoded(data, small_model.hierarchy(), priors=True)[0] == chosen


def test_the_noise_is_in_the_reconstruction() -> None:
    """Otherwise the tests above would show nothing."""

    class Rest:
        """Nothing to add anywhere."""

        def next(self, step: Step) -> np.ndarray:
            return np.full(step.count, small_model.hierarchy().layers[step.layer].null_symbol, np.int32)

    clean, noisy = (
        h.top_down_pass(PassSettings(72, 104, 25600), Rest()).reconstruction[8]
        for h in (small_model.hierarchy(), Noisy(0))
    )
    assert (clean != noisy).float().mean() > 0.5
    assert (clean - noisy).abs().max() < 1e-2


# And the converse: what must be exact is noticed.


PLACES = (
    "stages.3.0.blocks.0.spatial",
    "stages.3.0.blocks.0.point",
    "stages.3.0.head",
    "stages.2.0.close",
    "grow.2.point",
    "stages.3.0.layers.0.prior_head",
    "stages.0.0.layers.1.symbol_embedding",
    "stages.3.0.layers.0.neighbour_embedding",
)


@pytest.mark.parametrize("place", PLACES)
def test_one_step_of_an_exact_weight_is_noticed(place: str) -> None:
    """One integer weight of every row of one map, changed by one step; all where few symbols enter it."""
    data, _ = reference()
    model = small_model.frozen()
    module = model.chain.get_submodule(place)
    assert isinstance(module, QuantLinear)
    changed = slice(None) if "layers" in place and "prior_head" not in place else slice(1)
    module.weight.data[:, changed] += torch.exp2(-module.exponents())[:, None]
    with pytest.raises(DvcodecError):
        recorder.decoded(data, small_model.adapter(model))


def test_one_ulp_on_the_exact_path_is_seen_in_the_priors() -> None:
    model, generator = small_model.frozen(), torch.Generator().manual_seed(0)
    clean = probe.replay(small_model.integer_chain(model), 2)
    for layer in model.chain.layers():
        layer.prior_head.weight.data.copy_(ulp(layer.prior_head.weight.data, generator))
    assert probe.replay(small_model.integer_chain(model), 2) != clean
