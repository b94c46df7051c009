"""Weights files: the integers that went in come out, under the same identity, and nothing else is taken for one."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_model
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import Tensor

from dvcodec import models, weights
from dvcodec.codec import loading
from dvcodec.errors import DvcodecError
from dvcodec.models.integer import weights_file
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.photo.file import write
from dvcodec.models.photo.network.chain import ChainStage
from dvcodec.models.photo.network.latent import PhotoLatentLayer
from dvcodec.models.photo.packing import pack
from dvcodec.models.photo.quality import QualityMap


def integers(model: torch.nn.Module) -> dict[str, Tensor]:
    """The exact integers that a loaded model stands on, worked out from its dyadic numbers."""
    found: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, QuantLinear):
            scale = torch.exp2(module.exponents().double())
            found[f"{name}.weight"] = module.weight.detach() * scale[:, None]
            found[f"{name}.bias"] = module.bias.detach() * scale * 2**4
        elif isinstance(module, ChainStage):
            found[f"{name}.quality"] = module.quality.detach() * 2**8
        elif isinstance(module, PhotoLatentLayer):
            assert module.exact_prior is not None
            v, means = len(module.coefficients), module.means().detach() * 2**4
            square, linear = module.exact_prior[0].chunk(2)
            assert torch.equal(linear.t(), -square.t() * means / 2**3)
            found[f"{name}.values"], found[f"{name}.context"] = means[:, :v], means[:, v:]
            found[f"{name}.value_precision"] = -square.t()[:, :v] * 2**24
            found[f"{name}.context_precision"] = -square.t()[:, v:] * 2**12
            found[f"{name}.constant"] = module.exact_prior[1] * 2**16
    return found


def test_what_is_unpacked_is_what_was_packed() -> None:
    packed, found = pack(small_model.trainable()), integers(small_model.frozen())
    for name, value in found.items():
        assert torch.equal(value.double(), packed[name].double()), name
    others = packed.keys() - found.keys()
    assert {name.split(".")[0] for name in others} == {"analysis", "synthesis", "postfilter", "chain"}
    chained = {name.split(".")[-1] for name in others if name.startswith("chain.") and ".mean." not in name}
    assert chained == {"null_symbol", "shift"}


def test_variances_come_back_finer_than_they_are_stored() -> None:
    """What is unpacked packs to the same precisions, and to nearly the same constants, which knew the finer ones."""
    packed, again = pack(small_model.trainable()), pack(small_model.frozen())
    apart = []
    for name in (name for name in packed if name.endswith("_precision")):
        assert torch.equal(packed[name], again[name]), name
    for name in (name for name in packed if name.endswith(".constant")):
        moved = (again[name] - packed[name]).double() / 2**16
        apart.append((moved - moved.median()).abs().mean())
    assert float(torch.stack(apart).mean()) < 0.005  # bits; those of the rounded precisions are 0.1 off


def test_float_networks_come_back_within_half_a_step() -> None:
    before, after = small_model.trainable(), small_model.frozen()
    for name in ("analysis", "synthesis", "postfilter"):
        net, again = before.get_submodule(name), after.get_submodule(name)
        for one, other in zip(net.parameters(), again.parameters(), strict=True):
            step = one.detach().abs().amax() / 127
            assert (one - other).abs().max() <= step / 2 * 1.02 + 1e-6


def test_writing_is_reproducible() -> None:
    assert write(small_model.trainable(), small_model.QUALITIES, "small") == small_model.weights_bytes()


def test_a_weights_file_tells_its_name_and_qualities() -> None:
    renamed = write(small_model.trainable(), QualityMap(7, 900), "another")
    hierarchy = small_model.load(renamed)
    assert hierarchy.name == "another"
    assert hierarchy._qualities == QualityMap(7, 900)


ABOUT: dict[str, Any] = {"format": "dvcodec-photo-1", "name": "x", "config": {"width": 3, "slope": 0.2}}


def test_integers_are_stored_in_the_narrowest_type_that_holds_them() -> None:
    values = {"a": [-128, 127], "b": [128, 0], "c": [-32768, 32767], "d": [32768, 0], "e": [-(2**31), 2**31 - 1]}
    tensors = {name: torch.tensor(value, dtype=torch.int32) for name, value in values.items()}
    stored = load(weights_file.write(ABOUT, tensors | {"f": torch.ones(2, dtype=torch.float16)}))
    kinds = [torch.int8, torch.int16, torch.int16, torch.int32, torch.int32, torch.float16]
    assert {name: value.dtype for name, value in stored.items()} == dict(zip("abcdef", kinds, strict=True))
    assert all(stored[name].tolist() == value for name, value in values.items())
    for name, value in values.items():
        wide = weights_file.Tensors(stored).tensor(name, torch.int32, (2,))
        assert wide.dtype == torch.int32 and wide.tolist() == value


def test_a_tensor_is_widened_and_never_narrowed() -> None:
    stored = {"a": torch.zeros(3, dtype=torch.int16), "f": torch.ones(2, dtype=torch.float16)}
    for name, dtype, shape in (
        ("a", torch.int8, (3,)),
        ("a", torch.float16, (3,)),
        ("a", torch.int16, (1, 3)),
        ("f", torch.int32, (2,)),
        ("f", torch.float32, (2,)),
        ("g", torch.int16, (3,)),
    ):
        with pytest.raises(ValueError, match=f"'{name}' is missing or does not fit"):
            weights_file.Tensors(stored).tensor(name, dtype, shape)


def test_every_tensor_is_taken_once() -> None:
    tensors = weights_file.Tensors({"a.b.c": torch.ones(1, dtype=torch.int8), "a.d": torch.ones(1, dtype=torch.int8)})
    with pytest.raises(ValueError, match=r"'a\.b\.c' belongs to no part"):
        tensors.refuse_unused()
    tensors.below("a").below("b").take("c", "int32", (1,))
    tensors.below("a").take("d", "int32", (1,))
    tensors.refuse_unused()
    with pytest.raises(ValueError, match=r"'a\.d' is missing"):
        tensors.take("a.d", "int32", (1,))


# Files that are none.


def tell(data: bytes, folder: Path, match: str | None = None) -> None:
    """Load bytes: models say ValueError, and through the codec everything is a DvcodecError of one line."""
    path = folder / "hostile.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=match):
        models.load(path)
    with pytest.raises(DvcodecError) as caught:
        loading.hierarchy(replace(SOME, path=path), "cpu")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


SOME = weights.Weights("some", Path(), "0" * 64, {})


def sealed(change: Callable[[dict[str, Any], dict[str, Tensor]], object]) -> bytes:
    """The small model's file, changed, under the identity that it then has."""
    data = small_model.weights_bytes()
    metadata, tensors = weights_file.metadata_of(data), load(data)
    change(metadata, tensors)
    known = {
        **metadata,
        "id": weights_file.identity(metadata, {name: value.numpy() for name, value in tensors.items()}),
    }
    return save(tensors, {weights_file.KEY: json.dumps(known)})


