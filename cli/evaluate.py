"""`dvcodec evaluate`: measures bounds of the likelihood that a model assigns to images."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ..codec.settings import DEFAULT_QUALITY
from .guard import guard
from .networks import open_network
from .options import FLAG, LARGEST_SEED, Debug, Device, DeviceOption, Quiet, Threads, setting
from .process import use_threads
from .report import Reporter, show
from .text import listed, table
from .train import Download, Root, refuse_unknown_data

T = TypeVar("T")
SPLIT = (
    "Part of the data: train, validation or test. The default is test, or all images of a folder without such parts."
)
COLDEST = 1e-30
"""The smallest temperature by which single precision can divide."""


def evaluate(
    data: Annotated[
        str,
        typer.Option("--data", metavar="NAME|DIR", help="Images to measure on: the name of a data set, or a folder."),
    ],
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="NAME|PATH",
            help="Weights by name or path, or a training checkpoint. The default is the weights that the codec uses.",
        ),
    ] = None,
    root: Root = None,
    split: Annotated[str | None, typer.Option("--split", metavar="NAME", help=SPLIT)] = None,
    images: Annotated[
        int | None, typer.Option("--images", min=1, metavar="N", help="Use only N images, spread evenly.")
    ] = None,
    iw_samples: Annotated[
        int,
        typer.Option(
            "--iw-samples",
            min=0,
            metavar="S",
            help="Also measure the tighter importance-weighted bound, with S samples of each image.",
        ),
    ] = 0,
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature",
            metavar="T",
            help="Also measure the objective with relaxed samples of temperature T, and its bias.",
        ),
    ] = None,
    quality: Annotated[
        float, setting("quality", "-q", "--quality", help="Quality from 1 to 100, for photograph models only.")
    ] = DEFAULT_QUALITY,
    batch: Annotated[
        int,
        typer.Option(
            "--batch", min=1, metavar="N", help="Number of images to measure at a time. Fewer take less memory."
        ),
    ] = 100,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=LARGEST_SEED, metavar="N", help="Seed of the posterior's samples.")
    ] = 0,
    download: Download = False,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    as_json: Annotated[
        bool, typer.Option("--json", metavar=FLAG, help="Print the figures as one JSON object.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure the evidence lower bound (ELBO) of a model on images, layer by layer.

    Use it to compare trained models: with a higher bound, bits-back coding takes fewer bits. A layer's perplexity is
    the mean over its variables; dead symbols are codebook entries that were never sampled.
    """
    if temperature is not None and not COLDEST <= temperature < math.inf:
        message = f"{temperature} is not a positive number (finite, {COLDEST} or more)"
        raise typer.BadParameter(message, param_hint="--temperature")
    if split not in (None, "train", "validation", "test"):
        raise typer.BadParameter(f"no split {split!r} (train, validation or test)", param_hint="--split")
    refuse_unknown_data(data)
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with guard(weights or data, reporter, debug=debug):
        use_threads(threads)
        network = open_network(weights, device.value)
        from ..evaluation.likelihood.networks import describes_photographs, measured_photographs

        photographs = describes_photographs(network)
        _refuse_ignored(network, photographs, split, iw_samples, temperature)
        if photographs:
            found = measured_photographs(network, Path(data), images, quality, seed)
        else:
            wanted = _Wanted(data, root, split, images, batch, seed, download)
            found = _family(network, wanted, iw_samples, temperature, reporter)
        show(json.dumps({"data": data, **found}) if as_json else in_words({"data": data, **found}))


def _refuse_ignored(
    network: Any, photographs: bool, split: str | None, iw_samples: int, temperature: float | None
) -> None:
    """Raise a usage error for options that do not apply to this kind of model."""
    if photographs and split is not None:
        raise typer.BadParameter("photograph models are measured on all images of a folder", param_hint="--split")
    if photographs and iw_samples:
        raise typer.BadParameter("photograph models have no importance-weighted bound", param_hint="--iw-samples")
    if temperature is not None and (photographs or not network.config.categorical):
        kind = "photograph models" if photographs else "Gaussian families"
        raise typer.BadParameter(f"{kind} have no relaxed objective", param_hint="--temperature")


@dataclass(frozen=True)
class _Wanted:
    """The images to measure on, as given on the command line."""

    data: str
    root: Path | None
    split: str | None
    images: int | None
    batch: int
    seed: int
    download: bool


def _family(
    network: Any, wanted: _Wanted, iw_samples: int, temperature: float | None, reporter: Reporter
) -> dict[str, Any]:
    """Measure the bounds of a family's model, with a progress bar over the batches."""
    from ..evaluation.images import spread
    from ..evaluation.likelihood.family_bound import measure
    from ..training.data.family_data import data_of

    data = data_of(network.config, wanted.data, wanted.root, download=wanted.download)[0]
    split = wanted.split or data.evaluated
    chosen = data.split(split)
    count = len(chosen) if wanted.images is None else min(wanted.images, len(chosen))
    stride = max(1, wanted.batch * len(chosen) // count)
    batches = _picked(chosen.batches(stride, wanted.seed), spread(len(chosen), count))
    with reporter.bar(-(-len(chosen) // stride)) as advance:
        bound = measure(
            network, _counted(batches, advance), iw_samples=iw_samples, temperature=temperature, seed=wanted.seed
        )
    return {"split": split, **bound.as_dict()}


def _picked(batches: Iterable[Any], indices: list[int]) -> Iterator[Any]:
    """Yield of each batch the images that are at these rising indices, where there are any."""
    start = 0
    for batch in batches:
        inside = [index - start for index in indices if start <= index < start + len(batch)]
        start += len(batch)
        if inside:
            yield batch[inside]


def _counted(batches: Iterable[T], advance: Callable[[], None]) -> Iterator[T]:
    for batch in batches:
        yield batch
        advance()


def in_words(found: dict[str, Any]) -> str:
    """Format the figures, one per line, then a table of the layers."""
    single = {name: _figure(value) for name, value in found.items() if name != "layers" and value is not None}
    words = listed(single)
    if not found.get("layers"):
        return words
    rows = [tuple(_figure(value) for value in layer.values()) for layer in found["layers"]]
    heads = tuple(name.upper() for name in found["layers"][0])
    return f"{words}\n\n{table([heads, *rows])}"


def _figure(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
