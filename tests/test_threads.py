"""Threads follow the processors that a process has, and the quota of its container."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dvcodec.models.runtime import kernels, threads


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "max 100000\n"}, float("inf")),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, float("inf")),
        ({"cpu.max": "nonsense"}, float("inf")),
        ({}, float("inf")),
    ],
)
def test_a_quota_is_read_as_both_versions_show_it(files: dict[str, str], expected: float, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert threads.quota(tmp_path) == expected


def test_threads_are_no_more_than_the_quota_and_the_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert threads.available(tmp_path) == 8
    for allowed, expected in (("250000 100000", 3), ("1000 100000", 1), ("9900000 100000", 8)):
        (tmp_path / "cpu.max").write_text(allowed)
        assert threads.available(tmp_path) == expected


def test_kernels_use_what_is_available_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_threads", [])
    monkeypatch.setattr(kernels, "available", lambda: 5)
    assert kernels.threads() == 5
    kernels.use_threads(2)
    assert kernels.threads() == 2


FORKING = """
import multiprocessing, warnings
import numpy as np, dvcodec
from dvcodec.models.runtime import kernels
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads
kernels.use_threads(2)
pixels = np.add.outer(np.arange(24), np.arange(72)).astype(np.uint8).reshape(24, 24, 3)
here = dvcodec.compress_array(pixels)
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(dvcodec.compress_array, [pixels] * 3) == [here] * 3)
print(dvcodec.compress_array(pixels) == here)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_codes_with_threads_of_its_own() -> None:
    command = [sys.executable, "-c", FORKING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["True", "True"]


BUSY = """
import os, sys, threading, time, warnings
from dvcodec.models.runtime import kernels
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads
kernels.use_threads(2)
run = kernels.integers_are_exact.__wrapped__
print(run(), "ORT_DISABLE_TELEMETRY" in os.environ, flush=True)
stop = threading.Event()
def work():
    while not stop.is_set():
        run()
thread = threading.Thread(target=work)
thread.start()
for _ in range(3):
    if not (child := os.fork()):
        sys.exit(0 if run() else 3)  # through all that libraries do at the end of a process
    print(os.waitpid(child, 0)[1], flush=True)
stop.set()
thread.join()
print(run())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_beside_a_thread_that_codes_gives_a_child_that_codes_and_ends() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", BUSY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)
    assert done.stdout.split() == ["True", "False", "0", "0", "0", "True"]
