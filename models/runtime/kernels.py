"""Runs the graphs of `graphs` with ONNX Runtime, after a test that its kernels of 8-bit integers are exact here."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from ...processes.locks import KERNELS, around_fork, fork_safe_lock
from .graphs import GRAPHS
from .onnx import runtime
from .onnx_file import FLOATS, Graph
from .threads import available

_idle = threading.Condition(fork_safe_lock(KERNELS))


@dataclass
class _Runs:
    """How many sessions run, and whether a fork waits for their end."""

    count: int = 0
    forking: bool = False


_runs = _Runs()


def _end() -> None:
    with _idle:
        _runs.count -= 1
        _idle.notify_all()


class Network:
    """A graph that is ready to run with as many threads as `threads` says, in every process.

    Args:
        build: Returns the graph's bytes; called when the graph runs first, and again after a fork.
    """

    def __init__(self, build: Callable[[], bytes]) -> None:
        self._build, self._threads = build, 0
        self._session: Any = None
        _networks.add(self)

    def __call__(self, **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Return the graph's outputs of inputs by name."""
        return self._run(inputs, None)

    def run_and_release(self, **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        """Return the graph's outputs of inputs by name, and give back the memory that the run took."""
        return self._run(inputs, _releasing())

    def _run(self, inputs: dict[str, NDArray[Any]], options: Any) -> list[NDArray[np.float32]]:
        session = self._begin()
        try:
            found: list[NDArray[np.float32]] = session.run(None, inputs, options)
        finally:
            del session  # before a fork may happen
            _end()
        return found

    def _begin(self) -> Any:
        """Return the session, which a fork waits for until `_end`."""
        with _idle:
            _idle.wait_for(lambda: not _runs.forking)
            if self._session is None or self._threads != threads():
                self._session, self._threads = _session(self._build(), threads()), threads()
            _runs.count += 1
            return self._session

    def close(self) -> bool:
        """Give up the threads until the graph runs again. Return whether it had any."""
        was, self._session = self._session is not None, None
        return was


_networks: WeakSet[Network] = WeakSet()


@cache
def _releasing() -> Any:
    options = runtime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _session(graph: bytes, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads leave the core to others
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # otherwise the second run of a size takes its memory beside that of the first
    return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _close() -> None:
    """Close all sessions before the process forks: their threads would be missing in the child, which would wait.

    Those that run are awaited: the child would keep them, and wait for their threads when it ends.
    """
    _runs.forking = True
    _idle.wait_for(lambda: not _runs.count)
    if any([network.close() for network in list(_networks)]):
        gc.collect()  # sessions are parts of reference cycles


def _open() -> None:
    _runs.forking = False
    _idle.notify_all()


around_fork(_close, _open)


@cache
def _shared(name: str) -> Network:
    return Network(GRAPHS[name])


def run(name: str, **inputs: NDArray[Any]) -> NDArray[np.float32]:
    """Run a graph without weights.

    Args:
        name: Name of the graph, a key of `graphs.GRAPHS`.
        inputs: Its inputs by name.

    Returns:
        Its only output.
    """
    (output,) = _shared(name)(**inputs)
    return output


_threads: list[int] = []


def threads() -> int:
    """Return the number of threads that kernels use."""
    if not _threads:
        _threads.append(available())  # once: a container's quota is read from files
    return _threads[0]


def use_threads(count: int) -> None:
    """Let kernels use this number of threads from now on."""
    _threads[:] = [count]


@cache
def integers_are_exact() -> bool:
    """Tell whether the kernels of 8-bit integers give exact sums where these are largest.

    Some kernels add pairs of products in 16 bits, which saturate. Every pair here would.
    """
    channels = 32
    ones = np.full((channels, 1, 1), 1, np.int32)
    weight = np.full((channels, channels, 3, 3), 255, np.uint8)  # 127
    weight[1::2] = 1  # -127
    point = np.zeros((channels, channels, 1, 1), np.uint8) + 128
    point[np.arange(channels), np.arange(channels)] = 129
    scale = np.full((channels, 1, 1), 2.0**-15, np.float32)
    found = run(
        "integer_block",
        state=np.full((1, channels, 4, 5), 127 * 16.0, np.float32),
        spatial=weight,
        spatial_bias=0 * ones,
        spatial_scale=scale,
        point=point,
        point_bias=0 * ones,
        point_scale=np.ones_like(scale),
    )
    return bool(np.array_equal(found, _largest(channels)))


@cache
def float_sums_are_exact() -> bool:
    """Tell whether convolutions of whole numbers in floats give exact sums up to 2**24.

    Kernels that add in fewer bits, or transform their inputs (Winograd), do not.
    """
    inputs, outputs, height, width = 112, 16, 5, 7
    places = np.arange(outputs * inputs * 9).reshape(outputs, inputs, 3, 3)
    weight = (63 - places * 11 % 5 + (places % 7 == 0) * -(places % 121)).astype(np.int64)
    x = 255 - np.arange(inputs * height * width).reshape(inputs, height, width) * 13 % 9
    graph = Graph({"x": (FLOATS, 4)})
    found = Network(lambda: graph.file(graph.node("Conv", "x", graph.constant(weight), pads=[1] * 4)))
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    taps = np.stack([padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=1)
    wanted = np.tensordot(weight.reshape(outputs, -1), taps.reshape(inputs * 9, height, width), 1)
    return bool(np.array_equal(found(x=x[None].astype(np.float32))[0][0], wanted))


def _largest(channels: int) -> NDArray[np.float32]:
    """Return what `integers_are_exact` must find."""
    rows, columns = np.array([2, 3, 3, 2]), np.array([2, 3, 3, 3, 2])  # how many taps lie inside
    sums = channels * 127 * 127 * np.outer(rows, columns)
    hidden = np.clip(np.floor(sums * 2.0**-15 + 0.5), 0, 255)
    state = np.full((1, channels, 4, 5), 127 * 16.0)
    state[:, ::2] += hidden
    return np.asarray(np.clip(state, -3840, 3840), np.float32)
