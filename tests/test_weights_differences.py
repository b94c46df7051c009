"""Weights kept as the difference to later ones: the same tensors come back, or nothing does."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_model
import torch
from safetensors import safe_open
from safetensors.torch import save
from test_weights_files import parts, tell

from dvcodec import weights
from dvcodec.codec import loading
from dvcodec.errors import WeightsNotFound
from dvcodec.models.deflated import KEY, MOST_BASES, deflate, difference, facts_of, tensors_of
from dvcodec.models.packing import pack
from dvcodec.training.shelving import shelve
from dvcodec.training.squeezing import squeeze


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two weights files and a manifest."""
    entries = []
    for name, data in (("new", small_model.moved(1, postfilter_width=12)), ("old", small_model.weights_bytes())):
        (tmp_path / f"{name}.safetensors").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        entries.append({"name": name, "file": f"{name}.safetensors", "sha256": digest})
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    return tmp_path


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """What a file says, by name."""
    return tensors_of(path, facts_of(path))


def test_a_difference_is_smaller_and_gives_the_same_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = folder / "old.safetensors"
    wanted, plain = tensors(old), old.read_bytes()
    before, after = shelve("old", "new", folder)
    assert (len(plain), old.stat().st_size) == (before, after) and after < before
    found = tensors(old)
    assert list(found) == list(wanted)
    assert all(found[key].dtype == value.dtype and torch.equal(found[key], value) for key, value in wanted.items())
    monkeypatch.setattr(weights, "_FOLDER", folder)
    monkeypatch.delenv("DVCODEC_WEIGHTS", raising=False)
    named = hashlib.sha256(plain)
    copied = folder / "copy.safetensors"
    copied.write_bytes(old.read_bytes())
    for entry in (weights.find("old"), weights.find(str(old)), weights.by_id(named.digest()[:8])):
        assert (entry.sha256, entry.path) == (named.hexdigest(), old)
    assert weights.find(str(copied)).sha256 == named.hexdigest()
    loading.forget()
    again = loading.hierarchy(weights.find("old"), "cpu")
    assert again.name == "small" and pack(again.network).keys() == wanted.keys()  # type: ignore[attr-defined]
    old.write_bytes(old.read_bytes() + b"\0")
    loading.forget()
    with pytest.raises(WeightsNotFound, match="damaged"):
        loading.hierarchy(weights.find("old"), "cpu")


def test_shelving_goes_on_after_an_interrupt_and_in_no_circle(folder: Path) -> None:
    before = (folder / "old.safetensors").read_bytes()
    with pytest.raises(ValueError, match="old is old"):
        shelve("old", "old", folder)
    assert (folder / "old.safetensors").read_bytes() == before
    listed = (folder / "manifest.json").read_bytes()
    shelve("old", "new", folder)
    done = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_bytes(listed)  # as if the second write had not come
    shelve("old", "new", folder)
    assert (folder / "manifest.json").read_bytes() == done != listed
    with pytest.raises(ValueError, match="a difference itself"):
        shelve("new", "old", folder)


def test_differences_of_differences(folder: Path) -> None:
    old, new, newest = (folder / f"{name}.safetensors" for name in ("old", "new", "newest"))
    wanted = tensors(old)
    newest.write_bytes(small_model.moved(2))
    old.write_bytes(difference(old, new))
    new.write_bytes(difference(new, newest))
    assert "base" in facts_of(old) and "base" in facts_of(new)
    assert all(torch.equal(value, wanted[key]) for key, value in tensors(old).items())


def test_a_difference_that_is_no_smaller_is_not_kept(folder: Path) -> None:
    path = folder / "old.safetensors"
    data = deflate(
        {"format": "x"}, {"a": torch.arange(4, dtype=torch.int8), "b": torch.zeros(2, 2, dtype=torch.float16)}
    )
    path.write_bytes(data)
    with pytest.raises(ValueError, match="as a difference to new"):
        shelve("old", "new", folder)
    assert path.read_bytes() == data and "stored" not in (folder / "manifest.json").read_text()


def test_bases_that_are_missing_changed_or_endless(folder: Path) -> None:
    old, new = folder / "old.safetensors", folder / "new.safetensors"
    changed = difference(old, new)
    good = new.read_bytes()
    new.write_bytes(small_model.moved(3, postfilter_width=12))
    tell(changed, folder, "do not give its tensors")
    new.write_bytes(good[:-1])
    tell(changed, folder)
    new.unlink()
    tell(changed, folder, "new.safetensors, cannot be read")
    facts = facts_of(old) | {"base": "hostile.safetensors", "tensors": "0"}
    tell(deflate(facts, pack(small_model.trainable())), folder, "have no end")


def test_a_chain_of_bases_is_bounded_before_anything_is_inflated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed, facts = tensors(folder / "old.safetensors"), facts_of(folder / "old.safetensors")
    for number in range(MOST_BASES + 2):
        named = facts | {"base": f"{number + 1}.safetensors", "tensors": "0"}
        (folder / f"{number}.safetensors").write_bytes(deflate(named, packed))
    monkeypatch.setattr("dvcodec.models.deflated.inflate", lambda *_: pytest.fail("inflated"))
    tell((folder / "0.safetensors").read_bytes(), folder, "have no end")


@pytest.mark.parametrize(
    "base",
    [
        "",
        ".",
        "..",
        "new",
        "../new.safetensors",
        "/new.safetensors",
        "sub/new.safetensors",
        "a\nb.safetensors",
        "a" * 200 + ".safetensors",
        7,
        None,
        [],
        {},
    ],
    ids=repr,
)
def test_bases_elsewhere_are_refused(base: object, folder: Path) -> None:
    facts = facts_of(folder / "old.safetensors") | {"base": base, "tensors": "0"}
    tell(deflate(facts, pack(small_model.trainable())), folder, "no name of a weights file")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda facts: facts.pop("tensors"), "tensors"),
        (lambda facts: facts.update(tensors=1), "do not give its tensors"),
        (lambda facts: facts.update(tensors="0" * 64), "do not give its tensors"),
    ],
)
def test_a_difference_without_its_checksum_is_refused(
    change: Callable[[dict[str, Any]], Any], reason: str, folder: Path
) -> None:
    old, new = folder / "old.safetensors", folder / "new.safetensors"
    old.write_bytes(difference(old, new))
    with safe_open(old, framework="pt") as file:
        names = file.keys()
        held = {name: file.get_tensor(name) for name in names}
    facts = facts_of(old)
    change(facts)
    tell(save(held, {KEY: json.dumps(facts)}), folder, reason)


def test_what_is_no_difference_is_written_as_it_was() -> None:
    _, facts = parts()
    assert "base" not in facts and "tensors" not in facts


def test_the_older_weights_that_ship_are_differences_and_no_default_is() -> None:
    shelved = [entry.name for entry in weights.entries() if entry.stored != entry.sha256]
    assert {"rrvq-photo-2", "rrvq-photo-3", "rrvq-photo-4"} <= set(shelved)
    assert not any(
        default.name in shelved for kind in ("hierarchy", "pixels", "scans") for default in weights.defaults(kind)
    )


def test_a_stream_by_zopfli_is_read_by_all_and_smaller(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(small_model.moved(1))
    before = tensors_of(path, facts_of(path))
    sizes = squeeze(path)
    assert sizes[1] < sizes[0] and path.stat().st_size == sizes[1]
    after = tensors_of(path, facts_of(path))
    assert list(before) == list(after) and all(torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(ValueError, match="by zopfli"):
        squeeze(path)