def test_the_file_itself_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "fine.safetensors"
    path.write_bytes(sealed(lambda metadata, tensors: None))
    assert loading.hierarchy(weights.find(str(path)), "cpu").name == "small"


@pytest.mark.parametrize("kept", [0, 1, 8, 9, 200, 20_000, -1000, -1])
def test_truncated_files_are_refused(kept: int, tmp_path: Path) -> None:
    tell(small_model.weights_bytes()[:kept], tmp_path)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.999])
def test_a_changed_byte_is_noticed_wherever_it_is(share: float, tmp_path: Path) -> None:
    data = bytearray(small_model.weights_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    data[start + int((len(data) - start) * share)] ^= 1
    tell(bytes(data), tmp_path, "it is damaged: its tensors and configuration do not have the identity")


def test_other_weights_than_the_expected_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(small_model.weights_bytes())
    with pytest.raises(ValueError, match=r"it holds the weights [0-9a-f]{16}, not 0{16}$"):
        models.load(path, expected="0" * 64)


@settings(max_examples=25)
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, headed: bool) -> None:
    head = len(data).to_bytes(8, "little") if headed else b""
    tell(head + data, tmp_path_factory.mktemp("random"))


def about(key: str, value: object) -> Callable[[dict[str, Any], dict[str, Tensor]], object]:
    """Another value under a key of the metadata."""
    return lambda metadata, tensors: metadata.update({key: value})


