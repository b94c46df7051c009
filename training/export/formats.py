"""How the model of each kind becomes a weights file: a table from kinds to functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import DvcodecError
from ...models.families import weights as families
from ...models.families.boltzmann_checks import LARGEST_EXACT, machine_sides, too_large
from ...models.families.model import FamilyVAE
from ...models.light import file as light
from ...models.light.layout import light_layout
from ...models.light.model import LightPhotoModel
from ...models.photo import file as photo
from ...models.photo.codec_model import PhotoCodecModel
from ...models.photo.network.model import PhotoRRVQ
from ...models.photo.packing import pack, unpack
from ...models.photo.quality import FINEST_QUALITY, QualityMap
from ...models.pixels.bilevel import export as bilevel
from ...models.pixels.bilevel.quiet import QuietBilevelNet
from ...models.pixels.distributions import tables
from ...models.pixels.wavefront import export as wavefront
from ...models.pixels.wavefront.net import WavefrontNet
from ..recipes.overrides import override
from ..recipes.pixels import PixelRecipe
from ..recipes.registry import Settings
from ..tasks.pixels import counted, photo_model_of
from .calibration import calibrate, calibration_paths


@dataclass(frozen=True)
class WeightsFormat:
    """How models of one kind are exported.

    Args:
        write: Returns the weights file of a trained model, given the model, its recipe, the name of the weights and
            the folder of images to calibrate with, or None. It raises DvcodecError if there is no such file.
        layers: Returns name, stride and number of symbols of every layer of a model, in coding order.
    """

    write: Callable[[Any, Any, str, Path | None], bytes]
    layers: Callable[[Any], list[dict[str, Any]]]


def format_of(settings: Settings) -> WeightsFormat:
    """Return how models of the kind of these settings are exported.

    Args:
        settings: The settings of a run.

    Returns:
        The entry of FORMATS.

    Raises:
        DvcodecError: There is no weights file of this kind yet.
    """
    if settings.kind not in FORMATS:
        known = f"there are weights files of the kinds {', '.join(FORMATS)}"
        raise DvcodecError(f"{settings.preset} is of a kind that has no weights file yet", known)
    return FORMATS[settings.kind]


def _photo(model: PhotoRRVQ, _: object, name: str, calibration: Path | None) -> bytes:
    frozen = PhotoRRVQ(model.config)
    unpack(frozen, pack(model))
    qualities = (
        QualityMap(0, FINEST_QUALITY)
        if calibration is None
        else calibrate(lambda span: PhotoCodecModel("calibration", frozen, span, "cpu"), calibration)
    )
    return photo.write(model, qualities, name)


def _photo_layers(model: PhotoRRVQ) -> list[dict[str, Any]]:
    return [{"name": m.name, "stride": m.stride, "symbols": m.symbols} for m in model.chain.layers()]


def _light(model: LightPhotoModel, _: object, name: str, calibration: Path | None) -> bytes:
    qualities = QualityMap(0, FINEST_QUALITY)
    if calibration is not None:
        qualities = calibrate(lambda span: light.runtime(model, span), calibration, perceptual=True)
    return light.write(model, qualities, name)


def _light_layers(model: LightPhotoModel) -> list[dict[str, Any]]:
    return [
        {"name": f"{stride}/{i}.{j}", "stride": stride, "symbols": len(group)}
        for stride, stages in light_layout().items()
        for i, stage in enumerate(stages)
        for j, group in enumerate(stage)
    ]


def _family(model: FamilyVAE, _: object, name: str, calibration: Path | None) -> bytes:
    if calibration is not None:
        raise DvcodecError("a family of small images has one quality", "leave out `calibration`")
    if not (model.config.exact and model.config.categorical):
        hint = f"only models trained with {override('exact', 'true')} have one"
        if model.config.boltzmann and min(machine_sides(model.config)) > LARGEST_EXACT:
            hint = too_large(model.config)
        if model.config.lipschitz:
            hint = "maps with a Lipschitz constant are not rounded to grids, which would break it"
        raise DvcodecError("this model has no exact form", hint)
    return families.write(model, name)


def _family_layers(model: FamilyVAE) -> list[dict[str, Any]]:
    return [
        {"name": m.plan.name, "stride": -(-model.config.image // m.plan.side), "symbols": m.plan.symbols}
        for m in model.layers()
    ]


def _pixels(net: WavefrontNet, recipe: PixelRecipe, name: str, calibration: Path | None) -> bytes:
    if calibration is None:
        return wavefront.write(net, tables(), name)
    counts = counted(net, calibration_paths(calibration), photo_model_of(recipe.hierarchy), recipe.quality)
    return wavefront.write(net, tables(counts), name)


def _bilevel(net: QuietBilevelNet, _: object, name: str, calibration: Path | None) -> bytes:
    if calibration is not None:
        raise DvcodecError("the tables of a bilevel model are counted in training", "leave out `calibration`")
    return bilevel.write(net, name)


def _no_layers(_: object) -> list[dict[str, Any]]:
    return []


FORMATS = {
    "photo": WeightsFormat(_photo, _photo_layers),
    "light": WeightsFormat(_light, _light_layers),
    "family": WeightsFormat(_family, _family_layers),
    "pixels": WeightsFormat(_pixels, _no_layers),
    "bilevel": WeightsFormat(_bilevel, _no_layers),
}
"""The kinds of models that can be exported, by their names in `registry.KINDS`."""
