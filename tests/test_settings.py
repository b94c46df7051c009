"""Presets and what a person may change of them; how rates and the gradient's limit follow from a recipe."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dvcodec.codec.errors import InvalidArgument
from dvcodec.training import registry
from dvcodec.training.schedules import Norms, Plateau, share
from dvcodec.training.task import Moment
from toy_task import RECIPE


def test_schedules() -> None:
    cosine, constant, plateau = (
        replace(RECIPE, warm_up=10, schedule=kind, decay_to=0.1) for kind in ("cosine", "constant", "plateau")
    )
    assert share(Moment(0, 0.0), constant) == pytest.approx(0.1)
    assert share(Moment(9, 0.0), constant) == share(Moment(9, 0.0), cosine) == 1
    assert share(Moment(500, 0.5), cosine) == pytest.approx(0.55)
    assert share(Moment(999, 1.0), cosine) == pytest.approx(0.1)
    assert share(Moment(500, 0.9), constant) == 1
    assert share(Moment(500, 0.9), plateau, 0.64) == pytest.approx(0.64)
    assert share(Moment(500, 0.9), plateau, 0.01) == pytest.approx(0.1)


def test_a_plateau_lowers_the_rates_after_so_many_validations() -> None:
    recipe, plateau = replace(RECIPE, patience=2, plateau_factor=0.5), Plateau()
    best = [plateau.take(value, recipe) for value in (3.0, 4.0, 2.0, 2.0, 2.5, 2.1, 2.2)]
    assert best == [True, False, True, False, False, False, False]
    assert (plateau.best, plateau.since, plateau.share) == (2.0, 4, 0.25)


def test_gradients_are_clipped_to_a_norm_or_a_multiple_of_the_median() -> None:
    fixed, norms = replace(RECIPE, clip=0.0, clip_norm=2.0), Norms()
    assert norms.factor(1.0, fixed) == 1 and norms.factor(8.0, fixed) == pytest.approx(0.25)
    running, norms = replace(RECIPE, clip=2.0, clip_norm=0.5), Norms()
    assert [norms.factor(1.0, running) for _ in range(11)] == [pytest.approx(0.5)] * 11
    assert norms.factor(1.0, running) == 1 and norms.factor(8.0, running) == pytest.approx(0.25)
    assert norms.factor(8.0, replace(RECIPE, clip=0.0, clip_norm=0.0)) == 1


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
