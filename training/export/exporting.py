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
from ...models.integer.packing import BoundError
from ...models.integer.weights_file import metadata_of
from ...weights import card_of
from ..loop.checkpoints import Checkpoint
from .averaging import mean_model
from .formats import format_of


def export(checkpoints: Sequence[Path], out: Path, card: Mapping[str, str], calibration: Path | None = None) -> Path:
    """Write weights to `out` and their card beside it (`out` with .card.json).

    Weights on the exact path become integers, their accumulators' bounds are checked, and the identity of the weights
    goes into the card.

    Args:
        checkpoints: Checkpoints of one model. Of several, whose runs began from one start, the mean of the parameters
            is taken (`averaging.mean_model`).
        out: The weights file, which is replaced if it exists.
        card: What the card says beside the facts in the checkpoints; "name" is the name of the weights.
        calibration: Folder of images. Quality 50 of a photograph model is placed where they take 0.5 bits a pixel in
            the mean; without it, the qualities span all that was trained. The tables of a model of lossless pixels are
            corrected by what is counted in these images.

    Returns:
        `out`.

    Raises:
        DvcodecError: A file is not a checkpoint, the model has no exact form, a bound fails, or there are no images to
            calibrate with.
        OutputFailed: The files cannot be written.
    """
    reads = [_read(path, len(checkpoints) > 1) for path in checkpoints]
    settings = reads[0].settings
    form, model = format_of(settings), mean_model(reads)
    try:
        data = form.write(model, settings.recipe, card["name"], calibration)
    except BoundError as error:
        raise DvcodecError(
            f"cannot be made exact: {error}", "train on with a smaller rate, then export again"
        ) from error
    text = json.dumps(skeleton(reads, model, card, data) | {"layers": form.layers(model)}, indent=2) + "\n"
    with streamed(out, force=True) as weights, streamed(card_of(out), force=True) as beside:
        weights.write(data)
        beside.write(text.encode())
    return out


def _read(path: Path, named: bool) -> Checkpoint:
    """Read a checkpoint; where there are several, an error says which."""
    try:
        return Checkpoint(path)
    except DvcodecError as error:
        if not named:
            raise
        raise DvcodecError(f"{path}: {error.reason}", error.hint) from error


def skeleton(reads: Sequence[Checkpoint], model: nn.Module, card: Mapping[str, str], data: bytes) -> dict[str, Any]:
    """Return what a card says but the layers: the given texts, and identity, sizes and training of the weights.

    Args:
        reads: The checkpoints that the model is the mean of.
        model: The model.
        card: The given texts by name.
        data: The weights file.

    Returns:
        Plain values for JSON.
    """
    legs = [training_facts(read) for read in reads]
    return {
        **card,
        "sha256": metadata_of(data)["id"],
        "bytes": len(data),
        "parameters": sum(p.numel() for p in model.parameters()),
        "training": legs[0] if len(legs) == 1 else {"mean_of": legs},
    }


def training_facts(read: Checkpoint) -> dict[str, Any]:
    """Return what a checkpoint says of its run: model, steps, seconds, seed, device, images, recipe, release of torch.

    Args:
        read: The checkpoint.

    Returns:
        Plain values for JSON; what the checkpoint does not say is left out.
    """
    keys = ("model", "step", "seconds", "seed", "device", "images")
    known = {key: read.state[key] for key in keys if key in read.state}
    return known | {"recipe": asdict(read.settings.recipe), "torch": torch.__version__}
