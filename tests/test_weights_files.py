"""Weights files: the integers that went in come out, and nothing else is taken for one."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_model
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch import Tensor

from dvcodec import models
from dvcodec.codec import loading
from dvcodec.errors import DvcodecError
from dvcodec.models import deflated
from dvcodec.models.deflated import KEY, LARGEST, Index
from dvcodec.models.integer.linear import GridLinear
from dvcodec.models.packing import pack
from dvcodec.models.photo.codec_model import QualityMap
from dvcodec.models.photo.network.chain import Stage
from dvcodec.models.photo.network.latent import LatentLayer
from dvcodec.models.weights_file import write

Metadata = dict[str, str]
TEXTS = {"format", "name"}


def parts(data: bytes | None = None) -> tuple[dict[str, Tensor], Metadata]:
    """A weights file's tensors and the JSON texts of its metadata (the small model's)."""
    data = data or small_model.weights_bytes()
    length = int.from_bytes(data[:8], "little")
    facts = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][KEY])
    return load(data), {key: value if isinstance(value, str) else json.dumps(value) for key, value in facts.items()}


def integers(model: torch.nn.Module) -> dict[str, Tensor]:
    """The exact integers that a loaded model stands on, worked out from its dyadic numbers."""
    found: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        if isinstance(module, GridLinear):
            scale = torch.exp2(module.exponents().double())
            found[f"{name}.weight"] = module.weight.detach() * scale[:, None]
            found[f"{name}.bias"] = module.bias.detach() * scale * 2**4
        elif isinstance(module, Stage):
            found[f"{name}.quality"] = module.quality.detach() * 2**8
        elif isinstance(module, LatentLayer):
            assert module.exact is not None
            v, means = len(module.coefficients), module.means().detach() * 2**4
            square, linear = module.exact[0].chunk(2)
            assert torch.equal(linear.t(), -square.t() * means / 2**3)
            found[f"{name}.values"], found[f"{name}.context"] = means[:, :v], means[:, v:]
            found[f"{name}.value_precision"] = -square.t()[:, :v] * 2**24
            found[f"{name}.context_precision"] = -square.t()[:, v:] * 2**12
            found[f"{name}.constant"] = module.exact[1] * 2**16
    return found


def test_what_is_unpacked_is_what_was_packed() -> None:
    packed, found = pack(small_model.trainable()), integers(small_model.frozen())
    for name, value in found.items():
        assert torch.equal(value.double(), packed[name].double()), name
    others = packed.keys() - found.keys()
    assert {name.split(".")[0] for name in others} == {"analysis", "synthesis", "postfilter", "chain"}
    chained = {name.split(".")[-1] for name in others if name.startswith("chain.") and ".mean." not in name}
    assert chained == {"rest", "shift"}


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


# Files that are none.


def tell(data: bytes, folder: Path, match: str | None = None) -> None:
    """Load bytes: models say ValueError, and through the engine everything is a DvcodecError of one line."""
    path = folder / "hostile.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=match):
        models.load(path)
    with pytest.raises(DvcodecError) as caught:
        loading.load_model(path, "cpu")
    assert "\n" not in str(caught.value)


def forged(change: Callable[[dict[str, Tensor], Metadata], object]) -> bytes:
    """The small model's file, changed and sealed again."""
    tensors, metadata = parts()
    change(tensors, metadata)
    texts = [f'"{key}": {json.dumps(value) if key in TEXTS else value}' for key, value in metadata.items()]
    return save(tensors, {KEY: "{" + ", ".join(texts) + "}"})


def test_the_file_itself_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "fine.safetensors"
    path.write_bytes(forged(lambda tensors, metadata: None))
    assert loading.load_model(path, "cpu").name == "small"


@pytest.mark.parametrize("kept", [0, 1, 8, 9, 200, 20_000, -1000, -1])
def test_truncated_files_are_refused(kept: int, tmp_path: Path) -> None:
    tell(small_model.weights_bytes()[:kept], tmp_path)


@settings(max_examples=25)
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, headed: bool) -> None:
    head = len(data).to_bytes(8, "little") if headed else b""
    tell(head + data, tmp_path_factory.mktemp("random"))


def edited(key: str, change: Callable[[Any], object]) -> Callable[[dict[str, Tensor], Metadata], object]:
    """A change of one JSON value of the metadata, in place."""

    def apply(tensors: dict[str, Tensor], metadata: Metadata) -> None:
        value = json.loads(metadata[key])
        change(value)
        metadata[key] = json.dumps(value)

    return apply


