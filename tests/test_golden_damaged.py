"""Damaged golden files: what the commands print about them, to the letter."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from golden.make_damaged import FOLDER, INDEX, lines_of

LISTED: dict[str, Any] = json.loads(INDEX.read_text())


def test_every_damaged_file_is_listed() -> None:
    assert {path.stem for path in FOLDER.glob("*.dvq")} == set(LISTED) and len(LISTED) > 60


@pytest.mark.parametrize("name", LISTED)
def test_commands_print_the_same_about_damaged_files_as_ever(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(FOLDER / f"{name}.dvq", tmp_path)
    assert lines_of(name) == LISTED[name]
    lines = [line for command in LISTED[name].values() for line in command["lines"]]
    assert all(line.startswith(("fault ", f"dvcodec: {name}.dvq: ")) for line in lines)
    assert LISTED[name]["verify"]["status"] == LISTED[name]["decompress"]["status"] == 1
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".dvq"]
    assert not left or name.startswith("archive-"), left
