"""The library is a guest in its host's process: whatever the host has set, files and pixels are the same, and it stays.

A small model stands for the photograph model. Looking ahead runs in torch, and everything else without it.
"""

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import small_model
import torch

import dvcodec
from dvcodec import models
from dvcodec.models.integer.guard import PARENTS, PRECISIONS
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.photo.codec_model import PhotoCodecModel

PLACES = (*PARENTS, *PRECISIONS)
PIXELS = small_model.photograph(24, 32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a small model's weights."""
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    path.write_bytes(small_model.weights_bytes())
    return str(path)


def work(weights: str) -> list[bytes]:
    """Load the network, look ahead, and code without torch."""
    network = models.load_network(Path(weights), "cpu")
    assert isinstance(network, PhotoCodecModel)
    targets = network.lookahead_targets(PIXELS, PassSettings(24, 32, 40 * 256), 1, perceptual=True)
    assert targets.levels is not None and targets.lookahead_costs is not None and targets.weights is not None
    tensors = [*targets.levels.values(), *targets.lookahead_costs.values(), *targets.weights.positions.values()]
    data = dvcodec.compress_array(PIXELS, 40, weights=weights)
    return [*(tensor.numpy().tobytes() for tensor in tensors), data, dvcodec.decompress_array(data).tobytes()]


@pytest.fixture(scope="module")
def expected(weights: str) -> list[bytes]:
    """Return what a process with no settings of its own gets."""
    return work(weights)


def state() -> list[object]:
    """Return the settings of this process that the library must leave alone."""
    try:
        older: str | None = torch.get_float32_matmul_precision()
    except RuntimeError:
        older = None
    return [
        older,
        [torch._C._get_fp32_precision_getter(*place) for place in PLACES],
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        np.random.get_state(legacy=False),
        np.geterr(),
        list(warnings.filters),
        [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)],
        dict(os.environ),
    ]


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Let torch create tensors of this type."""
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_device(name: str) -> Iterator[None]:
    """Let torch create tensors on this device."""
    torch.set_default_device(name)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def older_precision() -> Iterator[None]:
    """Allow products of less precision, as programs did before torch 2.9."""
    with precisions():  # the newer settings, which the older one changes, too, are put back
        torch.set_float32_matmul_precision("medium")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision("highest")


@contextmanager
def precisions(**given: str) -> Iterator[None]:
    """Allow kernels of less precision, by the settings that torch 2.9 brought."""
    before = [(place, torch._C._get_fp32_precision_getter(*place)) for place in PLACES]
    for name, precision in given.items():
        backend, operation = name.split("_")
        torch._C._set_fp32_precision_setter(backend, operation, precision)
    try:
        yield
    finally:
        for place, precision in before:
            torch._C._set_fp32_precision_setter(*place, precision)


@contextmanager
def seeds() -> Iterator[None]:
    """Seed the generators, as programs do before everything else."""
    torch.manual_seed(7)
    np.random.seed(7)
    yield


@contextmanager
def all_at_once() -> Iterator[None]:
    """Set one of each kind."""
    with (
        seeds(),
        default_dtype(torch.float64),
        default_device("meta"),
        precisions(generic_all="ieee", cuda_all="tf32", cuda_matmul="tf32", mkldnn_conv="bf16"),
        np.errstate(all="raise"),
    ):
        yield


SETTINGS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "device": lambda: default_device("meta"),
    "older": older_precision,
    "generic": lambda: precisions(generic_all="tf32"),
    "mkldnn": lambda: precisions(mkldnn_matmul="bf16", mkldnn_conv="bf16"),
    "mixed": lambda: precisions(generic_all="ieee", cuda_all="tf32", cuda_matmul="tf32"),
    "errstate": lambda: np.errstate(all="raise"),
    "seeds": seeds,
    "all": all_at_once,
}


@pytest.mark.parametrize("name", ["all", *(pytest.param(one, marks=pytest.mark.slow) for one in SETTINGS)])
def test_a_hosts_settings_change_nothing_and_stay(name: str, weights: str, expected: list[bytes]) -> None:
    fresh = state()
    with SETTINGS[name]():
        before = state()
        found = work(weights)
        after = state()
    assert found == expected
    for one, other in zip(before, after, strict=True):
        np.testing.assert_equal(one, other)
    if name not in ("seeds", "all"):
        for one, other in zip(fresh, state(), strict=True):
            np.testing.assert_equal(one, other)
