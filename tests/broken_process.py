"""Train the toy task in two processes, one of which fails: `broken_process.py FOLDER PART:RANK ...`, run after run.

PART is where it fails, in the process of this RANK: the loss, the validation, or the writing of the log. Each process
writes what it raised to FOLDER/PART:RANK/RANK.txt.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from dvcodec.errors import DvcodecError
from dvcodec.training.loop.distributed import DistributedContext
from dvcodec.training.loop.metrics_log import MetricsLog, MetricsRow
from dvcodec.training.loop.task import LossTerms, Progress
from processes import together
from toy_task import RECIPE, ToyTask, toy, trainer


class Full:
    """A log whose disk is full."""

    def row(self, row: MetricsRow) -> None:
        """Fail."""
        raise DvcodecError("the disk is full")

    def close(self) -> None:
        """Do nothing."""


def spoil(task: ToyTask, part: str) -> None:
    """Let a part of the task give what is not a number, from the third step on."""
    good = task.loss_terms

    def loss_terms(batch: torch.Tensor, progress: Progress) -> LossTerms:
        terms = good(batch, progress)
        return replace(terms, loss=terms.loss * math.nan) if progress.step == 2 else terms

    if part == "loss":
        task.loss_terms = loss_terms  # type: ignore[method-assign]
    if part == "validation":
        task.validations = [1.0, math.nan]


def work(folder: Path, part: str, broken: int, context: DistributedContext) -> None:
    """Train, and write down what ended it."""
    run = trainer(folder, replace(RECIPE, steps=60, validate_every=2 if part == "validation" else 0), context)
    toy(run).validations = [1.0] * 60
    if context.rank == broken:
        spoil(toy(run), part)
    run.begin()
    try:
        run.train(MetricsLog([Full()] if part == "log" and context.rank == broken else []))
    except DvcodecError as error:
        (folder / f"{context.rank}.txt").write_text(f"{type(error).__name__} at {run.step}: {error.reason}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in sys.argv[2:]:
        (folder := Path(sys.argv[1]) / case).mkdir()
        part, broken = case.split(":")
        if status := together(2, partial(work, folder, part, int(broken))):
            sys.exit(status)
