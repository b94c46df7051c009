"""Contexts that keep the host process's torch settings from changing a result, and leave them as they were."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def default_modes() -> Iterator[None]:
    """Build or run a network as it is, whatever inference mode or autocast the caller has entered."""
    with (
        torch.inference_mode(False),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
    ):
        yield


class _ProcessSettings:
    """The settings that torch keeps once for the whole process: the first user sets them, the last one restores them.

    Threads overlap. If each restored what it had found, the first to leave would give the host's settings back under
    one that still runs, and the last would leave the exact ones behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._found = ExitStack()

    @contextmanager
    def exact(self) -> Iterator[None]:
        """Turn off, for the whole process, the kernels that would round."""
        with self._lock:
            if not self._users:
                self._found.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
                torch.set_float32_matmul_precision("highest")
                self._found.enter_context(torch.backends.nnpack.flags(enabled=False))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._found.close()


_process = _ProcessSettings()


@contextmanager
def integer_arithmetic() -> Iterator[None]:
    """Forbid the kernels that would round on the exact path, and restore the process's settings afterwards.

    Disabled inside: TF32 and bfloat16 shortcuts for float32 products, NNPACK (Winograd), autocast.
    """
    with (
        _process.exact(),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
        torch.inference_mode(),
    ):
        yield
