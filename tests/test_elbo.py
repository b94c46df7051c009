"""The bound of photographs: its likelihood is a distribution over grey levels, its divergence is one."""

from pathlib import Path

import numpy as np
import pytest
import small_model
import torch
from PIL import Image

from dvcodec.evaluation.likelihood.photo_bound import SCALES, held_out, level_bits, measure


@pytest.mark.parametrize("scale", [0.6, 3.0, 40.0])
@pytest.mark.parametrize("mean", [-3.0, 0.2, 100.0, 255.0, 260.0])
def test_the_likelihood_sums_to_one_over_the_levels(scale: float, mean: float) -> None:
    levels = torch.arange(256, dtype=torch.float64)
    mass = sum(2.0 ** -level_bits(x[None] - mean, x[None], scale) for x in levels)
    assert mass == pytest.approx(1, abs=1e-6)


def test_a_finer_quality_pays_more_divergence_and_less_likelihood(tmp_path: Path) -> None:
    files = tmp_path / "one.png", tmp_path / "two.png"
    for seed, path in enumerate(files):
        Image.fromarray(small_model.picture(70, 90, seed)).save(path)
    coarse, fine = (measure(small_model.hierarchy(), files, quality) for quality in (5.0, 95.0))
    assert 0 < coarse.divergence < fine.divergence
    assert coarse.likelihood > fine.likelihood > 0
    assert coarse.total == coarse.divergence + coarse.likelihood
    assert SCALES[0] <= fine.scale < coarse.scale <= SCALES[-1]
    assert measure(small_model.hierarchy(), files, 5.0) == coarse  # seeded


def test_no_image_chooses_its_own_standard_deviation() -> None:
    losses = np.full((3, len(SCALES)), 9.0)
    losses[0, 4], losses[1, 7], losses[2, 7] = 1, 2, 4
    found, scales = held_out(losses)
    assert scales.tolist() == [SCALES[7], SCALES[4], SCALES[4]]
    assert found.tolist() == [9, 9, 9]  # each image's own best would be 1, 2 and 4
    losses[0, 7] = 3
    assert held_out(losses)[0].tolist() == [3, 2, 4]


def test_one_image_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="other images"):
        held_out(np.zeros((1, len(SCALES))))
