"""`dvcodec sample`: draws samples of a model, or its reconstructions of images."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..codec.settings import DEFAULT_QUALITY
from ..image_io.suffixes import WRITTEN
from .guard import guard
from .networks import open_network
from .options import LARGEST_SEED, Debug, Device, DeviceOption, Force, Quiet, Threads, setting
from .process import use_threads
from .report import Reporter
from .text import printable

if TYPE_CHECKING:
    from PIL import Image


def sample(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Picture to write. The suffix chooses the format.")
    ],
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="NAME|PATH",
            help="Weights by name or path, or a training checkpoint. The default is the weights that the codec uses.",
        ),
    ] = None,
    number: Annotated[
        int,
        typer.Option(
            "-n", "--number", min=1, max=4096, metavar="N", help="Number of samples, or of images to reconstruct."
        ),
    ] = 64,
    reconstruct: Annotated[
        Path | None,
        typer.Option(
            "--reconstruct",
            metavar="DIR",
            help="Show the images of this folder, each beside its reconstruction, instead of samples.",
        ),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(
            "--layers",
            min=1,
            metavar="K",
            help="Keep the symbols of the K coarsest layers and draw the finer ones anew, to show what they hold.",
        ),
    ] = None,
    quality: Annotated[
        float, setting("quality", "-q", "--quality", help="Quality from 1 to 100, for photograph models only.")
    ] = DEFAULT_QUALITY,
    size: Annotated[
        int,
        typer.Option(
            "--size",
            min=8,
            max=1024,
            metavar="N",
            help="Width and height of each sample in pixels, for photograph models only.",
        ),
    ] = 128,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature",
            min=0.0,
            metavar="T",
            help="Factor of the noise in samples. 1 samples from the model itself; less gives more typical images.",
        ),
    ] = 1.0,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            max=LARGEST_SEED,
            metavar="N",
            help="Seed of the random numbers. Another seed gives other samples.",
        ),
    ] = 0,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw samples of a model, or its reconstructions of images, in one picture.

    Use it to see what a model has learned: samples of its prior, images beside their reconstructions (--reconstruct),
    and what single layers hold (--layers).
    """
    if output.suffix.lower() not in WRITTEN:
        raise typer.BadParameter(f"{output.name} does not end in {', '.join(WRITTEN)}", param_hint="-o")
    if reconstruct is not None and not reconstruct.is_dir():
        raise typer.BadParameter(f"no folder {str(reconstruct)!r}", param_hint="--reconstruct")
    reporter = Reporter(quiet=quiet)
    with guard(weights or str(output), reporter, debug=debug):
        from ..image_io import atomic as files

        files.check_target(None, output, force=force)
        files.check_writable(output)
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
    """Return the bytes of a picture in the format of a suffix."""
    from PIL import Image

    buffer = io.BytesIO()
    picture.save(buffer, Image.registered_extensions()[suffix.lower()])
    return buffer.getvalue()
