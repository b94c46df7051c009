"""The identity of weights: a hash of tensors and configuration, whatever the file, its name and its label."""

import hashlib
import json
from pathlib import Path
from typing import Any

import small_model
import torch
from safetensors.torch import load, save
from torch import Tensor

from dvcodec import weights
from dvcodec.models.integer import weights_file
from dvcodec.models.photo.file import write

ABOUT: dict[str, Any] = {"format": "dvcodec-photo-1", "name": "x", "config": {"width": 3, "slope": 0.2}}


def identity_of(data: bytes) -> str:
    """What a file states."""
    return str(weights_file.metadata_of(data)["id"])


def test_the_identity_is_as_the_specification_says() -> None:
    tensors = {"b": torch.tensor([[1, -2]]), "a.b": torch.tensor(300), "c": torch.tensor([1.5], dtype=torch.float16)}
    text = (
        '{"config":{"slope":0.2,"width":3},"format":"dvcodec-photo-1",'
        '"tensors":[["a.b","I16",[]],["b","I8",[1,2]],["c","F16",[1]]]}'
    )
    wanted = hashlib.sha256(text.encode() + b"\0" + b"\x2c\x01" + b"\x01\xfe" + b"\x00\x3e").hexdigest()
    assert identity_of(weights_file.write(ABOUT, tensors)) == wanted


def test_renaming_and_saving_anew_change_no_identity(tmp_path: Path) -> None:
    data = small_model.weights_bytes()
    metadata, tensors = weights_file.metadata_of(data), load(data)
    renamed = write(small_model.trainable(), small_model.QUALITIES, "another name")
    reordered = {name: tensors[name] for name in reversed(tensors)}
    again = save(reordered, {weights_file.KEY: json.dumps(dict(reversed(metadata.items())), indent=2)})
    assert renamed != data != again and identity_of(renamed) == identity_of(again) == identity_of(data)
    found = []
    for number, content in enumerate((data, renamed, again)):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(content)
        found.append(weights.find(str(path)).id)
        assert small_model.load(content).layers == small_model.hierarchy().layers
    assert found == [bytes.fromhex(identity_of(data))[:8]] * 3


def test_other_values_shapes_names_and_settings_have_another_identity() -> None:
    tensors = {"a": torch.arange(6), "b": torch.zeros(2, dtype=torch.float16)}
    others: list[tuple[dict[str, Any], dict[str, Tensor]]] = [
        (ABOUT, tensors),
        (ABOUT, {**tensors, "a": torch.arange(6).flip(0)}),
        (ABOUT, {**tensors, "a": torch.arange(6).view(2, 3)}),
        (ABOUT, {**tensors, "b": torch.zeros(2, dtype=torch.int16)}),
        (ABOUT, {"a": tensors["a"], "c": tensors["b"]}),
        (ABOUT, {"a": tensors["a"]}),
        ({**ABOUT, "format": "dvcodec-pixels-1"}, tensors),
        ({**ABOUT, "config": {"width": 4, "slope": 0.2}}, tensors),
        ({**ABOUT, "quality": {"lowest": 1, "highest": 2}}, tensors),
    ]
    assert len({identity_of(weights_file.write(*other)) for other in others}) == len(others)