def config(**fields: object) -> Callable[[dict[str, Any], dict[str, Tensor]], object]:
    """Other fields of the configuration."""
    return lambda metadata, tensors: metadata["config"].update(fields)


def tensor(end: str, change: Callable[[Tensor], Tensor]) -> Callable[[dict[str, Any], dict[str, Tensor]], object]:
    """The first tensor whose name ends so, changed."""

    def apply(metadata: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        name = next(name for name in sorted(tensors) if name.endswith(end))
        tensors[name] = change(tensors[name])

    return apply


WEIGHT = ".head.weight"
HOSTILE: dict[str, Callable[[dict[str, Any], dict[str, Tensor]], object]] = {
    "no format": lambda metadata, tensors: metadata.pop("format"),
    "another format": about("format", "dvcodec-other-1"),
    "a format that is no text": about("format", 7),
    "no name": lambda metadata, tensors: metadata.pop("name"),
    "a name of two lines": about("name", "a\nb"),
    "a name with an escape": about("name", "a\x1b[2J"),
    "a name of a mile": about("name", "a" * 10**5),
    "no configuration": lambda metadata, tensors: metadata.pop("config"),
    "a list for a configuration": about("config", []),
    "a field that there is not": config(depth=3),
    "a field missing": lambda metadata, tensors: metadata["config"].pop("hidden"),
    "a huge width": config(hidden=10**9),
    "a negative width": config(hidden=-1),
    "a width of another model": config(hidden=17),
    "a text for a width": config(hidden="16"),
    "a layout that is not known": config(layout="photo-1"),
    "no stride 8": config(widths={"64": 16, "32": 16, "16": 16}),
    "no quality": lambda metadata, tensors: metadata.pop("quality"),
    "a quality in words": about("quality", {"lowest": "low", "highest": 3}),
    "a quality out of range": about("quality", {"lowest": 0, "highest": 10**6}),
    "a quality out of order": about("quality", {"lowest": 1, "highest": 9, "middle": 10}),
    "no tensors": lambda metadata, tensors: tensors.clear(),
    "a tensor missing": lambda metadata, tensors: tensors.pop(min(tensors)),
    "a tensor too many": lambda metadata, tensors: tensors.update({"chain.more": torch.ones(1, dtype=torch.int8)}),
    "a tensor of another shape": tensor(WEIGHT, lambda value: value[:, :-1].contiguous()),
    "a tensor too wide": tensor(WEIGHT, lambda value: value.to(torch.int16)),
    "a tensor of floats": tensor(WEIGHT, lambda value: value.half()),
    "a number that is not finite": tensor(".mean.bias", lambda value: value.fill_(float("nan"))),
    "an infinite scale": tensor(".scale", lambda value: value.fill_(float("inf"))),
    "a symbol that there is not": tensor(".null_symbol", lambda value: torch.tensor(2**14, dtype=torch.int16)),
    "a bias whose sum could round": tensor(".head.bias", lambda value: value.to(torch.int32).fill_(2**30)),
    "a shift out of bounds": tensor(".head.shift", lambda value: value.fill_(100)),
    "a negative precision": tensor(".value_precision", lambda value: -value.abs() - 1),
    "a score that could round": tensor(".value_precision", lambda value: value.to(torch.int32).fill_(2**31 - 1)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused(kind: str, tmp_path: Path) -> None:
    tell(sealed(HOSTILE[kind]), tmp_path)
