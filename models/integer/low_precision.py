"""Where networks of torch may make their products in bfloat16: in training, and in passes that look ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import torch

_asked: ContextVar[bool] = ContextVar("_asked", default=False)

CAPABILITIES = "avx512_bf16", "amx_bf16", "bf16", "sve_bf16"
"""torch's names of processors' instructions for products in bfloat16; without them it is slower than float32."""


class _Layer(Protocol):
    training: bool
    trains_in_bfloat16: bool


@contextmanager
def bfloat16_products(wanted: bool) -> Iterator[None]:
    """Let this thread's networks make products in bfloat16 also where they do not train, if `wanted`."""
    token = _asked.set(wanted)
    try:
        yield
    finally:
        _asked.reset(token)


def in_bfloat16(layer: _Layer) -> bool:
    """Tell whether a layer makes its products in bfloat16 now."""
    return layer.trains_in_bfloat16 if layer.training else _asked.get()


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether a device has instructions for products in bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in CAPABILITIES)
