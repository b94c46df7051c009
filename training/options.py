"""The options of a training run: plain values, no torch, so that the command line can build them at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

RUNS = Path("runs")
"""Folder of the runs that are not given one."""


def default_out(model: str, data: str) -> Path:
    """Return the default folder of a run: runs/MODEL-DATA, where DATA is the last name of a folder of images.

    Characters that could mean something to a shell or a file system become underscores.
    """
    name = Path(os.path.abspath(data)).name[:100]
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    return RUNS / (f"{model}-{safe}" if safe else model)


@dataclass(frozen=True)
class TrainOptions:
    """One training run.

    Args:
        model: name of a preset, one of `presets()`.
        data: name of a data set, one of `data.DATA_SETS`, or a folder of images.
        root: where the files of a named data set are; None is the current folder.
        exclude: folder of images for evaluation; images with equal pixels are left out.
        download: let torchvision fetch the missing files of a named data set into `root`.
        out: folder of the run: checkpoints, log, settings.
        steps: optimiser steps in all; None takes the preset's.
        minutes: minutes of wall-clock time after which the run ends, if that is sooner; None for no limit.
        resume: go on from the checkpoint in `out`.
        device: "auto", "cpu" or "cuda".
        precision: "bf16" (autocast) or "fp32"; None takes the preset's.
        seed: seed of everything that is drawn at random.
        threads: CPU threads; None leaves the choice to torch.
        overrides: values as typed by a person, by the names of the preset's fields.
        quiet: print errors only.
        start: weights file to start from, with a fresh optimiser; None starts from scratch.
        tensorboard: write TensorBoard's event files as well.
    """

    model: str
    data: str
    out: Path
    steps: int | None = None
    minutes: float | None = None
    resume: bool = False
    device: str = "auto"
    precision: str | None = None
    seed: int = 0
    threads: int | None = None
    overrides: dict[str, str] = field(default_factory=dict)
    quiet: bool = False
    start: Path | None = None
    tensorboard: bool = False
    root: Path | None = None
    exclude: Path | None = None
    download: bool = False
