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
from test_exactness import ENVIRONMENTS, environment

from dvcodec import weights
from dvcodec.models import load_bits_back
from dvcodec.models.families import weights as families
from dvcodec.models.families.bits_back import FamilyBitsBackModel
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.integer.linear import QuantLinear

CORNERS = [ENVIRONMENTS[0], ENVIRONMENTS[1], ENVIRONMENTS[-2], ENVIRONMENTS[-1]]


def elsewhere(setting: tuple[str, str, str], model: Path, images: NDArray[np.uint8], folder: Path) -> object:
    """What another process sees in this environment."""
    np.save(folder / "in.npy", images)
    done = subprocess.run(
        [sys.executable, probe.__file__, str(model), str(folder / "in.npy"), setting[2]],
        env=environment(*setting[:2]),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", CORNERS, ids="-".join)
def test_every_environment_writes_the_same_bytes(kind: str, setting: tuple[str, str, str], tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(families.write(small.lively(KINDS[kind]), kind))
    expected = probe.report(path, samples(kind, 12))
    assert expected["same"]
    assert elsewhere(setting, path, samples(kind, 12), tmp_path) == expected


@pytest.mark.parametrize(
    "place", ["stem.0", "up.1", "latents.1.bottom_up_head", "latents.0.top_down_head", "synthesis", "likelihood"]
)
def test_one_step_of_any_weight_changes_what_is_decoded(place: str) -> None:
    from dvcodec.codec.entropy.bits_back import BitsBack
    from dvcodec.errors import FormatError

    lively = small.lively(KINDS["bilevel"])
    packed, images = pack(lively), samples("bilevel", 33)
    data = BitsBack(FamilyBitsBackModel("good", unpack(lively.config, packed))).encode(images)
    changed = unpack(lively.config, packed)
    part = changed.get_submodule(place)
    linears = [module for module in part.modules() if isinstance(module, QuantLinear)]
    for linear in linears:
        linear.weight.data += torch.exp2(-linear.exponents())[:, None]
    assert linears
    try:
        found = BitsBack(FamilyBitsBackModel("changed", changed)).decode(data, len(images))
    except FormatError:
        return
    assert not np.array_equal(found, images)


@pytest.mark.slow
@pytest.mark.parametrize("setting", ENVIRONMENTS, ids="-".join)
def test_the_shipped_models_write_the_same_bytes_everywhere(setting: tuple[str, str, str], tmp_path: Path) -> None:
    for entry in weights.of_kind(weights.BITS_BACK):
        bilevel = load_bits_back(entry.path).suits("1", 28, 28)
        shape = (6, 28, 28) if bilevel else (6, 32, 32, 3)
        images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        images = (images > 190) * np.uint8(255) if bilevel else images // 8 + 100
        expected = probe.report(entry.path, images)
        assert expected["same"]
        assert elsewhere(setting, entry.path, images, tmp_path) == expected
