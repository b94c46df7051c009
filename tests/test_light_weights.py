"""Local weights of the light model's encoder: errors count by how much they are seen."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec import weights
from dvcodec.codec import loading
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.light.runtime import local_weights, visible_error
from dvcodec.models.light.runtime.model import RuntimeLightModel
from dvcodec.training.objectives.ssimulacra2 import Ssimulacra2

QUALITY = 50 * 256


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    """A part of the bundled photograph, (192, 256, 3)."""
    path = Path(dvcodec.__file__).parent / "examples" / "kodim23.png"
    return np.asarray(Image.open(path).convert("RGB"))[100:292, 200:456].copy()


@pytest.fixture(scope="module")
def light() -> RuntimeLightModel:
    """The shipped model."""
    found = loading.hierarchy(weights.photographs(perceptual=True), "cpu")
    assert isinstance(found, RuntimeLightModel)
    return found


def metric_of_luminance() -> Ssimulacra2:
    """SSIMULACRA 2 with the weights of the errors that the encoder looks at, all others 0."""
    found = Ssimulacra2()
    kept = torch.zeros_like(found.weights)
    for scale, norms in enumerate(visible_error.STRUCTURE):
        kept[1, scale, :, 0] = torch.tensor(norms)
    kept[1, 0, 1, 2] = visible_error.LOST_DETAILS
    assert torch.allclose(found.weights[kept > 0], kept[kept > 0])
    found.weights = kept
    return found


def test_visible_errors_are_the_metrics_derivatives(picture: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, np.where(np.arange(256) < 128, 3, 9)[None, :, None], picture.shape)
    decoded = np.clip(picture + noise, 0, 255).round().astype(np.uint8)
    a, b = (torch.from_numpy(x.transpose(2, 0, 1).astype(np.float32))[None] for x in (picture, decoded))
    shown = b.requires_grad_()
    metric_of_luminance()(a, shown).sum().backward()
    assert shown.grad is not None
    along = (shown.grad * (shown.detach() - a))[0].sum(0)
    wanted = along.reshape(24, 8, 32, 8).sum((1, 3)).numpy()
    found = visible_error.visible_error(picture, decoded)
    assert found.shape == wanted.shape
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.98
    assert 0.9 < found.sum() / wanted.sum() < 1.1


def test_equal_pictures_have_no_visible_error(picture: NDArray[np.uint8]) -> None:
    assert not visible_error.visible_error(picture[:50, :41], picture[:50, :41]).any()


def weights_of(light: RuntimeLightModel, pixels: NDArray[np.uint8]) -> dict[int, NDArray[np.float32]]:
    settings = PassSettings(pixels.shape[0], pixels.shape[1], QUALITY)
    targets = light.lookahead_targets(pixels, settings, 0, perceptual=True)
    assert targets.weights is not None
    return targets.weights


def test_errors_count_less_where_texture_hides_them(light: RuntimeLightModel) -> None:
    rng = np.random.default_rng(1)
    ramp = np.linspace(60, 180, 256)[None, :] + np.zeros((128, 1))
    noisy = ramp + rng.normal(0, 25, ramp.shape) * (np.arange(256) < 128)
    mild = noisy + rng.normal(0, 4, ramp.shape) * (np.arange(256) >= 128)
    pixels = np.repeat(np.clip(mild, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    found = weights_of(light, pixels)
    assert all(w.min() > 1 / 4.01 and w.max() < 4.01 for w in found.values())
    by_block = found[8].reshape(16, 32)
    assert by_block[:, :14].mean() < 0.8 * by_block[:, 18:].mean()
    coarse = found[64].reshape(2, 4)
    assert (coarse[:, :2] < coarse[:, 2:]).all()


def test_no_error_weighs_all_alike(light: RuntimeLightModel) -> None:
    for w in weights_of(light, np.full((65, 70, 3), 128, np.uint8)).values():
        assert (w == 1).all()


def test_large_pictures_are_looked_at_in_bands(
    light: RuntimeLightModel, picture: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = weights_of(light, picture)[8]
    monkeypatch.setattr(local_weights, "BAND", 256 * 70)
    assert len(local_weights._bands((192, 256))) == 3
    parts = weights_of(light, picture)[8]
    assert not np.array_equal(parts, whole) and np.corrcoef(np.log(parts), np.log(whole))[0, 1] > 0.9


def test_they_save_bits_at_the_same_structure(
    light: RuntimeLightModel, picture: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bits fall faster than the metric of the encoder rises, compared with a lower quality that costs as many."""
    distance = metric_of_luminance()

    def coded(quality: float) -> tuple[int, float]:
        data = dvcodec.compress(picture, quality=quality)
        shown = np.asarray(dvcodec.decompress(data))
        a, b = (torch.from_numpy(x.transpose(2, 0, 1).astype(np.float32))[None] for x in (picture, shown))
        return len(data), float(distance(a, b))

    size, seen = coded(50)
    monkeypatch.setattr(RuntimeLightModel, "_targets", _alike)
    plain = [coded(quality) for quality in (40, 45, 50)]
    sizes, distances = zip(*plain, strict=True)
    assert sizes[0] < size < sizes[2]
    assert seen < np.interp(size, sizes, distances)


_weighted = RuntimeLightModel._targets


def _alike(self: RuntimeLightModel, pixels: NDArray[np.uint8], quality: int, *, perceptual: bool) -> object:
    targets = _weighted(self, pixels, quality, perceptual=perceptual)
    targets.weights = None
    return targets


def test_without_the_tuning_there_are_no_weights(light: RuntimeLightModel, picture: NDArray[np.uint8]) -> None:
    assert light.infer(picture, QUALITY).weights is None
