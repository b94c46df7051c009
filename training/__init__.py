"""Train models and export their weights. Nothing heavy loads before a run starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .options import TrainOptions


def presets() -> dict[str, str]:
    """Return a line about each model that can be trained, by name."""
    from .recipes.registry import presets as registered

    return {name: preset.description for name, preset in registered().items()}


def data_sets() -> dict[str, str]:
    """Return a line about each named data set."""
    from .data import DATA_SETS

    return dict(DATA_SETS)


def train(options: TrainOptions) -> None:
    """Train a preset; checkpoints go to `options.out`. DvcodecError for everything that the user can mend."""
    from .running import run

    run(options)


def export_weights(
    checkpoints: Path | Sequence[Path], out: Path, card: Mapping[str, str], calibration: Path | None = None
) -> Path:
    """Write integer weights and their card from a checkpoint, or from the mean of several; see `exporting.export`."""
    from .export.exporting import export as write

    return write([checkpoints] if isinstance(checkpoints, Path) else checkpoints, out, card, calibration)
