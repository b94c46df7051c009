"""The bound of photographs: its likelihood is a distribution over grey levels, its divergence is one."""

from pathlib import Path

import pytest
import small_model
import torch
from PIL import Image

from dvcodec.evaluation.likelihood.photo_bound import SCALES, level_bits, measure


@pytest.mark.parametrize("scale", [0.6, 3.0, 40.0])
@pytest.mark.parametrize("mean", [-3.0, 0.2, 100.0, 255.0, 260.0])
def test_the_likelihood_sums_to_one_over_the_levels(scale: float, mean: float) -> None:
    levels = torch.arange(256, dtype=torch.float64)
    mass = sum(2.0 ** -level_bits(x[None] - mean, x[None], scale) for x in levels)
    assert mass == pytest.approx(1, abs=1e-6)


def test_a_finer_quality_pays_more_divergence_and_less_likelihood(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.fromarray(small_model.picture(70, 90)).save(path)
    coarse, fine = (measure(small_model.hierarchy(), (path,), quality) for quality in (5.0, 95.0))
    assert 0 < coarse.divergence < fine.divergence
    assert coarse.likelihood > fine.likelihood > 0
    assert coarse.total == coarse.divergence + coarse.likelihood
    assert fine.scale in SCALES and fine.scale < coarse.scale
    assert measure(small_model.hierarchy(), (path,), 5.0) == coarse  # seeded
