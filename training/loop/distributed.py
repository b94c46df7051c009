"""Several processes that train one model: `torchrun --nproc-per-node N -m dvcodec train ...`.

Each process draws its own batches; gradients are averaged before each update, so that all hold the same parameters.
The first process logs and saves. One process alone is a team of one, and nothing here costs anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import InvalidArgument


@dataclass(frozen=True)
class Team:
    """This process among the others. `rank` counts from 0."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this is the process that logs and saves."""
        return self.rank == 0

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replaces each tensor by its mean over the processes."""
        if self.size > 1:
            for tensor in tensors:
                dist.all_reduce(tensor)
                tensor /= self.size

    def follow_first(self, tensors: Iterable[Tensor]) -> None:
        """Replaces each tensor by the first process's."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def largest(self, *values: float) -> tuple[float, ...]:
        """The largest of each value over the processes, so that all decide alike."""
        if self.size == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return tuple(shared.tolist())


@contextmanager
def joined(choice: str) -> Iterator[Team]:
    """The team that the environment describes, on "auto", "cpu" or "cuda". InvalidArgument where there is no CUDA."""
    size, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    device = _device(choice, local if size > 1 else None)
    if size == 1:
        yield Team(device=device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Team(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()


def _device(choice: str, local: int | None) -> torch.device:
    available = torch.cuda.is_available()
    if choice == "cuda" and not available:
        raise InvalidArgument("no CUDA device is available", "use --device cpu")
    if choice == "cpu" or not available:
        return torch.device("cpu")
    return torch.device("cuda") if local is None else torch.device("cuda", local)
