"""Every model that can be trained, by name; from a preset and a person's changes to settings, then to a module.

Settings are plain values and survive JSON. Torch loads only where a module is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import InvalidArgument
from ...models.configs import BilevelPagesConfig, RRVQConfig, WavefrontConfig
from ...models.families.config import from_fields
from ...models.light.config import LightConfig
from .base import Preset, Recipe
from .bilevel import BILEVEL_PRESETS, BilevelRecipe
from .families import FamilyRecipe
from .family_presets import FAMILY_PRESETS
from .light import LIGHT_PRESETS, LightRecipe
from .overrides import changed, settable
from .photo import PHOTO_PRESETS, PhotoRecipe
from .pixels import PIXEL_PRESETS, PixelRecipe

if TYPE_CHECKING:
    from torch import nn

RecipeT = TypeVar("RecipeT", bound=Recipe)


@dataclass(frozen=True)
class Settings:
    """What a run trains.

    Args:
        kind: kind of model, one of KINDS.
        preset: name of the preset that the run began with.
        config: the model's sizes.
        recipe: how it is trained.
    """

    kind: str
    preset: str
    config: Any
    recipe: Recipe

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON holds them."""
        return {
            "kind": self.kind,
            "preset": self.preset,
            "config": asdict(self.config),
            "recipe": asdict(self.recipe),
        }


@dataclass(frozen=True)
class ModelKind:
    """A kind of model: its presets, its configuration from JSON's types, its recipe, and how to build its module."""

    presets: Mapping[str, Preset]
    config: Callable[[dict[str, Any]], Any]
    recipe: type[Recipe]
    build: Callable[[Any], nn.Module]


def _photo(config: Any) -> nn.Module:
    from ...models.photo.network.model import PhotoRRVQ

    return PhotoRRVQ(config)


def _light(config: Any) -> nn.Module:
    from ...models.light.model import LightPhotoModel

    return LightPhotoModel(config)


def _family(config: Any) -> nn.Module:
    from ...models.families.model import FamilyVAE

    return FamilyVAE(config)


def _pixels(config: Any) -> nn.Module:
    from ...models.pixels.wavefront.net import WavefrontNet

    return WavefrontNet(config)


def _bilevel(config: Any) -> nn.Module:
    from ...models.pixels.bilevel.quiet import QuietBilevelNet

    return QuietBilevelNet(config)


KINDS = {
    "photo": ModelKind(PHOTO_PRESETS, RRVQConfig.of, PhotoRecipe, _photo),
    "light": ModelKind(LIGHT_PRESETS, LightConfig.of, LightRecipe, _light),
    "family": ModelKind(FAMILY_PRESETS, from_fields, FamilyRecipe, _family),
    "pixels": ModelKind(PIXEL_PRESETS, WavefrontConfig.of, PixelRecipe, _pixels),
    "bilevel": ModelKind(BILEVEL_PRESETS, BilevelPagesConfig.of, BilevelRecipe, _bilevel),
}
"""The kinds of models by name, that of the codec first."""


def presets() -> dict[str, Preset]:
    """Return all presets by name, those of the codec's model first.

    Returns:
        The presets of all kinds.
    """
    return {name: preset for kind in KINDS.values() for name, preset in kind.presets.items()}


def resolve(name: str, overrides: Mapping[str, str], steps: int | None, base: Settings | None = None) -> Settings:
    """Return the settings of a preset, or of a run to go on with, with a person's changes.

    Args:
        name: the preset.
        overrides: values as typed, by the names of fields of the recipe or the configuration.
        steps: optimiser steps in all; None leaves them to the recipe.
        base: settings of the run that goes on.

    Returns:
        The settings.

    Raises:
        InvalidArgument: an unknown preset, name or value, or a run of another preset.
    """
    if name not in presets():
        raise InvalidArgument(f"no preset {name!r}", f"there are {', '.join(presets())}")
    if base is not None and base.preset != name:
        raise InvalidArgument(f"the run trains {base.preset}, not {name}", f'`model="{base.preset}"`')
    settings = base or _preset_settings(name)
    known = settable(settings.recipe) | settable(settings.config)
    for key in overrides:
        if key not in known:
            raise InvalidArgument(f"no setting {key!r}", f"there are {', '.join(sorted(known))}")
    recipe = changed(settings.recipe, overrides if steps is None else {**overrides, "steps": str(steps)})
    config = changed(settings.config, overrides)
    try:
        recipe.check(config)
    except ValueError as error:
        raise InvalidArgument(str(error), "see `overrides`") from None
    return replace(settings, config=config, recipe=recipe)


def _preset_settings(name: str) -> Settings:
    kind = next(kind for kind, described in KINDS.items() if name in described.presets)
    preset = KINDS[kind].presets[name]
    return Settings(kind, name, preset.config, preset.recipe)


def restored(plain: Mapping[str, Any]) -> Settings:
    """Return settings from what JSON held. KeyError, TypeError or ValueError if it holds something else."""
    kind, preset = plain["kind"], str(plain["preset"])
    if kind not in KINDS:
        raise ValueError(f"unknown kind of model {kind!r}")
    config, recipe = KINDS[kind].config(dict(plain["config"])), recipe_of(KINDS[kind].recipe, plain["recipe"])
    recipe.check(config)
    return Settings(kind, preset, config, recipe)


def recipe_of(kind: type[RecipeT], plain: Mapping[str, Any]) -> RecipeT:
    """Return a recipe from JSON's types. TypeError for a field that is missing or unknown."""
    missing = {field.name for field in fields(kind)} - plain.keys()
    if missing:
        raise TypeError(f"the recipe lacks {sorted(missing)[0]}")
    values: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
    return kind(**values)


def module(settings: Settings) -> nn.Module:
    """Build the module of settings, its parameters at random. Loads torch.

    Args:
        settings: kind and sizes of the model.

    Returns:
        The module on torch's default device.
    """
    return KINDS[settings.kind].build(settings.config)
