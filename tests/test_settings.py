"""Presets and what a person may change of them; how rates and the gradient's limit follow from a recipe."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dvcodec.errors import InvalidArgument
from dvcodec.training.export.formats import FORMATS, format_of
from dvcodec.training.loop.gradient_clipper import GradientClipper
from dvcodec.training.loop.schedules import Plateau, rate_factor
from dvcodec.training.loop.task import Progress
from dvcodec.training.recipes import registry
from toy_task import RECIPE


def test_schedules() -> None:
    cosine, constant, plateau = (
        replace(RECIPE, warm_up=10, schedule=kind, decay_to=0.1) for kind in ("cosine", "constant", "plateau")
    )
    assert rate_factor(Progress(0, 0.0), constant) == pytest.approx(0.1)
    assert rate_factor(Progress(9, 0.0), constant) == rate_factor(Progress(9, 0.0), cosine) == 1
    assert rate_factor(Progress(500, 0.5), cosine) == pytest.approx(0.55)
    assert rate_factor(Progress(999, 1.0), cosine) == pytest.approx(0.1)
    assert rate_factor(Progress(500, 0.9), constant) == 1
    assert rate_factor(Progress(500, 0.9), plateau, 0.64) == pytest.approx(0.64)
    assert rate_factor(Progress(500, 0.9), plateau, 0.01) == pytest.approx(0.1)


def test_a_plateau_lowers_the_rates_after_so_many_validations() -> None:
    recipe, plateau = replace(RECIPE, patience=2, plateau_factor=0.5), Plateau()
    best = [plateau.update(value, recipe) for value in (3.0, 4.0, 2.0, 2.0, 2.5, 2.1, 2.2)]
    assert best == [True, False, True, False, False, False, False]
    assert (plateau.best, plateau.since, plateau.factor) == (2.0, 4, 0.25)


def test_gradients_are_clipped_to_a_norm_or_a_multiple_of_the_median() -> None:
    fixed, clipper = replace(RECIPE, clip=0.0, clip_norm=2.0), GradientClipper()
    assert clipper.scale(1.0, fixed) == 1 and clipper.scale(8.0, fixed) == pytest.approx(0.25)
    running, clipper = replace(RECIPE, clip=2.0, clip_norm=0.5), GradientClipper()
    assert [clipper.scale(1.0, running) for _ in range(11)] == [pytest.approx(0.5)] * 11
    assert clipper.scale(1.0, running) == 1 and clipper.scale(8.0, running) == pytest.approx(0.25)
    assert clipper.scale(8.0, replace(RECIPE, clip=0.0, clip_norm=0.0)) == 1


def test_settings_are_typed_by_their_fields() -> None:
    settings = registry.resolve(
        "hdvae-small", {"width": "8", "dropout": "0.25", "sides": "7, 4", "exact": "false", "optimiser": "adam"}, 5
    )
    assert (settings.config.width, settings.config.dropout, settings.config.sides) == (8, 0.25, (7, 4))
    assert settings.config.exact is False and settings.recipe.optimiser == "adam" and settings.recipe.steps == 5
    assert registry.restored(settings.plain()) == settings
    for key, value, words in [
        ("optimiser", "sgd", "one of adam, adamax"),
        ("exact", "perhaps", "no such choice"),
        ("width", "wide", "not a whole number"),
        ("hierarchy", "flat", "one of vae, skip-vae"),
        ("colour", "red", "no setting 'colour'"),
    ]:
        with pytest.raises(InvalidArgument, match=words):
            registry.resolve("hdvae-small", {key: value}, None)


def test_a_run_goes_on_with_its_own_settings() -> None:
    base = registry.resolve("hdvae-small", {"width": "8", "rate": "0.5"}, 7)
    again = registry.resolve("hdvae-small", {"rate": "0.1"}, None, base)
    assert (again.config.width, again.recipe.rate, again.recipe.steps) == (8, 0.1, 7)
    with pytest.raises(InvalidArgument, match="the run trains hdvae-small"):
        registry.resolve("rrvq", {}, None, base)


def test_every_preset_survives_json() -> None:
    for name in registry.presets():
        settings = registry.resolve(name, {}, None)
        again = registry.restored(json.loads(json.dumps(settings.plain())))
        assert again.recipe == settings.recipe and again.kind == settings.kind
        assert again == settings


def test_every_kind_has_a_weights_file() -> None:
    assert registry.KINDS.keys() == FORMATS.keys()
    for name in ("rrvq", "rrvq-light", "hdvae", "pixels", "bilevel"):
        settings = registry.resolve(name, {}, None)
        assert format_of(settings) is FORMATS[settings.kind]


OUT_OF_BOUNDS = [
    ("hdvae", {"batch": "-3"}, "batch -3 is no whole number from 1 to"),
    ("hdvae", {"steps": "0"}, "steps 0"),
    ("hdvae", {"beta1": "2"}, "beta1 2.0 is no number from 0 to 0.999999"),
    ("hdvae", {"beta2": "1"}, "beta2 1.0"),
    ("hdvae", {"ema": "2"}, "ema 2.0"),
    ("hdvae", {"rate": "-1"}, "rate -1.0"),
    ("hdvae", {"rate": "nan"}, "rate nan"),
    ("hdvae", {"clip": "inf"}, "clip inf"),
    ("hdvae", {"warm_up": "-5"}, "warm_up -5 is no whole number from 0 to"),
    ("hdvae", {"validate_every": "-1"}, "validate_every -1"),
    ("hdvae", {"kl_warm_up": "-5"}, "kl_warm_up -5"),
    ("hdvae", {"free_bits": "-1"}, "free_bits -1.0"),
    ("hdvae", {"temperatures": "0,0,0"}, "temperature 1 0.0"),
    ("hdvae", {"temperatures": "0.5,nan,0.1"}, "temperature 2 nan"),
    ("hdvae", {"fractions": "0,0.7,0.3"}, "fractions do not rise"),
    ("hdvae", {"fractions": "0,0.5"}, "differ in number"),
    ("hdvae", {"fractions": "0,0.5,2"}, "fraction 3 2.0"),
    ("rrvq", {"crop": "0"}, "crop 0"),
    ("rrvq", {"analysis_rate": "-1"}, "analysis_rate -1.0"),
    ("rrvq", {"late_from": "-0.1"}, "late_from -0.1"),
    ("rrvq", {"synthetic": "1.5"}, "synthetic 1.5"),
    ("rrvq", {"augmented": "-0.5"}, "augmented -0.5"),
    ("pixels", {"quality": "0"}, "quality 0.0 is no number from 1 to 100"),
    ("pixels", {"grey": "-1"}, "grey -1.0"),
    ("bilevel", {"renew": "0"}, "renew 0"),
    ("bilevel", {"page_width": "100000"}, "page_width 100000"),
    ("bilevel", {"halftones": "2"}, "halftones 2.0"),
]


@pytest.mark.parametrize(("preset", "settings", "words"), OUT_OF_BOUNDS, ids=str)
def test_values_of_a_recipe_out_of_bounds_are_refused(preset: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        registry.resolve(preset, settings, None)


def test_steps_out_of_bounds_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="steps 1000000000000"):
        registry.resolve("rrvq", {}, 10**12)


@pytest.mark.parametrize(
    ("preset", "recipe"),
    [
        ("hdvae", {"schedule": "step"}),
        ("hdvae", {"relaxation": "none"}),
        ("hdvae", {"batch": "8"}),
        ("hdvae", {"temperatures": ["hot"], "fractions": [0]}),
        ("pixels", {"hierarchy": 5}),
        ("bilevel", {"fonts": None}),
    ],
    ids=str,
)
def test_a_checkpoint_may_not_say_anything_either(preset: str, recipe: dict[str, Any]) -> None:
    plain = registry.resolve(preset, {}, None).plain()
    with pytest.raises(ValueError, match=next(iter(recipe))[:8]):
        registry.restored({**plain, "recipe": {**plain["recipe"], **recipe}})


def test_a_recipe_that_lacks_or_adds_a_field_is_refused() -> None:
    plain = registry.resolve("rrvq", {}, None).plain()
    fewer = {key: value for key, value in plain["recipe"].items() if key != "late_from"}
    with pytest.raises(TypeError, match="the recipe lacks late_from"):
        registry.restored({**plain, "recipe": fewer})
    with pytest.raises(TypeError, match="quality_high"):
        registry.restored({**plain, "recipe": {**plain["recipe"], "quality_high": 4096}})
