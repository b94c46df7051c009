"""Configurations check themselves, whoever made them: a person, a checkpoint, a weights file."""

from dataclasses import asdict
from typing import Any

import pytest

from dvcodec.errors import InvalidArgument
from dvcodec.models.configs import BilevelPagesConfig, RRVQConfig, WavefrontConfig
from dvcodec.models.photo.layout import LAYOUTS
from dvcodec.models.photo.network.latent import PRIORS
from dvcodec.training.recipes import registry

BAD: list[tuple[type, dict[str, Any], str]] = [
    (RRVQConfig, {"hidden": 0}, "hidden 0"),
    (RRVQConfig, {"hidden": 257}, "from 1 to 256"),
    (RRVQConfig, {"blocks": 9}, "from 1 to 8"),
    (RRVQConfig, {"blocks": True}, "blocks True"),
    (RRVQConfig, {"synthesis_width": 8.0}, "synthesis_width 8.0"),
    (RRVQConfig, {"widths": {64: 8, 32: 8, 16: 8}}, "strides"),
    (RRVQConfig, {"widths": {64: 8, 32: 8, 16: 8, 8: 10**9}}, "width of stride 8"),
    (RRVQConfig, {"layout": "photo-1"}, "layout 'photo-1'"),
    (RRVQConfig, {"prior": "none"}, "prior 'none'"),
    (RRVQConfig, {"transform": "wavelet"}, "transform 'wavelet'"),
    (RRVQConfig, {"predictions": 1}, "predictions"),
    (RRVQConfig, {"analysis_slope": float("nan")}, "analysis_slope"),
    (RRVQConfig, {"sigma_fine": 50.0}, "sigma_fine"),
    (WavefrontConfig, {"predictors": 9}, "from 1 to 8"),
    (WavefrontConfig, {"hidden": 10**9}, "hidden"),
    (BilevelPagesConfig, {"rows": 17}, "rows 17"),
    (BilevelPagesConfig, {"depth": -1}, "depth -1"),
]


@pytest.mark.parametrize(("kind", "fields", "message"), BAD, ids=str)
def test_sizes_out_of_bounds_are_refused(kind: type, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**fields)


def test_a_configuration_survives_json_and_names_every_field() -> None:
    config = RRVQConfig(hidden=16, widths={64: 1, 32: 2, 16: 3, 8: 4})
    held = {**asdict(config), "widths": {"64": 1, "32": 2, "16": 3, "8": 4}}
    assert RRVQConfig.of(held) == config
    for other in ({"hidden": 16}, {}, held | {"depth": 2}):
        with pytest.raises(ValueError, match="the fields of its configuration are not those of a RRVQConfig"):
            RRVQConfig.of(other)


def test_the_names_are_those_that_can_be_built() -> None:
    assert all(RRVQConfig(layout=name) for name in LAYOUTS)  # type: ignore[arg-type]
    assert all(RRVQConfig(prior=name) for name in PRIORS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "key", "value", "message"),
    [
        ("rrvq", "layout", "photo-1", "no such choice"),
        ("rrvq", "transform", "wavelet", "no such choice"),
        ("rrvq", "blocks", "9", "blocks 9"),
        ("pixels", "hidden", "0", "hidden 0"),
        ("bilevel", "rows", "99", "rows 99"),
    ],
)
def test_an_error_says_what_a_setting_may_be(model: str, key: str, value: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        registry.resolve(model, {key: value}, None)
