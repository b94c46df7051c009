"""Lossless files decode to the same pixels in every environment, and noise in what may be float changes none."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import lossless_probe as probe
import numpy as np
import pytest
import small_light
import small_model
import small_pixels
import torch
from numpy.typing import NDArray
from test_exactness import ENVIRONMENTS, environment

from dvcodec import weights
from dvcodec.codec import loading
from dvcodec.codec.lossless import methods
from dvcodec.errors import DvcodecError
from dvcodec.image_io.images import from_array
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.interface.photo import PhotoModel
from dvcodec.models.light.runtime.model import RuntimeLightModel
from dvcodec.models.light.runtime.posterior import LightTargets
from dvcodec.models.pixels.wavefront.export import integer_net
from dvcodec.models.pixels.wavefront.model import WavefrontModel

CORNERS = [ENVIRONMENTS[0], ENVIRONMENTS[-1], *(pytest.param(ENVIRONMENTS[i], marks=pytest.mark.slow) for i in (1, -2))]


@cache
def coded() -> bytes:
    """A file of a small picture, written in this process."""
    return small_pixels.coded(small_model.picture(40, 56))


@pytest.mark.parametrize("setting", CORNERS, ids="-".join)
def test_every_environment_sees_the_same_pixels(setting: tuple[str, str, str], tmp_path: Path) -> None:
    data = coded()
    expected = probe.report(data, small_light.hierarchy(), small_pixels.pixel_model())
    files = {"h": small_light.weights_bytes(), "p": small_pixels.weights_bytes(), "in": data}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in (*files, "out")]
    done = subprocess.run(
        [sys.executable, probe.__file__, *paths, setting[2]],
        env=environment(*setting[:2]),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected
    written = small_pixels.decoded((tmp_path / "out").read_bytes())
    assert small_pixels.same(written.picture, small_model.picture(40, 56, seed=1))


def test_noise_in_what_may_be_float_changes_no_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an encoder's targets may be float: other symbols may be chosen, and decoders find the same pixels."""
    array, rng, infer = small_model.picture(40, 56), np.random.default_rng(0), RuntimeLightModel.infer

    def noisy(self: RuntimeLightModel, pixels: NDArray[np.uint8], quality: int) -> LightTargets:
        found = infer(self, pixels, quality)
        for plane in found.planes.values():
            plane += rng.normal(0, 0.2, plane.shape).astype(np.float32)
        return found

    monkeypatch.setattr(RuntimeLightModel, "infer", noisy)
    written = small_pixels.coded(array)
    assert written != coded()
    monkeypatch.undo()
    assert small_pixels.same(small_pixels.decoded(written).picture, array)


@pytest.mark.parametrize("place", ["predict", "trunk", "deep", "heads.0.mix", "heads.1.out", "heads.2.skip"])
def test_one_step_of_an_exact_weight_is_noticed(place: str) -> None:
    data, net = coded(), small_pixels.quantised()
    linear = net.get_submodule(place)
    assert isinstance(linear, QuantLinear)
    linear.weight.data[:, 0] += torch.exp2(-linear.exponents())
    changed = WavefrontModel("changed", integer_net(net), small_pixels.pixel_model().tables)
    with pytest.raises(DvcodecError):
        small_pixels.decoded(data, model=small_pixels.network(pixels=changed))


@pytest.mark.slow
def test_the_shipped_models_code_a_photograph_exactly() -> None:
    array = small_model.photograph(120, 152)
    model = loading.lossless_model(None, "cpu")
    assert model is not None and isinstance(model.hierarchy, PhotoModel)
    data = methods.compress(from_array(array), "model", lambda: model).data
    assert small_pixels.same(small_pixels.decoded(data, model=model).picture, array)
    assert weights.default(weights.PIXELS).id == model.pixel_weights
