"""Weights files whose safetensors parts make no sense: refused before anything is built."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import small_model
import torch
from safetensors.torch import load, save
from test_weights_files import tell

from dvcodec import models, weights
from dvcodec.codec import loading
from dvcodec.errors import DvcodecError, WeightsNotFound
from dvcodec.models.integer import weights_file
from dvcodec.models.photo.file import write
from dvcodec.models.photo.quality import QualityMap
from dvcodec.weights import Weights


def headed(header: dict[str, Any], data: bytes = b"") -> bytes:
    """A safetensors file of this header."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


METADATA = {"__metadata__": {"dvcodec": json.dumps(weights_file.metadata_of(small_model.weights_bytes()))}}


@pytest.mark.parametrize(
    "part",
    [
        {"dtype": "I8", "shape": [2**40, 2**40], "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [2**62], "data_offsets": [0, 2**62]},
        {"dtype": "I8", "shape": [5], "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [-4], "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [1.5], "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [4], "data_offsets": [0, 3]},
        {"dtype": "I8", "shape": [4], "data_offsets": [4, 8]},
        {"dtype": "I7", "shape": [4], "data_offsets": [0, 4]},
        {"dtype": "I64", "shape": [], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [1] * 9 + [4], "data_offsets": [0, 4]},
        {"dtype": "I8", "shape": [4]},
        "text",
    ],
    ids=str,
)
def test_impossible_tensors_are_refused(part: Any, tmp_path: Path) -> None:
    tell(headed({**METADATA, "top": part}, bytes(4)), tmp_path)


def test_empty_and_too_many_tensors_are_refused(tmp_path: Path) -> None:
    empty = {"dtype": "I8", "shape": [0, 2**60], "data_offsets": [0, 0]}
    tell(headed({**METADATA, "top": empty}), tmp_path)
    one = [{"dtype": "I8", "shape": [1], "data_offsets": [at, at + 1]} for at in range(2**14 + 1)]
    many = {f"t{at}": part for at, part in enumerate(one)}
    tell(headed({**METADATA, **many}, bytes(len(many))), tmp_path, "more tensors, or dimensions, than any model")


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "\x1b[2J", "\0", ".a", "ä", "a" * 201, "../a"], ids=repr)
def test_names_that_could_mislead_are_refused(name: str, tmp_path: Path) -> None:
    part = {"dtype": "I8", "shape": [4], "data_offsets": [0, 4]}
    tell(headed({**METADATA, name: part}, bytes(4)), tmp_path, "the names of its tensors are not valid")


@pytest.mark.parametrize(
    "metadata", [None, {}, {"format": "pt"}, {"dvcodec": "[1]"}, {"dvcodec": "[" * 10**5}], ids=str
)
def test_other_safetensors_files_are_refused(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    tell(save({"weight": torch.zeros(3)}, metadata), tmp_path)
    tell(save({"weight": torch.zeros(3, dtype=torch.int8)}, metadata), tmp_path)


@pytest.mark.parametrize("identity", [None, 7, "", "0" * 64, ["a"]], ids=repr)
def test_a_file_without_its_identity_is_refused(identity: object, tmp_path: Path) -> None:
    data = small_model.weights_bytes()
    metadata = {**weights_file.metadata_of(data), "id": identity}
    tell(save(load(data), {weights_file.KEY: json.dumps(metadata)}), tmp_path, "it is damaged")


def test_a_file_larger_than_any_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.safetensors"
    with path.open("wb") as file:
        file.truncate(weights_file.LARGEST + 1)  # nothing on the disk
    with pytest.raises(ValueError, match="larger than any model's"), weights_file.reading():
        weights_file.read(path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DvcodecError, match="cannot read the weights file"):
        loading.hierarchy(Weights("x", tmp_path / "nothing.safetensors", "0" * 64, {}), "cpu")


def test_a_file_that_is_damaged_or_gone_after_it_was_found_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(small_model.weights_bytes())
    found = weights.find(str(path))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsNotFound, match="damaged"):
        loading.hierarchy(found, "cpu")
    path.write_bytes(write(small_model.trainable(), QualityMap(1, 2), "other"))
    with pytest.raises(WeightsNotFound, match="it holds the weights"):
        loading.hierarchy(found, "cpu")
    path.unlink()
    with pytest.raises(WeightsNotFound, match="cannot read the weights file"):
        loading.hierarchy(found, "cpu")


def test_models_that_work_on_the_cpu_take_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    loaders = models.load_pixels, models.load_bilevel, models.load_bits_back
    finders = loading.pixel_model_by_id, loading.bilevel_model_by_id, loading.bits_back_coder_by_id
    assert not any("device" in inspect.signature(one).parameters for one in (*loaders, *finders))
    seen: list[str] = []
    monkeypatch.setitem(loading.LOADERS, weights.HIERARCHY, lambda path, device, identity: seen.append(device))
    monkeypatch.setattr(loading, "device_of", lambda device: device)
    for device in ("cpu", "cuda"):
        loading.hierarchy(Weights("x", Path("x"), "1" * 64, {}), device)
    loading.forget()
    assert seen == ["cpu", "cuda"]
