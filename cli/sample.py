"""`dvcodec sample`: pictures that a model makes up, or makes of given ones."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..image_io.suffixes import WRITTEN
from .guard import guard
from .networks import open_network
from .options import LARGEST_SEED, Debug, Device, DeviceOption, Force, Quiet, Threads
from .process import use_threads
from .report import Reporter
from .text import printable

if TYPE_CHECKING:
    from PIL import Image


def sample(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The picture to write.")],
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="NAME|PATH", help="Weights or a training checkpoint; default: the codec's."),
    ] = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=4096, metavar="N", help="How many.")] = 64,
    reconstruct: Annotated[
        Path | None,
        typer.Option("--reconstruct", metavar="DIR", help="Images of DIR, each beside its reconstruction."),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option("--layers", min=1, metavar="K", help="Keep the K coarsest layers, draw those below anew."),
    ] = None,
    quality: Annotated[
        float, typer.Option("-q", "--quality", min=1, max=100, metavar="Q", help="Of photograph models.")
    ] = 50.0,
    size: Annotated[
        int, typer.Option("--size", min=8, max=1024, metavar="N", help="Side, of photograph models.")
    ] = 128,
    temperature: Annotated[
        float, typer.Option("--temperature", min=0.0, metavar="T", help="Noise of families' samples; 1 is the model.")
    ] = 1.0,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=LARGEST_SEED, metavar="N", help="Seed of what is drawn.")
    ] = 0,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw samples of a model's prior, or reconstructions of images, as one picture."""
    if output.suffix.lower() not in WRITTEN:
        raise typer.BadParameter(f"{output.name} does not end in {', '.join(WRITTEN)}", param_hint="-o")
    if reconstruct is not None and not reconstruct.is_dir():
        raise typer.BadParameter(f"no folder {str(reconstruct)!r}", param_hint="--reconstruct")
    reporter = Reporter(quiet=quiet)
    with guard(weights or str(output), reporter, debug=debug):
        from ..image_io import atomic as files

        files.check_target(None, output, force=force)
        use_threads(threads)
        network = open_network(weights, device.value)
        from ..evaluation.likelihood.pictures import SamplingOptions, grid, pairs

        drawing = SamplingOptions(layers, seed, quality, size, temperature)
        picture = (
            grid(network, number, drawing) if reconstruct is None else pairs(network, reconstruct, number, drawing)
        )
        files.write(output, encoded(picture, output.suffix), force=force)
        reporter.line(f"{printable(str(output))}  {picture.width}x{picture.height}")


def encoded(picture: Image.Image, suffix: str) -> bytes:
    """A picture in the format of a suffix."""
    from PIL import Image

    buffer = io.BytesIO()
    picture.save(buffer, Image.registered_extensions()[suffix.lower()])
    return buffer.getvalue()
