"""Sets are written byte by byte alike in every environment, and read alike: encoder and decoder both infer."""

import json
import subprocess
import sys
from pathlib import Path

import bits_back_probe as probe
import families_small as small
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_bits_back import KINDS, samples
from test_exactness import PRODUCTS, products

from dvcodec import weights
from dvcodec.codec.entropy.bits_back import BitsBack
from dvcodec.errors import FormatError
from dvcodec.models import load_bits_back
from dvcodec.models.families import weights as families
from dvcodec.models.families.packing import pack
from dvcodec.models.families.runtime.bits_back import RuntimeBitsBackModel
from dvcodec.models.families.runtime.model import RuntimeFamily
from dvcodec.models.integer.weights_file import Tensors


def elsewhere(setting: tuple[str, int], model: Path, images: NDArray[np.uint8], folder: Path) -> object:
    """What another process sees in this environment."""
    np.save(folder / "in.npy", images)
    done = subprocess.run(
        [sys.executable, probe.__file__, str(model), str(folder / "in.npy")],
        env=products(*setting),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", PRODUCTS)
def test_every_environment_writes_the_same_bytes(kind: str, setting: tuple[str, int], tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(families.write(small.lively(KINDS[kind]), kind))
    expected = probe.report(path, samples(kind, 12))
    assert expected["same"]
    assert elsewhere(setting, path, samples(kind, 12), tmp_path) == expected


@pytest.mark.parametrize(
    "place", ["stem.0", "up.1", "latents.1.bottom_up_head", "latents.0.top_down_head", "synthesis", "likelihood"]
)
def test_one_step_of_any_weight_changes_what_is_decoded(place: str) -> None:
    lively = small.lively(KINDS["bilevel"])
    packed, images = pack(lively), samples("bilevel", 33)
    data = BitsBack(RuntimeBitsBackModel("good", RuntimeFamily(lively.config, Tensors(packed)))).encode(images)
    changed = {
        name: value + (value < 127) if name.startswith(f"{place}.") and name.endswith(".weight") else value
        for name, value in packed.items()
    }
    assert any(not torch.equal(changed[name], packed[name]) for name in packed)
    coder = BitsBack(RuntimeBitsBackModel("changed", RuntimeFamily(lively.config, Tensors(changed))))
    try:
        found = coder.decode(data, len(images))
    except FormatError:
        return
    assert not np.array_equal(found, images)


@pytest.mark.slow
@pytest.mark.parametrize("setting", PRODUCTS)
def test_the_shipped_models_write_the_same_bytes_everywhere(setting: tuple[str, int], tmp_path: Path) -> None:
    for entry in weights.of_kind(weights.BITS_BACK):
        bilevel = load_bits_back(entry.path).suits("1", 28, 28)
        shape = (6, 28, 28) if bilevel else (6, 32, 32, 3)
        images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        images = (images > 190) * np.uint8(255) if bilevel else images // 8 + 100
        expected = probe.report(entry.path, images)
        assert expected["same"]
        assert elsewhere(setting, entry.path, images, tmp_path) == expected
