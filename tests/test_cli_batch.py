"""Many files at once: worker processes, failures among them, and the threads that they share."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
import work

from dvcodec.cli import batch, process, report
from dvcodec.cli.naming import Job
from dvcodec.cli.report import Reporter


def jobs(folder: Path, *contents: bytes) -> list[Job]:
    """Files 0, 1, ... with these contents, each to be copied to 0.out, 1.out, ..."""
    for index, content in enumerate(contents):
        (folder / str(index)).write_bytes(content)
    return [Job(str(folder / str(i)), str(folder / f"{i}.out")) for i in range(len(contents))]


def test_workers_do_all_files_and_report_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    todo = jobs(tmp_path, b"aa", b"bad", b"cccc")
    with pytest.raises(typer.Exit) as stop:
        batch.run(work.copy, todo, os.getpid(), Reporter(), workers=2)
    lines = capsys.readouterr().err.splitlines()
    assert stop.value.exit_code == 1
    assert lines[0].startswith(f"{todo[0].source} -> {todo[0].target}  by worker  ")
    assert lines[1] == f"dvcodec: {todo[1].source}: bad content (write something else)"
    assert lines[2].startswith(f"{todo[2].source} -> {todo[2].target}  by worker  ")
    assert lines[3].startswith("3 files, 1 failed  6 -> 6 B  1.00x  ")
    assert Path(todo[2].target).read_bytes() == b"cccc" and not Path(todo[1].target).exists()


def test_one_file_stays_in_this_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch.run(work.copy, jobs(tmp_path, b"aa"), os.getpid(), Reporter(), workers=4)
    assert "  by parent  " in capsys.readouterr().err


def test_a_worker_that_dies_fails_its_own_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    todo = jobs(tmp_path, b"die", b"x", b"die", b"y")
    with pytest.raises(typer.Exit):
        batch.run(work.copy, todo, 0, Reporter(), workers=2)
    err = capsys.readouterr().err
    for job in (todo[0], todo[2]):
        assert f"dvcodec: {job.source}: a worker process died (out of memory? try fewer --jobs)" in err
    assert "4 files, 2 failed" in err
    assert [Path(todo[index].target).read_bytes() for index in (1, 3)] == [b"x", b"y"]


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_error_is_one_line_and_a_traceback_only_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], debug: bool
) -> None:
    todo = jobs(tmp_path, b"crash", b"ok")
    with pytest.raises(typer.Exit):
        batch.run(work.copy, todo, 0, Reporter(quiet=True), debug=debug)
    err = capsys.readouterr().err
    line = "internal error: RuntimeError: two lines (run again with --debug for a traceback)"
    assert err.endswith(f"dvcodec: {todo[0].source}: {line}\n")
    assert ("Traceback" in err) is debug
    assert Path(todo[1].target).exists()


def test_threads_are_divided_among_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "processors", lambda: 6)
    assert process.threads_each(None, 1) is None
    assert process.threads_each(None, 2) == 3
    assert process.threads_each(8, 3) == 2
    assert process.threads_each(1, 4) == 1


def test_a_progress_bar_swallows_no_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "is_terminal", lambda stream: True)
    todo = jobs(tmp_path, b"a", b"bad", b"c")
    with pytest.raises(typer.Exit):
        batch.run(work.copy, todo, 0, Reporter())
    err = capsys.readouterr().err
    assert all(f"{i}.out" in err for i in (0, 2)) and "bad content" in err and "3 files, 1 failed" in err


SCRIPT = f"""
import sys, typer
sys.path.insert(0, {str(Path(work.__file__).parent)!r})
import work
from dvcodec.cli import batch, naming, report
from dvcodec.processes.signals import end_cleanly
end_cleanly()
todo = [naming.Job(str(i), f"{{i}}.out") for i in range(5)]
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(lambda: batch.run(work.dawdle, todo, None, report.Reporter(), workers=2))
app()
"""


@pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX systems do")
@pytest.mark.parametrize(
    ("number", "group", "status"),
    [
        (signal.SIGINT, True, 130),  # as a terminal sends it, to all processes
        (signal.SIGTERM, False, 143),
        (signal.SIGHUP, True, 129),
        (signal.SIGKILL, False, -9),  # nothing can be done about it but by the workers
    ],
)
def test_however_a_batch_ends_its_workers_end_and_leave_nothing_behind(
    number: int, group: bool, status: int, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.out"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    (os.killpg if group else os.kill)(process.pid, number)
    _, err = process.communicate(timeout=60)  # until every worker has closed its end of the pipe
    assert (process.returncode, list(tmp_path.iterdir())) == (status, [])
    assert "Traceback" not in err
