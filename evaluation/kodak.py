"""The project's headline figures: `python -m dvcodec.evaluation.kodak DIR`.

Codes every image of DIR (the 24 Kodak images, kodim01..24.png) with dvcodec, JPEG, WebP, AVIF and JPEG XL in one run
and prints rate and PSNR per quality, BD-rates against JPEG (optimised, 4:2:0), bits needed at 28 to 36 dB, and whether
every point of ours lies below JPEG's curve. Works on any folder of images.
"""

import importlib.util
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from ..codec.errors import DvcodecError
from .baselines import Avif, Baseline, Jpeg, JpegXl, WebP
from .ours import QUALITIES, Dvcodec
from .rd import ImageCodec, RateDistortion, image_files, measure
from .report import Comparison
from .tables import tables

ANCHOR = Jpeg()
DEFAULT_QUALITIES = ",".join(f"{quality:g}" for quality in QUALITIES)
OTHERS: tuple[Baseline, ...] = (ANCHOR, WebP(), Avif(), JpegXl())


def compare_codecs(
    folder: Path, ours: ImageCodec, qualities: Sequence[float], limit: int | None = None, console: Console | None = None
) -> Comparison:
    """Measure `ours` and the usual codecs on the first `limit` images of `folder` (all where None).

    A codec that cannot run here is left out, with a line on `console` that says why.
    """
    files = image_files(folder)[:limit]
    if not files:
        raise ValueError(f"no images in {folder}")
    console = console or Console(stderr=True)
    plan: list[tuple[ImageCodec, Sequence[float]]] = [(ours, qualities)]
    for codec in OTHERS:
        if reason := codec.missing():
            console.print(f"dvcodec: {codec.name} left out: {reason}", highlight=False)
        else:
            plan.append((codec, codec.qualities))
    return Comparison(folder.name, len(files), ANCHOR.name, _measure_all(plan, files, console))


def _measure_all(
    plan: list[tuple[ImageCodec, Sequence[float]]], files: Sequence[Path], console: Console
) -> tuple[RateDistortion, ...]:
    results = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for codec, qualities in plan:
            task = progress.add_task(codec.name, total=len(files) * len(qualities))
            results.append(measure(codec, files, qualities, on_step=partial(progress.advance, task)))
    return tuple(results)


def check_ready(out: Path | None) -> None:
    """Fail now, not after minutes of measuring, where the last step could not be done."""
    if importlib.util.find_spec("scipy") is None:
        raise DvcodecError("BD-rates need scipy", "pip install 'dvcodec[eval]'")
    if out is not None and not out.absolute().parent.is_dir():
        raise DvcodecError(f"{out}: no such folder")


def parse_qualities(text: str) -> tuple[float, ...]:
    """The numbers of a list such as "1,25,50.5", each from 1 to 100."""
    try:
        qualities = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        raise typer.BadParameter(f"numbers with commas between them wanted, got {text!r}") from None
    if not all(1 <= quality <= 100 for quality in qualities):
        raise typer.BadParameter("qualities go from 1 to 100")
    if len(qualities) < 2:
        raise typer.BadParameter("a curve needs two qualities or more")
    return qualities


def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Folder of images.")],
    weights: Annotated[
        str | None, typer.Option(metavar="NAME|PATH", help="Weights; without it the default ones.")
    ] = None,
    qualities: Annotated[str, typer.Option(metavar="LIST", help="Our qualities.")] = DEFAULT_QUALITIES,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all figures as JSON.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N images.")] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where our networks run.")] = "auto",
) -> None:
    """Rate and PSNR of dvcodec on the images of DIR beside JPEG, WebP, AVIF and JPEG XL, with BD-rates against JPEG."""
    ours = Dvcodec(weights, device)
    wanted = parse_qualities(qualities)
    try:
        check_ready(out)
        comparison = compare_codecs(folder, ours, wanted, limit)
        if out is not None:
            out.write_text(
                json.dumps(comparison.to_json(ours.name), indent=1, allow_nan=False) + "\n", encoding="utf-8"
            )
        Console().print(tables(comparison, ours.name))
    except (DvcodecError, OSError, ValueError) as error:
        Console(stderr=True).print(f"dvcodec: {error}", highlight=False, markup=False)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
