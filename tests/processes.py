"""Several processes that train together, in the environment that torchrun would give them."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable

from dvcodec.training.loop.distributed import DistributedContext, distributed_context


def together(size: int, work: Callable[[DistributedContext], None]) -> int:
    """Do `work` in so many processes at once and return the largest exit status. Torch should have one thread."""
    import torch._dynamo  # noqa: F401  # optimisers load it: here once, before there are several processes

    forking, port = multiprocessing.get_context("fork"), _free_port()  # torch is loaded once
    workers = [forking.Process(target=_join, args=(rank, size, port, work)) for rank in range(size)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(abs(worker.exitcode or 0) for worker in workers)


def _join(rank: int, size: int, port: int, work: Callable[[DistributedContext], None]) -> None:
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()}, MASTER_ADDR="127.0.0.1")
    with distributed_context("cpu") as context:
        work(context)


def _free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
