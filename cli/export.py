"""`dvcodec export`: turns training checkpoints into weights with exact integer arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .guard import guard
from .options import FLAG, Debug, Quiet
from .report import Reporter
from .text import number, printable


def export(
    checkpoints: Annotated[
        list[Path],
        typer.Argument(
            metavar="CHECKPOINT",
            help="Checkpoints that `dvcodec train` wrote. Several, of runs from one start, are averaged.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="WEIGHTS", help="Weights file to write, with the suffix .safetensors."),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name for the card. The default is the name of the file without its suffix."),
    ] = None,
    description: Annotated[
        str, typer.Option("--description", help="Description of the weights for the card, in one line.")
    ] = "",
    licence: Annotated[str, typer.Option("--licence", help="Licence of the weights for the card.")] = "",
    data: Annotated[str, typer.Option("--data", help="Description of the training data for the card.")] = "",
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            metavar="DIR",
            help="Folder of images to calibrate with. Quality 50 of a photograph model then takes 0.5 bits per pixel;"
            " the probability tables of a model of lossless pixels then fit the images.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("-f", "--force", metavar=FLAG, help="Overwrite existing weights and their card.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write weights for the codec from a training checkpoint, or from the mean of several.

    The weights hold integers whose ranges are checked, so that every machine decodes the same images. A card beside
    them (.card.json) says what they are and how they were trained.
    """
    reporter = Reporter(quiet=quiet)
    if output.suffix != ".safetensors":
        raise typer.BadParameter(f"{output.name} does not end in .safetensors", param_hint="-o")
    if calibrate is not None and not calibrate.is_dir():
        raise typer.BadParameter(f"no folder {str(calibrate)!r}", param_hint="--calibrate")
    given = str(checkpoints[0]) if len(checkpoints) == 1 else f"{len(checkpoints)} checkpoints"
    with guard(given, reporter, debug=debug):
        from .. import training
        from ..image_io.atomic import check_target, check_writable
        from ..weights import card_of

        for target in (output, card_of(output)):
            check_target(None, target, force=force, hint="choose another name with -o, or use --force")
            check_writable(target)
        card = {"name": name or output.stem, "description": description, "licence": licence, "data": data}
        written = training.export_weights(checkpoints, output, card, calibrate)
        size = number(written.stat().st_size)
        reporter.line(f"{printable(given)} -> {printable(str(written))}  {size} B")
