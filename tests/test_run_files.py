"""The files of a run outlast interrupts and power failures: each is replaced in one step, and synced."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from dvcodec.errors import DvcodecError, OutputFailed
from dvcodec.training import running
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.loop.log_files import CsvTable
from dvcodec.training.options import TrainOptions
from toy_task import RECIPE, train, trainer

pytestmark = pytest.mark.usefixtures("toy_is_known")


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is synced and replaced, in order, by the names of files and folders."""
    seen: list[str] = []
    names: dict[int, str] = {}
    opened, sync, move = os.open, os.fsync, os.replace

    def noted(path: str | Path, flags: int, mode: int = 0o777) -> int:
        descriptor = opened(path, flags, mode)
        names[descriptor] = Path(path).suffix or Path(path).name
        return descriptor

    def synced(descriptor: int) -> None:
        seen.append(f"sync {names[descriptor]}")
        sync(descriptor)

    def replaced(source: Path, target: Path) -> None:
        seen.append(f"replace {Path(target).name}")
        move(source, target)

    monkeypatch.setattr(os, "open", noted)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    return seen


def test_a_checkpoint_is_synced_with_its_folder(tmp_path: Path, events: list[str]) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    train(trainer(folder, replace(RECIPE, steps=1)))
    assert events == ["sync .tmp", f"replace {FILE}", "sync run"]
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_checkpoint_that_cannot_be_moved_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(trainer(tmp_path, replace(RECIPE, steps=1)))

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputFailed, match="No space left on device") as caught:
        train(trainer(tmp_path, replace(RECIPE, steps=2)))
    assert "the checkpoint before it is as it was" in str(caught.value)
    assert Checkpoint(tmp_path / FILE).state["step"] == 1 and [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_log_that_is_there_is_replaced_in_one_step(tmp_path: Path, events: list[str]) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n20,3\n40,2\n")
    table = CsvTable(path, step=20)
    table.append({"step": "40", "loss": "1"})
    assert events[:2] == ["sync .tmp", "replace log.csv"]
    table.append({"step": "60", "loss": "0"})
    assert path.read_text().split() == ["step,loss", "20,3", "40,1", "60,0"] and len(events) == 3


def test_the_settings_of_a_run_are_replaced_in_one_step(tmp_path: Path, events: list[str]) -> None:
    options = TrainOptions("toy", ".", tmp_path, quiet=True)
    running._sinks(options, trainer(tmp_path))
    assert events[:2] == ["sync .tmp", "replace config.json"]


def test_a_run_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(DvcodecError, match="is not a folder"):
        running._checkpoint(TrainOptions("toy", ".", tmp_path / "run" / "here"))
