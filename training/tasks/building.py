"""Build the task of a run from its settings: which objective, and which images it learns from."""

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
from ..recipes.bilevel import BilevelRecipe
from ..recipes.families import FamilyRecipe
from ..recipes.light import LightRecipe
from ..recipes.photo import PhotoRecipe
from ..recipes.pixels import PixelRecipe
from ..recipes.registry import Settings
from .bilevel import BilevelTask
from .families import ElboTask
from .light import LightTask
from .light_parts import LightPartTask
from .photo import PhotoTask
from .pixels import PixelTask
from .postfilter import PostFilterTask

AT_ONCE = 2**18
"""Features of a map of all images that a family validates on at once, where these are more than a batch."""


def task_of(settings: Settings, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    """Build the task of a run.

    Returns:
        The task, and what checkpoints tell of its data.

    Raises:
        DvcodecError: data and model do not fit.
    """
    match settings.recipe:
        case PhotoRecipe() as recipe:
            return _photographs(settings, recipe, options)
        case LightRecipe() as recipe:
            return _light(settings, recipe, options)
        case PixelRecipe() as recipe:
            return _pixels(settings, recipe, options)
        case BilevelRecipe() as recipe:
            return _bilevel(settings, recipe, options)
        case FamilyRecipe() as recipe:
            return _family(settings, recipe, options)
        case _:
            raise TypeError(f"no task trains by a {type(settings.recipe).__name__}")


def _family(settings: Settings, recipe: FamilyRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    data, excluded = data_of(settings.config, options.data, options.root, options.exclude, download=options.download)
    summary = {"data": options.data, "images": len(data.split("train")), "excluded": excluded}
    held = data.split("validation") if recipe.validate_every else None
    at_once = max(recipe.batch, AT_ONCE // (settings.config.width * settings.config.sides[0] ** 2))
    validation = None if held is None else partial(held.batches, at_once)
    return ElboTask(settings.config, recipe, data, validation, options.start), summary


def _photographs(settings: Settings, recipe: PhotoRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    if options.data in DATA_SETS:
        raise InvalidArgument(f"{settings.preset} trains on a folder of photographs", "name a folder as `data`")
    kind, side = (PhotoTask, recipe.late_crop) if recipe.learns == "all" else (PostFilterTask, recipe.pool_side)
    photos = PhotoFolder(Path(options.data), side, options.exclude)
    return kind(settings.config, recipe, photos, options.seed, options.start), _summary(options, photos)


def _light(settings: Settings, recipe: LightRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    if options.data in DATA_SETS:
        raise InvalidArgument(f"{settings.preset} trains on a folder of photographs", "name a folder as `data`")
    alone = recipe.learns != "all"
    side = recipe.pool_side if alone else max(recipe.crop, recipe.late_crop)
    photos = PhotoFolder(Path(options.data), side, options.exclude)
    if alone:
        part = LightPartTask(settings.config, recipe, photos, options.seed, options.start)
        return part, _summary(options, photos)
    return LightTask(settings.config, recipe, photos, options.start), _summary(options, photos)


def _pixels(settings: Settings, recipe: PixelRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    if options.data in DATA_SETS or options.start is not None:
        reason = f"{settings.preset} trains from scratch on a folder of lossless photographs"
        raise InvalidArgument(reason, "name a folder as `data`")
    photos = PhotoFolder(Path(options.data), recipe.crop, options.exclude)
    return PixelTask(settings.config, recipe, photos), _summary(options, photos)


def _summary(options: TrainOptions, photos: PhotoFolder) -> dict[str, Any]:
    return {"data": options.data, "images": len(photos.images), "excluded": photos.excluded}


def _bilevel(settings: Settings, recipe: BilevelRecipe, options: TrainOptions) -> tuple[Task, dict[str, Any]]:
    if options.data in DATA_SETS or options.start is not None or options.exclude is not None:
        raise InvalidArgument(
            f"{settings.preset} trains from scratch on pages that it makes",
            "leave out `start` and `exclude`, and name a folder as `data`",
        )
    task = BilevelTask(settings.config, recipe, Path(options.data))
    return task, {"data": options.data, "images": len(task.photographs), "fonts": len(task.fonts), "excluded": 0}
