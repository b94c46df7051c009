"""Weights files of families: what cannot be packed, and files from an attacker."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import families_small as small
import pytest
import torch

from dvcodec import models
from dvcodec.models.families import weights
from dvcodec.models.families.codebooks import Responsibilities
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.integer import weights_file
from dvcodec.models.integer.packing import BoundError

TINY = small.TINY


@pytest.mark.parametrize("axes", [{"latent": "gaussian", "exact": False}, {"exact": False}])
def test_models_without_an_exact_form_are_not_packed(axes: dict[str, Any]) -> None:
    with pytest.raises(BoundError, match="exact"):
        pack(FamilyVAE(replace(small.TINY, **axes)))


def test_a_codebook_whose_scores_do_not_fit_is_not_packed() -> None:
    model = small.lively(small.TINY)
    book = model.layers()[0].codebook
    assert isinstance(book, Responsibilities)
    book.means.data[0, 0] = 3e5
    with pytest.raises(BoundError, match=r"latents\.0"):
        pack(model)


# Files from an attacker.

EDITS: dict[str, dict[str, Any]] = {
    "a huge width": {"width": 1024, "blocks": 16},
    "a width out of bounds": {"width": 10**9},
    "many levels": {"sides": [2] * 65, "symbols": [2] * 65, "variables": [1] * 65},
    "other symbols": {"symbols": [2, 5]},
    "another latent": {"latent": "logits", "prior": "direct"},
    "a Gaussian": {"latent": "gaussian", "exact": False},
    "a field that there is not": {"depth": 3},
    "a text for a number": {"width": "4"},
    "no sides": {"sides": []},
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_configurations_are_no_weights_files(edit: str, tmp_path: Path) -> None:
    model = small.lively(TINY)
    facts = {"format": weights.FORMAT, "name": "x", "config": {**asdict(TINY), **EDITS[edit]}}
    path = tmp_path / "edited.safetensors"
    path.write_bytes(weights_file.write(facts, pack(model)))
    with pytest.raises(ValueError, match=r"\S"):
        models.load(path)


@pytest.mark.parametrize("key", ["top", "down.0.1.first.shift", "latents.1.codebook.linear", "stem.0.scale"])
def test_missing_or_wrong_tensors_are_refused(key: str, tmp_path: Path) -> None:
    packed = pack(small.lively(TINY))
    facts = {"format": weights.FORMAT, "name": "x", "config": asdict(TINY)}
    without = {name: value for name, value in packed.items() if name != key}
    other = {**packed, key: packed[key][..., :1].contiguous() if packed[key].shape[-1] > 1 else packed[key].float()}
    if other[key].dtype == torch.float32:
        other[key] = packed[key].half() if not packed[key].is_floating_point() else packed[key].to(torch.int32)
    for tensors in (without, other):
        path = tmp_path / "edited.safetensors"
        path.write_bytes(weights_file.write(facts, tensors))
        with pytest.raises(ValueError, match=r"missing or does not fit|larger|belongs to no part"):
            models.load(path)


def test_scores_that_could_round_are_refused_on_loading() -> None:
    config = replace(TINY, embedding=1024)
    wide = pack(small.lively(config))
    wide["latents.1.codebook.quadratic"] = torch.full_like(wide["latents.1.codebook.quadratic"], 2**31 - 1)
    with pytest.raises(BoundError, match="too large for float64"):
        unpack(config, wide)


@pytest.mark.parametrize("axes", [{"image": 256, "width": 1024}, {"symbols": (2**16, 2), "variables": (256, 1)}])
def test_maps_that_would_not_fit_into_memory_are_refused(axes: dict[str, Any]) -> None:
    packed = {"filling": torch.zeros(2**26, dtype=torch.int8)}
    with pytest.raises(ValueError, match="too large"):
        unpack(replace(TINY, **axes), packed)
