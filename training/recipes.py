"""Named models with their recipes: plain numbers, no torch. `--set key=value` changes any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..codec.errors import InvalidArgument


@dataclass(frozen=True)
class Recipe:
    """How a photograph model is trained. Rates are Adam's; fractions are of the whole run."""

    steps: int = 9000
    batch: int = 8
    crop: int = 128
    late_crop: int = 256
    """Side of the crops in the last part of the run; the batch shrinks so that the pixels stay the same."""
    late_from: float = 0.6
    rate: float = 1e-3
    codebook_rate: float = 3e-3
    network_rate: float = 5e-4
    """Of the synthesis."""
    analysis_rate: float = 1e-4
    warm_up: int = 100
    decay_to: float = 0.02
    """The cosine schedule ends at this share of the rates."""
    anchor: float = 0.1
    """Share of the distortion measured on the canvas itself: it stays what the posterior takes it for."""
    pull: float = 1.0
    """Weight of the expected rate's gradient on the canvas predictions and the analysis."""
    analysis_from: float = 0.1
    """From this fraction on the learned analysis is trained; 1 = never."""
    clip: float = 2.0
    """Gradients are clipped to this multiple of the running median of their norm."""
    ema: float = 0.999
    synthetic: float = 0.06
    """Share of the crops that are made (noise, ramps, lines, blocks), not cut from photographs."""


@dataclass(frozen=True)
class Preset:
    """A model's description, the sizes of its networks (fields of RRVQConfig) and its recipe."""

    description: str
    config: Mapping[str, Any] = field(default_factory=dict)
    recipe: Recipe = Recipe()


PRESETS = {
    "rrvq": Preset(
        "RRVQ-VAE of photographs, the codec's model: 96 layers at strides 64 to 8, every quality",
        {"layout": "photo-96", "sigma_coarse": 48.0, "sigma_fine": 3.2, "analysis_slope": 0.2},
    ),
    "canvas": Preset(
        "the baseline: whole 8x8 blocks by 14 residual codebooks, direct priors, no learned predictions",
        {
            "layout": "canvas",
            "prior": "direct",
            "predictions": False,
            "widths": {64: 64, 32: 64, 16: 96, 8: 96},
            "blocks": 1,
        },
    ),
    "rrvq-small": Preset(
        "the same hierarchy with narrow networks: quick to train, for trials",
        {
            "layout": "photo-96",
            "sigma_coarse": 48.0,
            "sigma_fine": 3.2,
            "widths": {64: 32, 32: 48, 16: 64, 8: 64},
            "blocks": 1,
            "hidden": 32,
            "synthesis_width": 64,
            "analysis_width": 32,
            "analysis_slope": 0.2,
        },
    ),
}


def resolve(name: str, overrides: Mapping[str, str], steps: int | None) -> tuple[dict[str, Any], Recipe]:
    """A preset's network sizes and recipe with a person's changes. InvalidArgument for an unknown key or value."""
    preset = PRESETS[name]
    config, recipe = dict(preset.config), preset.recipe
    for key, text in overrides.items():
        if key in {f.name for f in fields(Recipe)}:
            recipe = replace(recipe, **{key: _number(key, text, type(getattr(recipe, key)))})
        elif key in SIZES:
            config[key] = _number(key, text, SIZES[key])
        else:
            known = sorted({f.name for f in fields(Recipe)} | set(SIZES))
            raise InvalidArgument(f"no setting {key!r}", f"there are {', '.join(known)}")
    return config, recipe if steps is None else replace(recipe, steps=steps)


def _switch(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


SIZES: dict[str, Callable[[str], Any]] = {
    "blocks": int,
    "hidden": int,
    "synthesis_width": int,
    "synthesis_blocks": int,
    "analysis_width": int,
    "analysis_slope": float,
    "sigma_coarse": float,
    "sigma_fine": float,
    "layout": str,
    "prior": str,
    "predictions": _switch,
}
"""Network sizes that `--set` may change (fields of models.rrvq.RRVQConfig)."""


def _number(key: str, text: str, kind: Callable[[str], Any]) -> Any:
    names = {int: "a whole number", float: "a number", _switch: "true or false"}
    try:
        return kind(text)
    except (ValueError, KeyError):
        raise InvalidArgument(f"{key}={text}: not {names[kind]}", f"--set {key}=...") from None
