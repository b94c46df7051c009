"""From settings to a task: which objective, and which images it learns from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ...errors import InvalidArgument
from ..data import DATA_SETS
from ..data.family_data import data_of
from ..data.photo_folder import PhotoFolder
from ..loop.task import Task
from ..options import TrainOptions
from ..recipes.bilevel import ScanRecipe
from ..recipes.families import FamilyRecipe
from ..recipes.photo import Recipe
from ..recipes.pixels import PixelRecipe
from ..recipes.registry import Settings
from .bilevel import ScanTask
from .families import ElboTask
from .photo import PhotoTask
from .pixels import PixelTask
from .postfilter import PostFilterTask


def task_of(settings: Settings, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    """The task of a run, and what its checkpoints tell of the data. DvcodecError where data and model do not fit."""
    if isinstance(settings.recipe, Recipe):
        return _photographs(settings, settings.recipe, options)
    if isinstance(settings.recipe, PixelRecipe):
        return _pixels(settings, settings.recipe, options)
    if isinstance(settings.recipe, ScanRecipe):
        return _pages(settings, settings.recipe, options)
    assert isinstance(settings.recipe, FamilyRecipe)
    return _family(settings, settings.recipe, options)


def _family(settings: Settings, recipe: FamilyRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    data, excluded = data_of(settings.config, options.data, options.root, options.exclude, download=options.download)
    facts = {"data": options.data, "images": len(data.split("train")), "excluded": excluded}
    held = data.split("validation") if recipe.validate_every else None
    validation = None if held is None else partial(held.batches, recipe.batch)
    return ElboTask(settings.config, recipe, data, validation, options.start), facts


def _photographs(settings: Settings, recipe: Recipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    if options.data in DATA_SETS:
        raise InvalidArgument(f"{settings.preset} trains on a folder of photographs", "--data DIR")
    kind, side = (PhotoTask, recipe.late_crop) if recipe.learns == "all" else (PostFilterTask, recipe.pool_side)
    photos = PhotoFolder(Path(options.data), side, options.exclude)
    task = kind(settings.config, recipe, photos, options.seed, options.start)
    return task, {"data": options.data, "images": len(photos.images), "excluded": photos.excluded}


def _pixels(settings: Settings, recipe: PixelRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    if options.data in DATA_SETS or options.start is not None:
        raise InvalidArgument(
            f"{settings.preset} trains from scratch on a folder of lossless photographs", "--data DIR"
        )
    photos = PhotoFolder(Path(options.data), recipe.crop, options.exclude)
    facts = {"data": options.data, "images": len(photos.images), "excluded": photos.excluded}
    return PixelTask(settings.config, recipe, photos), facts


def _pages(settings: Settings, recipe: ScanRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    if options.data in DATA_SETS or options.start is not None or options.exclude is not None:
        raise InvalidArgument(f"{settings.preset} trains from scratch on pages that it makes", "--data DIR alone")
    task = ScanTask(settings.config, recipe, Path(options.data))
    facts = {"data": options.data, "images": len(task.photographs), "fonts": len(task.fonts), "excluded": 0}
    return task, facts
