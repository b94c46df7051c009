"""Contexts that keep the host process's torch settings from changing a result, and leave them as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def own_modes() -> Iterator[None]:
    """Inside, neither inference mode nor autocast of a caller holds: a network is built, and walked, as it is."""
    with (
        torch.inference_mode(False),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
    ):
        yield


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Forbids the kernels that would round on the exact path, and restores the process's settings afterwards.

    Off inside: TF32 and bfloat16 shortcuts for float32 products, NNPACK (Winograd), autocast.
    """
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with (
            torch.backends.nnpack.flags(enabled=False),
            torch.autocast("cpu", enabled=False),
            torch.autocast("cuda", enabled=False),
            torch.inference_mode(),
        ):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
