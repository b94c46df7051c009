"""Commands that run side by side share the processors: threads that wait for each other sleep."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "examples" / "kodim23.png"


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the user and system time of the child processes that some work starts and awaits."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def command(out: Path) -> subprocess.Popen[bytes]:
    """Start compressing a photograph with all processors."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "OPENBLAS_"))}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    arguments = [sys.executable, "-m", "dvcodec", "compress", str(FILE), "-o", str(out), "--quiet"]
    return subprocess.Popen(arguments, env=kept)


@pytest.mark.slow
def test_two_commands_at_once_take_little_more_than_one_after_the_other(tmp_path: Path) -> None:
    def in_turn() -> None:
        assert [command(tmp_path / f"{i}.dvq").wait() for i in range(2)] == [0, 0]

    def at_once() -> None:
        running = [command(tmp_path / f"{i}-too.dvq") for i in range(2)]
        assert [each.wait() for each in running] == [0, 0]

    alone, beside = cpu_seconds(in_turn), cpu_seconds(at_once)
    assert beside <= 1.2 * alone, (alone, beside)
