"""Data-parallel training in several processes: `torchrun --nproc-per-node N -m dvcodec train ...`.

Each process draws its own batches; gradients are averaged before each update, so that all processes hold the same
parameters. The main process logs and saves. With a single process nothing here costs anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor

from ...errors import DvcodecError, InvalidArgument


class OtherProcessFailed(DvcodecError):
    """Another process of the run raised an error, so that this one cannot go on."""


@dataclass(frozen=True)
class DistributedContext:
    """This process among those of the run.

    Args:
        rank: number of this process, from 0.
        size: number of processes.
        device: where this process computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_main(self) -> bool:
        """Whether this is the process that logs and saves."""
        return self.rank == 0

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over the processes."""
        if self.size > 1:
            for tensor in tensors:
                dist.all_reduce(tensor)
                tensor /= self.size

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by that of the main process."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def maximum(self, *values: float) -> tuple[float, ...]:
        """Return the maximum of each finite value over the processes, so that all of them decide alike."""
        if self.size == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return tuple(shared.tolist())

    @contextmanager
    def together(self) -> Iterator[None]:
        """Fail in every process if the body fails in one of them: the others would wait for it for ever.

        The body must not communicate with the other processes itself.

        Raises:
            OtherProcessFailed: the body went well here, but raised an error in another process.
        """
        try:
            yield
        except Exception:
            self.maximum(1.0)
            raise
        if self.maximum(0.0) != (0.0,):
            raise OtherProcessFailed("another process of the run failed", "its own message says why")


@contextmanager
def distributed_context(choice: str) -> Iterator[DistributedContext]:
    """Join the processes that the environment describes.

    Args:
        choice: "auto", "cpu" or "cuda".

    Raises:
        InvalidArgument: CUDA was asked for and there is none.
    """
    size, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    device = _device(choice, local if size > 1 else None)
    if size == 1:
        yield DistributedContext(device=device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield DistributedContext(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()


def _device(choice: str, local: int | None) -> torch.device:
    available = torch.cuda.is_available()
    if choice == "cuda" and not available:
        raise InvalidArgument("no CUDA device is available", 'use `device="cpu"`')
    if choice == "cpu" or not available:
        return torch.device("cpu")
    return torch.device("cuda") if local is None else torch.device("cuda", local)