def replaced(key: str, text: str) -> Callable[[dict[str, Tensor], Metadata], object]:
    """Another text under a key of the metadata."""
    return lambda tensors, metadata: metadata.update({key: text})


def without(key: str) -> Callable[[dict[str, Tensor], Metadata], object]:
    """A key of the metadata left out."""
    return lambda tensors, metadata: metadata.pop(key)


def payload(data: bytes) -> Callable[[dict[str, Tensor], Metadata], object]:
    """Another deflated stream."""
    tensor = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return lambda tensors, metadata: tensors.update(deflated=tensor)


HOSTILE: dict[str, Callable[[dict[str, Tensor], Metadata], object]] = {
    "other format": replaced("format", "dvcodec-rrvq-999"),
    "no format": without("format"),
    "no config": without("config"),
    "no index": without("index"),
    "no quality": without("quality"),
    "no name": without("name"),
    "config no JSON": replaced("config", "{"),
    "config a list": replaced("config", "[]"),
    "config deep": replaced("config", "[" * 100_000),
    "unknown option": edited("config", lambda config: config.update(speed=3)),
    "no widths": edited("config", lambda config: config.pop("widths")),
    "other strides": edited("config", lambda config: config.update(widths={"8": 16})),
    "wider": edited("config", lambda config: config.update(hidden=24)),
    "width of zero": edited("config", lambda config: config.update(hidden=0)),
    "negative width": edited("config", lambda config: config.update(hidden=-5)),
    "fractional width": edited("config", lambda config: config.update(hidden=16.5)),
    "width in words": edited("config", lambda config: config.update(hidden="sixteen")),
    "huge width": edited("config", lambda config: config.update(hidden=10**7)),
    "huge widths": edited("config", lambda config: config.update(widths=dict.fromkeys(("64", "32", "16", "8"), 10**6))),
    "endless blocks": edited("config", lambda config: config.update(blocks=10**12)),
    "quality unknown": edited("quality", lambda quality: quality.update(best=3)),
    "quality in words": edited("quality", lambda quality: quality.update(lowest="low")),
    "quality out of range": edited("quality", lambda quality: quality.update(highest=10**6)),
    "empty index": replaced("index", "[]"),
    "index of numbers": replaced("index", "[1, 2]"),
    "unknown type": edited("index", lambda index: index[0].__setitem__(1, "complex64")),
    "huge shape": edited("index", lambda index: index[0].__setitem__(2, [2**40, 2**40])),
    "shape just too large": edited("index", lambda index: index[0].__setitem__(2, [LARGEST + 1])),
    "negative shape": edited("index", lambda index: index[0].__setitem__(2, [-1, -1])),
    "fractional shape": edited("index", lambda index: index[0].__setitem__(2, [1.5])),
    "other shape": edited("index", lambda index: index[0].__setitem__(2, [1])),
    "tensor missing": edited("index", lambda index: index[3].__setitem__(0, "nothing")),
    "payload empty": payload(b"\0"),
    "payload no stream": payload(b"rubbish" * 50),
    "payload short": payload(zlib.compress(b"short")),
    "payload a bomb": payload(zlib.compress(bytes(2**26), 9)),
    "payload missing": lambda tensors, metadata: tensors.update(inflated=tensors.pop("deflated")),
    "payload of floats": lambda tensors, metadata: tensors.update(deflated=torch.zeros(9, dtype=torch.bfloat16)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused(kind: str, tmp_path: Path) -> None:
    tell(forged(HOSTILE[kind]), tmp_path)


@pytest.mark.parametrize("kind", ["no tensors", "other tensors"])
def test_other_safetensors_files_are_refused(kind: str, tmp_path: Path) -> None:
    tell(save({} if kind == "no tensors" else {"weight": torch.zeros(3)}, {"format": "pt"}), tmp_path)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DvcodecError):
        loading.load_model(tmp_path / "nothing.safetensors", "cpu")


@pytest.mark.parametrize("index", [[["a", "int8", [2**28] * 9]], [["a", "int8", [1]]] * (2**14 + 1)])
def test_products_that_take_hours_are_not_begun(index: Index) -> None:
    with pytest.raises(ValueError, match="more tensors, or dimensions, than any model"):
        deflated.inflate(b"", index)
