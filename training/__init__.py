"""Train models and export their weights. Nothing heavy loads before a run starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .options import TrainOptions


def presets() -> dict[str, str]:
    """Return a line about each model that can be trained, by name.

    Returns:
        Whole sentences by the names that `TrainOptions.model` takes.
    """
    from .recipes.registry import presets as registered

    return {name: preset.description for name, preset in registered().items()}


def data_sets() -> dict[str, str]:
    """Return a line about each named data set.

    Returns:
        Sentences by the names that `TrainOptions.data` takes, with the numbers of images of each split.
    """
    from .data import DATA_SETS

    return dict(DATA_SETS)


def train(options: TrainOptions) -> None:
    """Train a preset; checkpoints go to `options.out`. DvcodecError for everything that the user can mend.

    Args:
        options: what is trained on which images, for how long, and where to.

    Raises:
        KeyboardInterrupt: the run was interrupted; the step that was under way is finished and saved.
        DvcodecError: settings, data or the run folder do not allow the run, or the numbers broke.
    """
    from .running import run

    run(options)


def export_weights(
    checkpoints: Path | Sequence[Path], out: Path, card: Mapping[str, str], calibration: Path | None = None
) -> Path:
    """Write integer weights and their card from a checkpoint, or from the mean of several; see `exporting.export`.

    Args:
        checkpoints: a checkpoint, or several of runs from one start, whose parameters are averaged.
        out: the weights file to write; the card is written beside it.
        card: what the card says, by name; "name" is the name of the weights.
        calibration: folder of images to place quality 50 or to count tokens with; None for no calibration.

    Returns:
        `out`.

    Raises:
        DvcodecError: the checkpoints or the images do not allow it.
    """
    from .export.exporting import export as write

    return write([checkpoints] if isinstance(checkpoints, Path) else checkpoints, out, card, calibration)
