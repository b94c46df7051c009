"""The photograph model without torch gives the symbols and priors of the network of torch, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import small_model
from numpy.typing import NDArray
from PIL import Image

from dvcodec import models
from dvcodec.cli.process import wait_asleep
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.interface.hierarchy import PassSettings, Step
from dvcodec.models.photo.file import write
from dvcodec.models.photo.runtime.model import RuntimePhotoModel
from dvcodec.models.runtime import blocks, graphs, kernels

CONFIGS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "direct priors": {"prior": "direct"},
    "lapped blocks": {"transform": "lapped"},
    "no post-filter": {"postfilter_width": 0},
    "neighbours": {"neighbours": 2},
    "a slope": {"analysis_slope": 0.2},
}
QUALITY = 40 * 256


class Recorder:
    """Takes the posterior's mode, or given symbols, and keeps them with the priors, by layer."""

    def __init__(self, given: dict[int, NDArray[np.int32]] | None = None) -> None:
        self.given = given
        self.symbols: dict[int, list[NDArray[np.int32]]] = {}
        self.priors: dict[int, list[NDArray[np.float32]]] = {}

    def next(self, step: Step) -> NDArray[np.int32]:
        """Return the symbols of a block."""
        known = sum(len(part) for part in self.symbols.get(step.layer, []))
        chosen = step.posterior_mode() if self.given is None else self.given[step.layer][known : known + step.count]
        self.priors.setdefault(step.layer, []).append(step.weights())
        self.symbols.setdefault(step.layer, []).append(chosen)
        return chosen

    def joined(self) -> tuple[dict[int, NDArray[np.int32]], dict[int, NDArray[np.float32]]]:
        """Return all symbols and all priors by layer, in coding order."""
        return (
            {layer: np.concatenate(parts) for layer, parts in self.symbols.items()},
            {layer: np.concatenate(parts) for layer, parts in self.priors.items()},
        )


