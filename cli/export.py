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
            metavar="CHECKPOINT", help="Checkpoints that `train` wrote. Several runs from one start are averaged."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="WEIGHTS", help="The .safetensors file to write.")],
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name for the card. The default is the name of the file without its suffix."),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="Description for the card, in one line.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Licence of the weights, for the card.")] = "",
    data: Annotated[str, typer.Option("--data", help="Training data, for the card.")] = "",
    calibrate: Annotated[
        Path | None,
        typer.Option(
            "--calibrate",
            metavar="DIR",
            help="Folder of images to calibrate with. A photograph model then takes 0.5 bpp at quality 50; a model"
            " of lossless pixels fits its probability tables to them.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("-f", "--force", metavar=FLAG, help="Overwrite existing weights.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Quantise a checkpoint, or the mean of several, and write weights with a card.

    The weights hold integers whose ranges are checked, so that every machine computes the same.
    """
    reporter = Reporter(quiet=quiet)
    if output.suffix != ".safetensors":
        raise typer.BadParameter(f"{output.name} does not end in .safetensors", param_hint="-o")
    if calibrate is not None and not calibrate.is_dir():
        raise typer.BadParameter(f"no folder {str(calibrate)!r}", param_hint="--calibrate")
    given = str(checkpoints[0]) if len(checkpoints) == 1 else f"{len(checkpoints)} checkpoints"
    with guard(given, reporter, debug=debug):
        from .. import training
        from ..image_io.atomic import check_target
        from ..weights import card_of

        for target in (output, card_of(output)):
            check_target(None, target, force=force, hint="choose another name with -o, or use --force")
        card = {"name": name or output.stem, "description": description, "licence": licence, "data": data}
        written = training.export_weights(checkpoints, output, card, calibrate)
        size = number(written.stat().st_size)
        reporter.line(f"{printable(given)} -> {printable(str(written))}  {size} B")
