"""Differences of tensors: whatever they are, they come back; bytes that mean none are refused."""

import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from test_weights_files import tell
from torch import Tensor

from dvcodec.models import runs
from dvcodec.models.deflated import LONGEST_INDEX, difference
from dvcodec.models.differences import add, index_of, subtract

TYPES = (torch.int8, torch.int16, torch.int32, torch.float16)


@st.composite
def some(draw: st.DrawFn) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Tensors, and others of which some are alike."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    both: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
    for number in range(draw(st.integers(0, 6))):
        shape = draw(st.lists(st.integers(1, 5), max_size=4))
        kind, spread = draw(st.sampled_from(TYPES)), draw(st.sampled_from([1, 10, 300]))
        same = draw(st.booleans())
        for tensors, size in zip(both, (shape, shape if same else [*shape, 2]), strict=True):
            values = (torch.randn(size, generator=generator) * spread).clamp(-128, 127)
            tensors[str(number)] = values.to(kind)
    return both


@given(some())
def test_tensors_come_back(both: tuple[dict[str, Tensor], dict[str, Tensor]]) -> None:
    tensors, others = both
    found = add(*subtract(tensors, others), index_of(tensors), others)
    assert list(found) == list(tensors)
    for name, value in tensors.items():
        assert found[name].dtype == value.dtype and torch.equal(found[name], value)


def test_tensors_near_others_take_less() -> None:
    generator = torch.Generator().manual_seed(0)
    old = torch.randint(-100, 101, (64, 300), generator=generator, dtype=torch.int8)
    rows = torch.linspace(0.5, 1.2, 64)[:, None]
    new = (old * rows + torch.randn(old.shape, generator=generator)).round().clamp(-128, 127).to(torch.int8)
    alone = sum(map(len, subtract({"a": new}, {})))
    beside = sum(map(len, subtract({"a": new}, {"a": old})))
    assert beside < 0.5 * alone < 0.6 * new.numel()


PLAIN = {"m": torch.arange(-60, 60, dtype=torch.int8).view(10, 12), "n": torch.arange(5, dtype=torch.int16)}


def miscounted(raw: bytes) -> bytes:
    """The last table's first share one too high or too low."""
    return raw[:-512] + bytes([raw[-512] ^ 1]) + raw[-511:]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw, coded: (raw[:-1], coded),
        lambda raw, coded: (raw + b"\0", coded),
        lambda raw, coded: (b"", coded),
        lambda raw, coded: (miscounted(raw), coded),
        lambda raw, coded: (raw, coded[:-1]),
        lambda raw, coded: (raw, coded[:-4]),
        lambda raw, coded: (raw, b"\1\0\0\0" + coded),
        lambda raw, coded: (raw, coded + bytes(4)),
    ],
)
def test_other_bytes_are_refused(change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> None:
    with pytest.raises(ValueError):
        add(*change(*subtract(PLAIN, {})), index_of(PLAIN), {})


def test_levels_are_bounded() -> None:
    tall = {"m": torch.arange(-60, 60, dtype=torch.int8).view(120, 1)}
    raw, coded = subtract(tall, {})
    with pytest.raises(ValueError, match="levels"):
        add(raw[:120] + bytes([61]) + raw[121:], coded, index_of(tall), {})


def test_entries_of_very_different_sizes_come_back() -> None:
    sizes = 2.0 ** (torch.arange(-18, 22) / 3)
    drawn = torch.randn(400, 1, 1, generator=torch.Generator().manual_seed(0))
    wide = {"m": (drawn * sizes[:, None] * sizes.flip(0)).clamp(-127, 127).to(torch.int8)}
    assert torch.equal(add(*subtract(wide, {}), index_of(wide), {})["m"], wide["m"])


def test_runs_have_tables_of_their_own() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 256, 4000, dtype=np.uint8), np.full(4000, 7, np.uint8), np.array([3], np.uint8)]
    tables, coded = runs.encode(np.concatenate(parts), [4000, 4000, 1])
    assert tables.shape == (3, 256) and (tables.sum(axis=1, dtype=np.int64) == runs.SHARES).all()
    assert 3900 <= len(coded) <= 4000
    assert np.array_equal(runs.decode(tables, [4000, 4000, 1], coded), np.concatenate(parts))


def forged(path: Path, said: bytes) -> bytes:
    """A difference whose stream holds something else."""
    with safe_open(path, framework="pt") as file:
        metadata, coded = file.metadata(), file.get_tensor("runs")
    stream = torch.frombuffer(bytearray(lzma.compress(said, check=lzma.CHECK_NONE)), dtype=torch.uint8)
    save_file({"difference": stream, "runs": coded}, path, metadata)
    return path.read_bytes()


def indexed(text: str) -> bytes:
    """A stream that has an index and nothing else."""
    return len(text).to_bytes(4, "little") + text.encode()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"\1", "incomplete"),
        ((LONGEST_INDEX + 1).to_bytes(4, "little") + bytes(LONGEST_INDEX + 1), "longer than any"),
        (b"\4\0\0\0[]", "incomplete"),
        (b"\2\0\0\0[]" + bytes(2**26), "does not end where"),
        (b"\2\0\0\0[]\0", "more than its tensors"),
        (indexed('[["a","int8",[4096,8193]]]'), "larger than any"),
        (indexed('[["a","int8",[1048576]]]'), "damaged"),
        (indexed('[["a","int8",[0]]]'), "empty"),
        (indexed('[["a","complex64",[1]]]'), None),
        (b"\2\0\0\0{}", None),
        (b"\3\0\0\0[1]", None),
        (b"\0\0\0\0", None),
    ],
)
def test_hostile_streams_are_refused(said: bytes, reason: str | None, tmp_path: Path) -> None:
    old, new = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    old.write_bytes(small_model.weights_bytes())
    new.write_bytes(small_model.moved(1))
    old.write_bytes(difference(old, new))
    tell(forged(old, said), tmp_path, reason)
