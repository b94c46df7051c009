"""Every model that can be trained, by name; from a name and a person's changes to settings, from settings to a module.

Settings are plain values and survive JSON. Torch loads only where a module is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..codec.errors import InvalidArgument
from ..models.families.config import from_fields
from .families import FAMILIES, FamilyPreset, FamilyRecipe
from .pixel_recipe import PIXEL_SIZES, PIXELS, PixelRecipe
from .recipes import PRESETS, SIZES, Optimisation, Preset, Recipe
from .scan_recipe import SCAN_SIZES, SCANS, ScanRecipe
from .settings import changed, parse, settable

if TYPE_CHECKING:
    from torch import nn

RecipeT = TypeVar("RecipeT", bound=Optimisation)


@dataclass(frozen=True)
class Settings:
    """What a run trains: its `kind` ("photo", "family", "pixels" or "scans"), preset, the model's sizes, the recipe."""

    kind: str
    preset: str
    config: Any
    recipe: Optimisation

    def plain(self) -> dict[str, Any]:
        """The settings as JSON holds them."""
        config = asdict(self.config) if is_dataclass(self.config) and not isinstance(self.config, type) else self.config
        return {"kind": self.kind, "preset": self.preset, "config": config, "recipe": asdict(self.recipe)}


def presets() -> dict[str, Preset | FamilyPreset]:
    """All presets by name, the codec's first."""
    return {**PRESETS, **FAMILIES, **PIXELS, **SCANS}


def resolve(name: str, overrides: Mapping[str, str], steps: int | None, base: Settings | None = None) -> Settings:
    """A preset's settings, or those of a run to go on with, with a person's changes.

    InvalidArgument for an unknown preset, key or value, or if the run is of another preset.
    """
    if name not in presets():
        raise InvalidArgument(f"no preset {name!r}", f"there are {', '.join(presets())}")
    if base is not None and base.preset != name:
        raise InvalidArgument(f"the run trains {base.preset}, not {name}", f"--model {base.preset}")
    settings = base or _of(name, presets()[name])
    known = settable(settings.recipe) | _config_types(settings.config)
    for key in overrides:
        if key not in known:
            raise InvalidArgument(f"no setting {key!r}", f"there are {', '.join(sorted(known))}")
    recipe = changed(settings.recipe, overrides)
    recipe = recipe if steps is None else replace(recipe, steps=steps)
    return replace(settings, config=_changed_config(settings.config, overrides), recipe=recipe)


def _of(name: str, preset: Preset | FamilyPreset) -> Settings:
    lossless = "pixels" if name in PIXELS else "scans" if name in SCANS else ""
    kind = lossless or ("photo" if isinstance(preset, Preset) else "family")
    return Settings(kind, name, preset.config, preset.recipe)


def _config_types(config: Any) -> dict[str, Any]:
    return settable(config) if is_dataclass(config) else _sizes(config)


def _sizes(config: Mapping[str, Any]) -> dict[str, type]:
    """Network sizes that can be set: of a model of pixels or pages, or of a photograph model."""
    return next((sizes for sizes in (PIXEL_SIZES, SCAN_SIZES) if config.keys() == sizes.keys()), SIZES)


def _changed_config(config: Any, overrides: Mapping[str, str]) -> Any:
    if is_dataclass(config):
        return changed(config, overrides)
    sizes = _sizes(config)
    return {**config, **{key: parse(key, text, sizes[key]) for key, text in overrides.items() if key in sizes}}


def restored(plain: Mapping[str, Any]) -> Settings:
    """Settings from what JSON held. KeyError, TypeError or ValueError if it holds something else."""
    kind, preset, config = plain["kind"], str(plain["preset"]), dict(plain["config"])
    if kind == "photo":
        return Settings(kind, preset, config, _recipe(Recipe, plain["recipe"]))
    if kind == "pixels":
        return Settings(kind, preset, config, _recipe(PixelRecipe, plain["recipe"]))
    if kind == "scans":
        return Settings(kind, preset, config, _recipe(ScanRecipe, plain["recipe"]))
    if kind == "family":
        return Settings(kind, preset, from_fields(config), _recipe(FamilyRecipe, plain["recipe"]))
    raise ValueError(f"unknown kind of model {kind!r}")


def _recipe(kind: type[RecipeT], plain: Mapping[str, Any]) -> RecipeT:
    """A recipe from JSON's types; fields that an older release did not have keep their defaults."""
    known = {field.name for field in fields(kind)}
    listed: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
    values: Any = {key: value for key, value in listed.items() if key in known}
    return kind(**values)


def module(settings: Settings) -> nn.Module:
    """The module of settings, its parameters at random. Loads torch."""
    if settings.kind == "family":
        from ..models.families.model import FamilyVAE

        return FamilyVAE(settings.config)
    if settings.kind == "pixels":
        from ..models.wavefront.net import WavefrontConfig, WavefrontNet

        return WavefrontNet(WavefrontConfig(**settings.config))
    if settings.kind == "scans":
        from ..models.scan_net import ScanConfig, ScanNet

        return ScanNet(ScanConfig(**settings.config))
    from ..models.photo import PhotoRRVQ
    from .photo_task import config_of

    return PhotoRRVQ(config_of(settings.config))
