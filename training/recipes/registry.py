"""Every model that can be trained, by name; from a name and a person's changes to settings, from settings to a module.

Settings are plain values and survive JSON. Torch loads only where a module is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ...errors import InvalidArgument
from ...models.configs import RRVQConfig, ScanConfig, WavefrontConfig
from ...models.families.config import from_fields
from .bilevel import SCANS, ScanRecipe
from .families import FAMILIES, FamilyPreset, FamilyRecipe
from .optimisation import Optimisation, Preset
from .overrides import changed, settable
from .photo import PRESETS, Recipe
from .pixels import PIXELS, PixelRecipe

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
        return {
            "kind": self.kind,
            "preset": self.preset,
            "config": asdict(self.config),
            "recipe": asdict(self.recipe),
        }


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
    known = settable(settings.recipe) | settable(settings.config)
    for key in overrides:
        if key not in known:
            raise InvalidArgument(f"no setting {key!r}", f"there are {', '.join(sorted(known))}")
    recipe = changed(settings.recipe, overrides if steps is None else {**overrides, "steps": str(steps)})
    return replace(settings, config=changed(settings.config, overrides), recipe=recipe)


def _of(name: str, preset: Preset | FamilyPreset) -> Settings:
    lossless = "pixels" if name in PIXELS else "scans" if name in SCANS else ""
    kind = lossless or ("photo" if isinstance(preset, Preset) else "family")
    return Settings(kind, name, preset.config, preset.recipe)


def restored(plain: Mapping[str, Any]) -> Settings:
    """Settings from what JSON held. KeyError, TypeError or ValueError if it holds something else."""
    kind, preset = plain["kind"], str(plain["preset"])
    if kind not in KINDS:
        raise ValueError(f"unknown kind of model {kind!r}")
    config, recipe = KINDS[kind]
    return Settings(kind, preset, config(dict(plain["config"])), _recipe(recipe, plain["recipe"]))


KINDS: dict[str, tuple[Callable[[dict[str, Any]], Any], type[Optimisation]]] = {
    "photo": (RRVQConfig.of, Recipe),
    "family": (from_fields, FamilyRecipe),
    "pixels": (WavefrontConfig.of, PixelRecipe),
    "scans": (ScanConfig.of, ScanRecipe),
}
"""By kind: a configuration from JSON's types, and the recipe."""


def _recipe(kind: type[RecipeT], plain: Mapping[str, Any]) -> RecipeT:
    """Make a recipe of JSON's types. TypeError for a field that is missing or unknown."""
    missing = {field.name for field in fields(kind)} - plain.keys()
    if missing:
        raise TypeError(f"the recipe lacks {sorted(missing)[0]}")
    values: Any = {key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()}
    return kind(**values)


def module(settings: Settings) -> nn.Module:
    """The module of settings, its parameters at random. Loads torch."""
    if settings.kind == "family":
        from ...models.families.model import FamilyVAE

        return FamilyVAE(settings.config)
    if settings.kind == "pixels":
        from ...models.wavefront.net import WavefrontNet

        return WavefrontNet(settings.config)
    if settings.kind == "scans":
        from ...models.scan_net import ScanNet

        return ScanNet(settings.config)
    from ...models.photo.network.model import PhotoRRVQ

    return PhotoRRVQ(settings.config)
