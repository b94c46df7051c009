"""Several processes that train one model: what fails in one of them ends all, and none waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import broken_process
import pytest

from dvcodec.training.loop.checkpoints import BEST, FILE, Checkpoint

pytestmark = pytest.mark.usefixtures("toy_is_known")

OTHER = "OtherProcessFailed at {}: another process of the run failed"
LOSS = "DvcodecError at 2: the loss is not a number, first in the distortion"
VALIDATION = "BrokenValidation at 4: the validation's loss is not a number"


RAISED = {
    "loss:0": (LOSS, OTHER.format(2), 2),
    "loss:1": (LOSS, OTHER.format(2), 2),
    "validation:1": (VALIDATION, VALIDATION, 2),
    "log:0": ("DvcodecError at 20: the disk is full", OTHER.format(20), 20),
}
"""What the process that fails raises, what the other one does, and the step of the checkpoint that is kept."""


@pytest.mark.parametrize(
    "cases", [["loss:1", "validation:1"], pytest.param(["loss:0", "log:0"], marks=pytest.mark.slow)], ids=", ".join
)
def test_what_fails_in_one_process_ends_all(cases: list[str], tmp_path: Path) -> None:
    command = [sys.executable, broken_process.__file__, str(tmp_path), *cases]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as run:
        try:
            output, _ = run.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)  # the processes that wait for each other, too
            pytest.fail("a process still waits for one that has failed")
    assert run.returncode == 0, output.decode()
    for case in cases:
        part, rank = case.split(":")
        raised = [(tmp_path / case / f"{number}.txt").read_text() for number in (int(rank), 1 - int(rank))]
        step = Checkpoint(tmp_path / case / (BEST if part == "validation" else FILE)).state["step"]
        assert (*raised, step) == RAISED[case]
