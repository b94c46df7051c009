"""`dvcodec evaluate`: bounds of the likelihood that a model gives to images."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from .guard import guard
from .networks import open_network
from .options import FLAG, Debug, Device, DeviceOption, Quiet, Threads
from .process import use_threads
from .report import Reporter
from .text import facts, table
from .train import Download, Root, refuse_unknown_data

if TYPE_CHECKING:
    from ..models.families.model import FamilyVAE
    from ..models.hierarchy import PhotoHierarchy

T = TypeVar("T")


def evaluate(
    data: Annotated[str, typer.Option("--data", metavar="NAME|DIR", help="A data set, or a folder of images.")],
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="NAME|PATH", help="Weights or a training checkpoint; default: the codec's."),
    ] = None,
    root: Root = None,
    split: Annotated[str, typer.Option("--split", metavar="NAME", help="train, validation or test.")] = "test",
    images: Annotated[int | None, typer.Option("--images", min=1, metavar="N", help="The first N images only.")] = None,
    iw_samples: Annotated[
        int, typer.Option("--iw-samples", min=0, metavar="S", help="Add the importance-weighted bound of S samples.")
    ] = 0,
    temperature: Annotated[
        float | None, typer.Option("--temperature", metavar="T", help="Add the relaxed objective and its bias at T.")
    ] = None,
    quality: Annotated[
        float, typer.Option("-q", "--quality", min=1, max=100, metavar="Q", help="Of photograph models.")
    ] = 50.0,
    batch: Annotated[int, typer.Option("--batch", min=1, metavar="N", help="Images at a time.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Seed of the posterior's samples.")] = 0,
    download: Download = False,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="Print one JSON object.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure the evidence lower bound of a model on images, layer by layer."""
    if temperature is not None and not temperature > 0:
        raise typer.BadParameter(f"{temperature} is not a positive number", param_hint="--temperature")
    if split not in ("train", "validation", "test"):
        raise typer.BadParameter(f"no split {split!r} (train, validation or test)", param_hint="--split")
    refuse_unknown_data(data)
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with guard(weights or data, reporter, debug=debug):
        use_threads(threads)
        network = open_network(weights, device.value)
        from ..models.hierarchy import PhotoHierarchy

        if isinstance(network, PhotoHierarchy):
            found = _photographs(network, Path(data), images, quality, seed)
        else:
            from ..training.tasks import data_of

            chosen = data_of(network.config, data, root, download=download)[0].split(split)
            count = len(chosen) if images is None else min(images, len(chosen))
            size = min(batch, count)
            batches = islice(chosen.batches(size, seed), -(-count // size))
            with reporter.bar(-(-count // size)) as advance:
                measured = _family(network, _counted(batches, advance), iw_samples, temperature, seed)
            found = {"split": split, **measured}
        typer.echo(json.dumps({"data": data, **found}) if as_json else in_words({"data": data, **found}))


def _photographs(
    hierarchy: PhotoHierarchy, folder: Path, images: int | None, quality: float, seed: int
) -> dict[str, Any]:
    from ..codec.errors import InvalidArgument
    from ..evaluation.elbo import measure
    from ..evaluation.rd import image_files

    if not folder.is_dir():
        raise InvalidArgument("photograph models are measured on a folder of images", "--data DIR")
    files = image_files(folder)[:images]
    if not files:
        raise InvalidArgument(f"no image in {folder}", "--data DIR")
    bound = measure(hierarchy, files, quality, seed)
    return {"images": len(files), "quality": quality, "bits_per_dim": bound.total, **asdict(bound)}


def _family(
    network: FamilyVAE, batches: Iterable[Any], iw_samples: int, temperature: float | None, seed: int
) -> dict[str, Any]:
    from ..evaluation.bound import measure

    return measure(network, batches, iw_samples=iw_samples, temperature=temperature, seed=seed).as_dict()


def _counted(batches: Iterable[T], advance: Callable[[], None]) -> Iterator[T]:
    for batch in batches:
        yield batch
        advance()


def in_words(found: dict[str, Any]) -> str:
    """Figures, one a line, then a table of the layers."""
    single = {name: _figure(value) for name, value in found.items() if name != "layers" and value is not None}
    words = facts(single)
    if not found.get("layers"):
        return words
    rows = [tuple(_figure(value) for value in layer.values()) for layer in found["layers"]]
    heads = tuple(name.upper() for name in found["layers"][0])
    return f"{words}\n\n{table([heads, *rows])}"


def _figure(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
