"""Signals: the whole program ends with 128 + the signal's number, from its first imports on, without a traceback."""

import os
import signal
import subprocess
import sys

import pytest

from dvcodec.processes import signals
from dvcodec.training.loop.interrupts import Interrupts

PROGRAM = """
import os, sys
from importlib.abc import MetaPathFinder

class Struck(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), int(sys.argv[2]))

sys.meta_path.insert(0, Struck())
from dvcodec.__main__ import main
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX systems do")
@pytest.mark.parametrize(("module", "number"), [("dvcodec.cli.app", signal.SIGINT), ("typer", signal.SIGTERM)])
def test_a_signal_during_the_imports_ends_the_program_quietly(module: str, number: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, module, str(int(number))], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, b"", b"")


def test_a_program_keeps_the_signals_that_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {one: signal.getsignal(one) for one in signals.ending_signals()}
    ignored = signals.ending_signals()[-1]
    try:
        signal.signal(ignored, signal.SIG_IGN)
        signals.end_cleanly()
        assert signal.getsignal(ignored) is signal.SIG_IGN
        for one in signals.ending_signals()[:-1]:
            monkeypatch.setattr(signals, "_seen", [])
            with pytest.raises(KeyboardInterrupt if one == signal.SIGINT else SystemExit) as raised:
                signal.raise_signal(one)
            assert one == signal.SIGINT or raised.value.args == (128 + one,)
            signal.raise_signal(one)  # an echo does not cut the cleaning up short
            with pytest.raises(raised.type):
                signals.repeat_lost()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_training_notes_every_signal_and_puts_the_handlers_back() -> None:
    before = {one: signal.getsignal(one) for one in signals.ending_signals()}
    for one in (found for found, handler in before.items() if handler is not signal.SIG_IGN):
        with Interrupts() as interrupts:
            signal.raise_signal(one)
            assert interrupts.asked == one
    assert {one: signal.getsignal(one) for one in signals.ending_signals()} == before
