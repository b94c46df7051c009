"""`dvcodec train`: train a model from a preset on a folder of images."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .guard import guard
from .options import FLAG, Debug, Device, DeviceOption, Quiet, Threads
from .report import Reporter


class Precision(StrEnum):
    """The number format of the dense products while training."""

    bf16 = "bf16"
    fp32 = "fp32"


def train(
    model: Annotated[str, typer.Option("--model", metavar="PRESET", help="Which model to train.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of training images.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder for checkpoints and the log.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value of the preset; may be repeated."),
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, metavar="N", help="Default: the preset's.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", metavar="M", help="Stop after M minutes.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", metavar=FLAG, help="Go on from the newest checkpoint in RUN.")
    ] = False,
    start: Annotated[
        Path | None, typer.Option("--from", metavar="WEIGHTS", help="Start from a weights file, the optimiser cold.")
    ] = None,
    precision: Annotated[Precision, typer.Option("--precision", help="Number format of the products.")] = (
        Precision.bf16
    ),
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Seed of everything random.")] = 0,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a model; `export` then makes weights of a checkpoint."""
    overrides = parse_overrides(settings or [])
    with guard(model, Reporter(), debug=debug):
        _refuse_unknown(model, data)
        if minutes is not None and not minutes > 0:
            raise typer.BadParameter(f"{minutes} is not a positive number", param_hint="--minutes")
        from .. import training
        from ..training.options import TrainOptions

        training.train(
            TrainOptions(
                model=model,
                data=data,
                out=out,
                steps=steps,
                minutes=minutes,
                resume=resume,
                device=device.value,
                precision=precision.value,
                seed=seed,
                threads=threads,
                overrides=overrides,
                quiet=quiet,
                start=start,
            )
        )


def parse_overrides(settings: list[str]) -> dict[str, str]:
    """`["a=1", "b=x"]` as a dictionary; the last one wins, as with every other option."""
    pairs = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"{setting!r} is not KEY=VALUE", param_hint="--set")
        pairs[key.strip()] = value.strip()
    return pairs


def _refuse_unknown(model: str, data: Path) -> None:
    """A preset or folder that does not exist is a usage error that says what there is."""
    from ..training import presets

    known = presets()
    listing = "; ".join(f"{name}: {description}" for name, description in known.items())
    if model not in known:
        raise typer.BadParameter(f"no preset {model!r} (there are: {listing})", param_hint="--model")
    if not data.is_dir():
        raise typer.BadParameter(
            f"no folder {str(data)!r} (a folder of images; presets: {listing})", param_hint="--data"
        )
