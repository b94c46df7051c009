"""`dvcodec train`: trains a model by a preset on a data set or a folder of images."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .guard import guard
from .options import FLAG, LARGEST_SEED, Debug, Device, DeviceOption, Quiet, Threads
from .report import Reporter


class Precision(StrEnum):
    """Number format of the matrix products in training."""

    bf16 = "bf16"
    fp32 = "fp32"


Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="DIR",
        help="Folder that holds the files of a named data set. The default is the current folder.",
    ),
]
Download = Annotated[
    bool,
    typer.Option(
        "--download", metavar=FLAG, help="Download those files of a named data set that are missing in --root."
    ),
]


def train(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="PRESET",
            help="Name of the preset to train, a model with its recipe. The list below describes the presets.",
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="NAME|DIR",
            help="Images to train on: the name of a data set from the list below, or a folder.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="RUN",
            help="Folder for the checkpoints and logs of the run. The default is runs/PRESET-DATA.",
        ),
    ] = None,
    root: Root = None,
    download: Download = False,
    exclude: Annotated[
        Path | None,
        typer.Option(
            "--exclude",
            metavar="DIR",
            help="Folder of images that are kept for evaluation. Images with the same pixels are not trained on.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change one value of the preset, such as batch=16. May be repeated; an unknown KEY lists all keys.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=1, metavar="N", help="Number of optimiser steps. The default is what the preset says."
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            metavar="M",
            help="End the run after M minutes, with the schedule of the learning rates fitted into them.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", metavar=FLAG, help="Continue the run in the folder of --out from its newest checkpoint."
        ),
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="WEIGHTS", help="Start a new run from the parameters of a weights file or a checkpoint."
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(
            "--precision",
            help="Number format of the matrix products: bf16 is faster on GPUs. The default is what the preset says.",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            max=LARGEST_SEED,
            metavar="N",
            help="Seed of all random numbers. Runs with other seeds differ.",
        ),
    ] = 0,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", metavar=FLAG, help="Also write the logs as event files, which TensorBoard shows."
        ),
    ] = False,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a model on images, and save checkpoints and logs in a folder.

    Use it for a model of your own images, or to repeat an experiment. `dvcodec export` then turns a checkpoint into
    weights, with which the codec compresses. An interrupted run continues with --resume.
    """
    overrides = parse_overrides(settings or [])
    with guard(model, Reporter(), debug=debug):
        _refuse_unknown_model(model)
        refuse_unknown_data(data)
        if exclude is not None and not exclude.is_dir():
            raise typer.BadParameter(f"no folder {str(exclude)!r}", param_hint="--exclude")
        if minutes is not None and not minutes > 0:
            raise typer.BadParameter(f"{minutes} is not a positive number", param_hint="--minutes")
        from .. import training
        from ..training.options import TrainOptions, default_out

        training.train(
            TrainOptions(
                model=model,
                data=data,
                out=out or default_out(model, data),
                steps=steps,
                minutes=minutes,
                resume=resume,
                device=device.value,
                precision=None if precision is None else precision.value,
                seed=seed,
                threads=threads,
                overrides=overrides,
                quiet=quiet,
                start=start,
                tensorboard=tensorboard,
                root=root,
                exclude=exclude,
                download=download,
            )
        )


def parse_overrides(settings: list[str]) -> dict[str, str]:
    """Parse `["a=1", "b=x"]` to a dictionary; the last value of a key counts, as with every other option."""
    pairs = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"{setting!r} is not KEY=VALUE", param_hint="--set")
        pairs[key.strip()] = value.strip()
    return pairs


def _refuse_unknown_model(model: str) -> None:
    """Raise a usage error that lists the presets if there is none of this name."""
    from ..training import presets

    known = presets()
    if model not in known:
        raise typer.BadParameter(f"no preset {model!r} (there are {', '.join(known)})", param_hint="--model")


def refuse_unknown_data(data: str) -> None:
    """Raise a usage error that lists the data sets if this is neither a data set nor a folder."""
    from ..training import data_sets

    known = data_sets()
    if data not in known and not Path(data).is_dir():
        raise typer.BadParameter(
            f"no data set or folder {data!r} (data sets: {', '.join(known)}; or a folder of images)",
            param_hint="--data",
        )
