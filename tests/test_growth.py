"""Runs that start from the weights of smaller float networks: they begin where those ended, and learn from there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_model
import torch
from torch import Tensor

from dvcodec.errors import DvcodecError
from dvcodec.models.photo.file import write
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.training.warm_start.photo import warm_start_photo_model

SMALL = replace(small_model.CONFIG, synthesis_blocks=2, postfilter_width=8, postfilter_pairs=2)
LARGER: dict[str, dict[str, Any]] = {
    "wider filter": {"postfilter_width": 12},
    "deeper filter": {"postfilter_pairs": 3},
    "deeper synthesis": {"synthesis_blocks": 3},
    "wider synthesis": {"synthesis_width": SMALL.synthesis_width + 8},
    "all": {
        "postfilter_width": 12,
        "postfilter_pairs": 3,
        "synthesis_blocks": 3,
        "synthesis_width": SMALL.synthesis_width + 8,
    },
}
QUALITY = torch.tensor([600, 3000])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a small model whose float networks say something."""
    model = small_model.built(SMALL)
    drawn = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith(("synthesis.", "postfilter.")):
                parameter.normal_(std=0.1, generator=drawn)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    path.write_bytes(write(model, small_model.QUALITIES, "small"))
    return path


@pytest.fixture(scope="module")
def before(weights: Path) -> PhotoRRVQ:
    """The model of these sizes that starts from the weights. Shared: do not change it."""
    return started(weights)


def started(weights: Path, **changes: Any) -> PhotoRRVQ:
    """A model of these sizes that starts from the weights."""
    model = PhotoRRVQ(replace(SMALL, **changes))
    warm_start_photo_model(model, weights)
    return model


def shown(model: PhotoRRVQ) -> Tensor:
    """What synthesis and post-filter add to a picture."""
    drawn = torch.Generator().manual_seed(4)
    x = 20 * torch.randn(2, 3, 64, 64, generator=drawn)
    state = torch.randn(2, SMALL.widths[8], 8, 8, generator=drawn)
    model.eval()
    features = model.synthesis.features(x, QUALITY, state)
    added = model.synthesis.correction(features)
    assert model.postfilter is not None
    filtered: Tensor = model.postfilter(x + added, features, QUALITY)
    return added + filtered


@pytest.mark.parametrize("changes", LARGER.values(), ids=LARGER)
def test_a_larger_model_begins_by_computing_the_same(weights: Path, before: PhotoRRVQ, changes: dict[str, Any]) -> None:
    after = started(weights, **changes)
    assert sum(p.numel() for p in after.parameters()) > sum(p.numel() for p in before.parameters())
    wanted = shown(before)
    assert wanted.abs().max() > 0.5
    torch.testing.assert_close(shown(after), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("changes", LARGER.values(), ids=LARGER)
def test_what_is_new_learns(weights: Path, before: PhotoRRVQ, changes: dict[str, Any]) -> None:
    model = started(weights, **changes)
    sizes = {name: p.shape for name, p in before.named_parameters()}
    optimiser = torch.optim.SGD(model.parameters(), 1e-2)
    for _ in range(2):  # what is not listened to learns nothing in the first step
        optimiser.zero_grad()
        (shown(model) ** 2).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    grown = {name: p for name, p in model.named_parameters() if sizes.get(name) != p.shape}
    assert grown
    for name, parameter in grown.items():
        assert parameter.grad is not None, name
        if name in sizes:  # what was there has a gradient anyway
            parameter.grad[tuple(slice(0, side) for side in sizes[name])] = 0
        assert parameter.grad.abs().amax() > 0, name


@pytest.mark.parametrize(
    "changes",
    [{"postfilter_width": 7}, {"postfilter_pairs": 1}, {"synthesis_blocks": 1}, {"synthesis_width": 7}, {"hidden": 24}],
    ids=str,
)
def test_smaller_ones_and_other_chains_are_refused(weights: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(DvcodecError, match="other sizes"):
        started(weights, **changes)
