"""Golden archives: what once was a valid archive gives the same images for ever."""

import hashlib
import json
from pathlib import Path

import pytest
import reference_archive
from golden.make_archives import FOLDER, INDEX, described

import dvcodec

LISTED: dict[str, str] = json.loads(INDEX.read_text())


def test_every_golden_archive_is_listed() -> None:
    assert {path.stem for path in FOLDER.glob("*.dvq")} == set(LISTED)
    assert {path.stem for path in FOLDER.glob("*.json")} == {*LISTED, "index"}


@pytest.mark.parametrize("name", LISTED)
def test_golden_archives_never_change_and_decode_as_ever(name: str) -> None:
    path = FOLDER / f"{name}.dvq"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == LISTED[name]
    assert described(path) == json.loads(path.with_suffix(".json").read_text())


@pytest.mark.parametrize("name", LISTED)
def test_a_changed_golden_archive_is_noticed(name: str, tmp_path: Path) -> None:
    data = bytearray((FOLDER / f"{name}.dvq").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.dvq").write_bytes(data)
    with pytest.raises(dvcodec.FormatError):
        list(dvcodec.decompress_archive(tmp_path / "a.dvq", device="cpu"))


def test_golden_archives_hold_every_kind() -> None:
    kinds = {kind for name in LISTED for kind in json.loads((FOLDER / f"{name}.json").read_text())["kinds"]}
    assert kinds >= {"files", "mosaic", "set"}


def test_a_reader_written_from_the_specification_sees_the_same() -> None:
    found = reference_archive.read((FOLDER / "stored.dvq").read_bytes())
    known = json.loads((FOLDER / "stored.json").read_text())["images"]
    seen = [(name, mode, [w, h], hashlib.sha256(samples).hexdigest()) for name, mode, w, h, samples in found]
    assert seen == [(one["name"], one["mode"], one["size"], one["sha256"]) for one in known]
