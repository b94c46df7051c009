"""From a float checkpoint to exact integer weights with a card beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...errors import DvcodecError
from ...image_io.atomic import streamed
from ...models.families import weights as families
from ...models.families.model import FamilyVAE
from ...models.integer.packing import BoundError
from ...models.integer.weights_file import metadata_of
from ...models.photo.codec_model import QualityMap
from ...models.photo.file import write
from ...models.photo.network.model import FINEST_CODE, PhotoRRVQ
from ...models.photo.packing import pack, unpack
from ...models.pixels.bilevel import file as bilevel_file
from ...models.pixels.bilevel.quiet import QuietBilevelNet
from ...models.pixels.distributions import tables
from ...models.pixels.wavefront import file as pixel_file
from ...models.pixels.wavefront.net import WavefrontNet
from ...weights import card_of
from ..loop.checkpoints import Checkpoint
from ..recipes.overrides import override
from ..recipes.pixels import PixelRecipe
from ..recipes.registry import Settings
from ..tasks.pixels import counted, photo_model_of
from .averaging import mean_model
from .calibration import calibrate, calibration_paths


def export(checkpoints: Sequence[Path], out: Path, card: Mapping[str, str], calibration: Path | None = None) -> Path:
    """Writes weights to `out` and their card beside it (`out` with .card.json). Returns `out`.

    Of several checkpoints, runs from one start, it takes the mean of their parameters (averaging.mean_model).

    Weights on the exact path become integers, their accumulators' bounds are checked, and the identity of the weights
    goes into the card. With `calibration`, a folder of images, quality 50 is placed where they take 0.5 bits a pixel in
    the mean; without, the qualities span all that was trained. The tables of a model of lossless pixels are corrected
    by what is counted in these images. DvcodecError if a bound fails, or there are no images.
    """
    reads = [_read(path, len(checkpoints) > 1) for path in checkpoints]
    model = mean_model(reads)
    try:
        data = _written(model, reads[0].settings, card, calibration)
    except BoundError as error:
        raise DvcodecError(
            f"cannot be made exact: {error}", "train on with a smaller rate, then export again"
        ) from error
    text = json.dumps(skeleton(reads, model, card, data), indent=2) + "\n"
    with streamed(out, force=True) as weights, streamed(card_of(out), force=True) as beside:
        weights.write(data)
        beside.write(text.encode())
    return out


def _read(path: Path, named: bool) -> Checkpoint:
    """A checkpoint; where there are several, an error says which."""
    try:
        return Checkpoint(path)
    except DvcodecError as error:
        if not named:
            raise
        raise DvcodecError(f"{path}: {error.reason}", error.hint) from error


def _written(model: nn.Module, settings: Settings, card: Mapping[str, str], calibration: Path | None) -> bytes:
    if isinstance(model, WavefrontNet):
        assert isinstance(settings.recipe, PixelRecipe)
        return pixels_written(model, settings.recipe, card["name"], calibration)
    if isinstance(model, QuietBilevelNet):
        if calibration is not None:
            raise DvcodecError("the tables of a bilevel model are counted in training", "leave out `calibration`")
        return bilevel_file.write(model, card["name"])
    return _family(model, card, calibration) if isinstance(model, FamilyVAE) else _photo(model, card, calibration)


def pixels_written(net: WavefrontNet, recipe: PixelRecipe, name: str, calibration: Path | None) -> bytes:
    """The weights file of a model of lossless pixels."""
    if calibration is None:
        return pixel_file.write(net, tables(), name)
    counts = counted(net, calibration_paths(calibration), photo_model_of(recipe.hierarchy), recipe.quality)
    return pixel_file.write(net, tables(counts), name)


def _photo(model: nn.Module, card: Mapping[str, str], calibration: Path | None) -> bytes:
    assert isinstance(model, PhotoRRVQ)
    frozen = PhotoRRVQ(model.config)
    unpack(frozen, pack(model))
    qualities = QualityMap(0, FINEST_CODE) if calibration is None else calibrate(frozen, calibration)
    return write(model, qualities, card["name"])


def _family(model: FamilyVAE, card: Mapping[str, str], calibration: Path | None) -> bytes:
    if calibration is not None:
        raise DvcodecError("a family of small images has one quality", "leave out `calibration`")
    if not (model.config.exact and model.config.categorical):
        hint = f"only models trained with {override('exact', 'true')} have one"
        if model.config.lipschitz:
            hint = "maps with a Lipschitz constant are not rounded to grids, which would break it"
        raise DvcodecError("this model has no exact form", hint)
    return families.write(model, card["name"])


def layers_of(model: nn.Module) -> list[dict[str, Any]]:
    """Name, stride and number of symbols of every layer in coding order."""
    if isinstance(model, FamilyVAE):
        return [
            {"name": m.plan.name, "stride": -(-model.config.image // m.plan.side), "symbols": m.plan.symbols}
            for m in model.layers()
        ]
    if isinstance(model, WavefrontNet | QuietBilevelNet):
        return []
    assert isinstance(model, PhotoRRVQ)
    return [{"name": m.name, "stride": m.stride, "symbols": m.symbols} for m in model.chain.layers()]


def skeleton(reads: Sequence[Checkpoint], model: nn.Module, card: Mapping[str, str], data: bytes) -> dict[str, Any]:
    """The card's facts that the checkpoints know: recipe, steps, seconds, device, sizes, layers, identity."""
    legs = [training_facts(read) for read in reads]
    return {
        **card,
        "sha256": metadata_of(data)["id"],
        "bytes": len(data),
        "parameters": sum(p.numel() for p in model.parameters()),
        "training": legs[0] if len(legs) == 1 else {"mean_of": legs},
        "layers": layers_of(model),
    }


def training_facts(read: Checkpoint) -> dict[str, Any]:
    """What a checkpoint knows of its run."""
    keys = ("model", "step", "seconds", "seed", "device", "images")
    known = {key: read.state[key] for key in keys if key in read.state}
    return known | {"recipe": asdict(read.settings.recipe), "torch": torch.__version__}
