"""What a weights file is a model of, told by its header."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dvcodec import weights
from dvcodec.weights.kinds import HIERARCHY, LARGEST_HEADER, PIXELS, SCANS, SETS, kind_of

REVERSIBLE = {"reversible": True, "likelihood": "neighbours"}


def written(path: Path, facts: object) -> Path:
    """A file with nothing but a safetensors header."""
    header = json.dumps({"__metadata__": {"dvcodec": json.dumps(facts)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


@pytest.mark.parametrize(
    ("form", "config", "kind"),
    [
        ("dvcodec-rrvq-1", {}, HIERARCHY),
        ("dvcodec-wavefront-1", {}, PIXELS),
        ("dvcodec-scans-1", {}, SCANS),
        ("dvcodec-family-1", REVERSIBLE, SETS),
        ("dvcodec-family-1", REVERSIBLE | {"reversible": False}, HIERARCHY),
        ("dvcodec-family-1", REVERSIBLE | {"likelihood": "bernoulli"}, HIERARCHY),
        ("dvcodec-family-1", {}, HIERARCHY),
        ("dvcodec-other-1", {}, HIERARCHY),
    ],
)
def test_the_header_tells_the_kind(tmp_path: Path, form: str, config: object, kind: str) -> None:
    path = written(tmp_path / "mine.safetensors", {"format": form, "config": config})
    assert kind_of(path) == kind == weights.find(str(path)).kind


def test_the_weights_that_ship_are_of_the_kind_that_the_manifest_says() -> None:
    assert {entry.name: entry.kind for entry in weights.entries()} == {
        entry.name: kind_of(entry.path) for entry in weights.entries()
    }


@given(content=st.binary(max_size=64))
def test_other_files_count_as_hierarchies(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("kinds") / "x.safetensors"
    path.write_bytes(content)
    assert kind_of(path) == HIERARCHY
    path.write_bytes(struct.pack("<Q", LARGEST_HEADER + 1) + content)
    assert kind_of(path) == HIERARCHY
