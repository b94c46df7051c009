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
        "--root", metavar="DIR", help="Folder with the files of a named data set. The default is the current folder."
    ),
]
Download = Annotated[
    bool,
    typer.Option("--download", metavar=FLAG, help="Download missing files of a named data set into --root."),
]


def train(
    model: Annotated[
        str,
        typer.Option("--model", metavar="PRESET", help="Preset of the model to train. The presets are listed below."),
    ],
    data: Annotated[
        str, typer.Option("--data", metavar="NAME|DIR", help="Data set listed below, or folder of images.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="RUN", help="Folder for checkpoints and logs. The default is runs/PRESET-DATA."),
    ] = None,
    root: Root = None,
    download: Download = False,
    exclude: Annotated[
        Path | None,
        typer.Option(
            "--exclude",
            metavar="DIR",
            help="Folder of images to leave out of the training data, wherever they occur in it.",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value of the preset; may be repeated."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, metavar="N", help="Number of steps. The default is the preset's.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="M", help="Fit the training schedule into M minutes.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", metavar=FLAG, help="Continue from the newest checkpoint in RUN.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="WEIGHTS", help="Start from the parameters of a weights file, with a new optimiser."
        ),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option("--precision", help="Number format of the matrix products. The default is the preset's."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=LARGEST_SEED, metavar="N", help="Seed of all random numbers.")
    ] = 0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", metavar=FLAG, help="Also write event files for TensorBoard.")
    ] = False,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a model. `dvcodec export` then turns a checkpoint into weights."""
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
