"""From settings to a task: which objective, and which images it learns from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ..errors import DvcodecError, InvalidArgument
from ..models.families.config import FamilyConfig
from .data import DATA_SETS, load
from .data.folders import open_folder
from .data.sets import DataSet
from .elbo import ElboTask
from .families import FamilyRecipe
from .options import TrainOptions
from .photo_task import PhotoTask
from .photos import PhotoFolder
from .pixel_recipe import PixelRecipe
from .pixel_task import PixelTask
from .postfilter_task import PostFilterTask
from .recipes import Recipe
from .registry import Settings
from .scan_recipe import ScanRecipe
from .scan_task import ScanTask
from .task import Task


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


def data_of(
    config: FamilyConfig, name: str, root: Path | None, exclude: Path | None = None, *, download: bool = False
) -> tuple[DataSet, int]:
    """A data set, or a folder in crops as the model takes them, and how many of its images `exclude` has too.

    DvcodecError if it does not fit.
    """
    excluded = 0
    if name in DATA_SETS:
        if exclude is not None:
            raise InvalidArgument("--exclude is for folders of images", f"{name} has its own splits")
        data = load(name, root, download=download)
    else:
        data, excluded = open_folder(Path(name), config.image, config.channels, exclude, binary=config.binary)
    refuse_other_images(config, data)
    return data, excluded


def refuse_other_images(config: FamilyConfig, data: DataSet) -> None:
    """DvcodecError unless the images are of the kind and size that the model describes."""
    takes = ((config.channels, config.image, config.image), config.binary)
    if takes != (data.shape, data.binary):
        theirs, ours = (_kind(*kind) for kind in ((data.shape, data.binary), takes))
        raise DvcodecError(f"the model describes {ours} images, {data.name} holds {theirs} ones", "another --data")


def _kind(shape: tuple[int, int, int], binary: bool) -> str:
    colour = "binary" if binary else "colour" if shape[0] == 3 else "grey"
    return f"{colour} {shape[1]}x{shape[2]}"