def both(folder: Path, data: bytes) -> tuple[RuntimePhotoModel, Any]:
    """Load the bytes of a weights file without torch, and as a network of torch."""
    path = folder / "weights.safetensors"
    path.write_bytes(data)
    runtime = models.load(path)
    assert isinstance(runtime, RuntimePhotoModel)
    return runtime, models.load_network(path)


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=list(CONFIGS))
def test_priors_are_those_of_the_network(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = small_model.built(replace(small_model.CONFIG, **changes))
    runtime, network = both(tmp_path, write(model, small_model.QUALITIES, "small"))
    pixels = small_model.photograph(104, 72)
    settings = PassSettings(104, 72, QUALITY)
    mine, theirs = Recorder(), Recorder()
    state = runtime.top_down_pass(settings, mine, runtime.infer(pixels, QUALITY))
    symbols, priors = mine.joined()
    theirs.given = symbols
    other = network.top_down_pass(settings, theirs)
    assert all(np.array_equal(priors[layer], found) for layer, found in theirs.joined()[1].items())
    assert len(priors) == len(runtime.layers) and runtime.layers == network.layers
    apart = runtime.render(state).astype(int) - network.render(other)
    assert np.abs(apart).max() <= 1
    chosen = Recorder()
    network.top_down_pass(settings, chosen, network.infer(pixels, QUALITY))
    kept = np.mean([np.mean(chosen.joined()[0][layer] == symbols[layer]) for layer in symbols])
    assert kept > 0.99  # encoders round in floats: a tie may fall otherwise


def test_grey_passes_previews_and_filters_are_those_of_the_network(tmp_path: Path) -> None:
    runtime, network = both(tmp_path, small_model.weights_bytes())
    pixels = small_model.photograph(80, 80)
    for settings in (PassSettings(80, 80, QUALITY, grey=True), PassSettings(80, 80, QUALITY, stop=20)):
        mine = Recorder()
        state = runtime.top_down_pass(settings, mine, runtime.infer(pixels, QUALITY))
        other = network.top_down_pass(settings, Recorder(mine.joined()[0]))
        assert np.abs(runtime.render(state).astype(int) - network.render(other)).max() <= 1
    outputs, terms = runtime.filter_shape
    steps = np.random.default_rng(0).integers(-2, 3, (1, 1, outputs, terms)).astype(np.int32)
    found = ImageFilter(256, 8, steps)
    apart = runtime.render(state, found).astype(int) - network.render(other, found)
    assert np.abs(apart).max() <= 1 and (runtime.filter_shape, network.filter_shape) == ((outputs, terms),) * 2


def test_weights_for_the_eye_are_those_of_the_network(tmp_path: Path) -> None:
    runtime, network = both(tmp_path, small_model.weights_bytes())
    pixels, settings = small_model.photograph(72, 104), PassSettings(72, 104, QUALITY)
    mine = runtime.lookahead_targets(pixels, settings, 0, perceptual=True)
    theirs = network.lookahead_targets(pixels, settings, 0, perceptual=True)
    assert mine.position_weights is not None and mine.coefficient_weights is not None
    for stride, weights in mine.position_weights.items():
        np.testing.assert_allclose(weights, theirs.weights.positions[stride], rtol=1e-5)
        np.testing.assert_allclose(mine.coefficient_weights[stride], theirs.weights.coefficients[stride], rtol=1e-6)


def pairs_in_16_bits(name: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Return what `integer_block` gives where pairs of products are added in 16 bits, as without VNNI."""
    layer = {key: value for key, value in inputs.items() if key != "state"}
    state, (_, channels, height, width) = inputs["state"], inputs["state"].shape
    padded = np.full((channels, height + 2, width + 2), 128, np.int32)
    padded[:, 1:-1, 1:-1] = np.floor(state[0] / 16 + 128.5)
    weight, sums = layer["spatial"].astype(np.int32) - 128, np.zeros((channels, height, width), np.int32)
    for row, column in np.ndindex(3, 3):
        shifted, tap = padded[:, row : row + height, column : column + width], weight[:, :, row, column]
        for i in range(0, channels, 2):  # 8-bit unsigned times signed, two at a time
            sums += np.clip(np.einsum("oi,ihw->ohw", tap[:, i : i + 2], shifted[i : i + 2]), -(2**15), 2**15 - 1)
    sums += layer["spatial_bias"] - 128 * weight.sum(axis=(1, 2, 3))[:, None, None]
    hidden = np.clip(np.floor(sums * layer["spatial_scale"] + np.float32(0.5)), 0, 255)
    change = np.einsum("oi,ihw->ohw", layer["point"][:, :, 0, 0].astype(np.float32) - 128, hidden)
    new = np.clip(np.floor(state + change * layer["point_scale"] + np.float32(0.5)), -3840, 3840)
    return np.asarray(new, np.float32)


def test_kernels_that_saturate_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.integers_are_exact()
    kernels.integers_are_exact.cache_clear()
    monkeypatch.setattr(kernels, "run", pairs_in_16_bits)
    assert not kernels.integers_are_exact()
    monkeypatch.setattr(
        np, "clip", lambda x, least, most, clip=np.clip: x if most == 2**15 - 1 else clip(x, least, most)
    )
    kernels.integers_are_exact.cache_clear()
    assert kernels.integers_are_exact()  # but for the 16 bits, the same kernel is exact
    kernels.integers_are_exact.cache_clear()


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (16, 9)])
def test_blocks_without_exact_kernels_give_the_same_integers(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, channels = np.random.default_rng(1), 24
    layer: dict[str, NDArray[Any]] = {
        "spatial": drawn.integers(1, 256, (channels, channels, 3, 3), dtype=np.uint8),
        "spatial_bias": drawn.integers(-5000, 5000, (channels, 1, 1), dtype=np.int32),
        "spatial_scale": np.full((channels, 1, 1), 2.0**-9, np.float32),
        "point": drawn.integers(1, 256, (channels, channels, 1, 1), dtype=np.uint8),
        "point_bias": drawn.integers(-5000, 5000, (channels, 1, 1), dtype=np.int32),
        "point_scale": np.full((channels, 1, 1), 2.0**-7, np.float32),
    }
    state = drawn.integers(-3840, 3841, (1, channels, *size)).astype(np.float32)
    found = blocks.integer_block(state, layer)
    assert np.array_equal(found, blocks.block_in_floats(state, layer)) and len(np.unique(found)) > 10
    monkeypatch.setattr(blocks, "STRIP_POSITIONS", 3 * size[1])
    assert np.array_equal(blocks.integer_block(state, layer), found)


def test_inexact_kernels_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "integers_are_exact", lambda: False)
    monkeypatch.setattr(kernels, "run", lambda name, **inputs: pytest.fail("an inexact kernel was used"))
    test_blocks_without_exact_kernels_give_the_same_integers((7, 7), monkeypatch)


def test_graphs_are_valid_files_of_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[bytes] = [build() for build in graphs.GRAPHS.values()]
    session = kernels._session

    def kept(graph: bytes, threads: int) -> Any:
        files.append(graph)
        return session(graph, threads)

    monkeypatch.setattr(kernels, "_session", kept)
    runtime, _ = both(tmp_path, small_model.weights_bytes())
    pixels = small_model.photograph(8, 8)
    runtime.render(runtime.top_down_pass(PassSettings(8, 8, QUALITY), Recorder(), runtime.infer(pixels, QUALITY)))
    assert len(files) >= 4  # residual block, analysis, synthesis, post-filter
    for data in files:
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model, full_check=True)
        assert model.SerializeToString(deterministic=True) == data  # nothing in it is unknown or written otherwise


def test_a_photograph_is_coded_where_torch_is_not_installed(tmp_path: Path) -> None:
    Image.fromarray(small_model.photograph(64, 64)).save(tmp_path / "x.png")
    code = (
        "import sys; sys.modules['torch'] = None  # an import fails\n"
        "import dvcodec; from PIL import Image\n"
        "image = Image.open(sys.argv[1])\n"
        "print(dvcodec.decompress(dvcodec.compress(image)).size)\n"
        "try: dvcodec.compress(image, effort=2)\n"
        "except dvcodec.InvalidArgument as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x.png"], capture_output=True, text=True, check=True)
    size, error = done.stdout.splitlines()
    assert size == "(64, 64)" and error.startswith("looking ahead needs torch, which is not installed")


def test_waiting_threads_sleep_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_asleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
