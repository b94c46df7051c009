"""Runs whose errors are measured behind the filters that files carry."""

from dataclasses import replace

import pytest
import small_model
import torch

from dvcodec.models.photo.codec_model import PhotoCodecModel
from dvcodec.models.photo.encoder.lookahead import filter_corrections
from dvcodec.training.loop.task import LossTerms
from dvcodec.training.recipes.photo import PhotoRecipe
from dvcodec.training.tasks.rate_distortion import FILTERED_PIXELS, filters_of_crops, rate_distortion


@pytest.fixture
def crops() -> torch.Tensor:
    """Two crops of a photograph, (2, 3, 64, 64)."""
    whole = torch.tensor(small_model.photograph(64, 128)).permute(2, 0, 1).float()
    return torch.stack([whole[:, :, :64], whole[:, :, 64:]])


def test_filters_of_crops_are_those_of_images_so_many_times_as_large(crops: torch.Tensor) -> None:
    """These alone pay for none. As parts of an image of FILTERED_PIXELS they do: errors count as many times more."""
    shown = crops.mean(dim=1, keepdim=True).expand_as(crops) * 0.04 + 0.96 * crops
    sigma = torch.tensor([12.0, 12.0])
    assert not filter_corrections(shown, crops, sigma).any()
    added = filters_of_crops(shown, crops, sigma)
    assert (crops - shown - added).square().sum() < 0.7 * (crops - shown).square().sum()
    alike = (FILTERED_PIXELS / 64**2) ** 0.5
    assert torch.equal(added, filter_corrections(shown, crops, sigma / alike))


def test_errors_are_measured_behind_filters(shipped: PhotoCodecModel, crops: torch.Tensor) -> None:
    def measured(recipe: PhotoRecipe) -> LossTerms:
        quality = torch.tensor([2600, 3300])
        return rate_distortion(shipped.network, crops, quality, recipe, relax=0.0, analysis=True)

    plain, filtered = (measured(replace(PhotoRecipe(), filtered=on)) for on in (False, True))
    assert filtered.figures["bits_per_pixel"] == plain.figures["bits_per_pixel"]
    assert filtered.figures["distortion_nats_per_pixel"] < 0.99 * plain.figures["distortion_nats_per_pixel"]
    assert float(filtered.loss) < float(plain.loss)


def test_filters_are_constants_to_gradients(crops: torch.Tensor) -> None:
    model = small_model.built(small_model.CONFIG).train()
    terms = rate_distortion(
        model, crops, torch.tensor([3000, 3000]), PhotoRecipe(filtered=True), relax=2.0, analysis=True
    )
    terms.loss.backward()  # type: ignore[no-untyped-call]
    found = [p.grad for p in model.synthesis.parameters()]
    assert all(g is not None and bool(g.isfinite().all()) for g in found) and any(
        bool(g.any()) for g in found if g is not None
    )


def test_the_post_filter_alone_does_not_learn_behind_filters() -> None:
    with pytest.raises(ValueError, match="filtered needs learns=all"):
        PhotoRecipe(filtered=True, learns="postfilter")
