"""Training: data, objective, loop, checkpoints and the export of weights. Nothing heavy loads before a run starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .options import TrainOptions


def presets() -> dict[str, str]:
    """The models that can be trained: name -> one line about it."""
    from .recipes.registry import presets as registered

    return {name: preset.description for name, preset in registered().items()}


def data_sets() -> dict[str, str]:
    """The data sets that are known by name: name -> one line about it."""
    from .data import DATA_SETS

    return dict(DATA_SETS)


def train(options: TrainOptions) -> None:
    """Trains a preset; checkpoints go to `options.out`. DvcodecError for what the user can mend."""
    from .running import run

    run(options)


def export_weights(
    checkpoints: Path | Sequence[Path], out: Path, card: Mapping[str, str], calibration: Path | None = None
) -> Path:
    """Writes exact integer weights and their card from a checkpoint, or the mean of several; see `exporting.export`."""
    from .export.exporting import export as write

    return write([checkpoints] if isinstance(checkpoints, Path) else checkpoints, out, card, calibration)
