"""Contexts that keep the host process's torch settings from changing a result, and leave them as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch

from ...errors import DvcodecError
from ...processes.locks import TORCH, fork_safe_lock, forked_with

PARENTS = (("generic", "all"), ("cuda", "all"), ("mkldnn", "all"))
"""Where torch keeps precisions of float32 kernels that others inherit: pairs of a backend and an operation."""
PRECISIONS = {
    ("cuda", "matmul"): "ieee",
    ("cuda", "conv"): "tf32",
    ("cuda", "rnn"): "tf32",
    ("mkldnn", "matmul"): "ieee",
    ("mkldnn", "conv"): "ieee",
    ("mkldnn", "rnn"): "ieee",
}
"""The precisions of a fresh process. The exact path makes no convolutions but products."""


@contextmanager
def default_modes() -> Iterator[None]:
    """Build or run a network as in a fresh process, whatever modes and defaults the caller has set.

    These are inference mode, autocast, default device and dtype, and precisions of float32 kernels. Default dtype and
    precisions belong to the whole process: other threads see those of a fresh one meanwhile.

    Raises:
        DvcodecError: If this process was forked from one that had used torch in a way that does not survive it.
    """
    with (
        _after_fork(),
        _defaults.used(),
        _on_cpu(),
        torch.inference_mode(False),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
    ):
        yield


@contextmanager
def integer_arithmetic() -> Iterator[None]:
    """Forbid the kernels that would round on the exact path, and restore the process's settings afterwards.

    Disabled inside: TF32 and bfloat16 shortcuts for float32 products, NNPACK (Winograd), autocast.
    """
    with _exact.used(), default_modes(), torch.inference_mode():
        yield


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Leave torch's random generator of the CPU as it is, though parameters are drawn while a network is built."""
    with torch.random.fork_rng(devices=[]):
        yield


@contextmanager
def _after_fork() -> Iterator[None]:
    """Use one thread in a process that was forked from one with torch: it would wait for those of its parent.

    Gradients and GPUs cannot be used at all there once the parent has used them, which torch says as a RuntimeError.
    """
    if not forked_with("torch"):
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    except RuntimeError as error:
        if "fork" not in str(error):
            raise
        hint = "start processes by `spawn`, or compress with `effort=1` on the CPU"
        raise DvcodecError("torch does not work in a process that was forked after it was used", hint) from error
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _on_cpu() -> Iterator[None]:
    """Create tensors on the CPU where no device is named; a default device belongs to a thread."""
    if torch.get_default_device().type == "cpu":
        yield  # the context would cost time with every call
    else:
        with torch.device("cpu"):
            yield


class _ProcessSettings:
    """Settings that torch keeps once for the whole process: the first user sets them, the last one restores them.

    Threads overlap. If each restored what it had found, the first to leave would give the host's settings back under
    one that still runs, and the last would leave the exact ones behind.

    Args:
        enter: Sets them and registers with a stack how they are restored.
    """

    def __init__(self, enter: Callable[[ExitStack], None]) -> None:
        self._enter = enter
        self._lock = fork_safe_lock(TORCH)
        self._users = 0
        self._found = ExitStack()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Set them for the whole process."""
        with self._lock:
            if not self._users:
                self._enter(self._found)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._found.close()


def _set_defaults(found: ExitStack) -> None:
    if (dtype := torch.get_default_dtype()) is not torch.float32:
        found.callback(torch.set_default_dtype, dtype)
        torch.set_default_dtype(torch.float32)
    _set_precisions(found)


def _set_precisions(found: ExitStack) -> None:
    """Set all precisions.

    torch refuses to give its older setting of products once a host has used the newer ones; that is then left alone.
    The newer ones are read and written as torch.backends does, of which one setter writes to the wrong place.
    """
    for place in PARENTS:  # first: what they hold would be read in the place of what others do not hold
        found.callback(_write, place, _read(place))
        _write(place, "none")
    for place, precision in PRECISIONS.items():
        found.callback(_write, place, _read(place))
        if place[1] != "matmul":
            _write(place, precision)
    try:
        older = torch.get_float32_matmul_precision()
    except RuntimeError:
        older = ""
    if older:
        found.callback(torch.set_float32_matmul_precision, older)
        torch.set_float32_matmul_precision("highest")
    for place in (("cuda", "matmul"), ("mkldnn", "matmul")):
        _write(place, PRECISIONS[place])


def _read(place: tuple[str, str]) -> str:
    return str(torch._C._get_fp32_precision_getter(*place))


def _write(place: tuple[str, str], precision: str) -> None:
    torch._C._set_fp32_precision_setter(*place, precision)


def _without_nnpack(found: ExitStack) -> None:
    found.enter_context(torch.backends.nnpack.flags(enabled=False))


_defaults, _exact = _ProcessSettings(_set_defaults), _ProcessSettings(_without_nnpack)
