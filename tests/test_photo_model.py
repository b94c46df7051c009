"""The photograph model: its transform, shapes at every size, grey, previews, batches, and that quality is quality."""

from typing import Any

import numpy as np
import pytest
import small_model
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvcodec.codec.lossy.encoder import psnr_of
from dvcodec.models.integer.prior import prior_weights
from dvcodec.models.interface import hierarchy as interface
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.photo.layout import COEFFICIENTS
from dvcodec.models.photo.network.analysis_synthesis import Pyramid, crop_levels, pad_levels
from dvcodec.models.photo.network.model import DecoderOutput, PhotoRRVQ, grid_sizes
from dvcodec.models.photo.network.top_down import PhotoStep
from dvcodec.models.photo.quality import QualityMap, quality_map

SIZES = [(1, 1), (1, 70), (7, 9), (65, 130)]
Q50 = 50 * 256


class Posterior:
    """Chooses the posterior's mode and takes down which layers asked, and for how many positions."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.positions: dict[int, int] = {}

    def next(self, step: interface.Step) -> NDArray[np.int32]:
        """Return the mode."""
        self.asked.append(step.layer)
        self.positions[step.layer] = self.positions.get(step.layer, 0) + step.count
        symbols = step.posterior_mode()
        assert symbols.dtype == np.int32 and symbols.shape == (step.count,) == step.weights().shape[:1]
        return symbols


def passed(pixels: NDArray[np.uint8], quality: int = Q50, **options: Any) -> tuple[NDArray[np.uint8], Posterior]:
    """Pixels through the small model and back, and the symbol source of the pass."""
    model, source = small_model.hierarchy(), Posterior()
    targets = model.infer(pixels, quality)
    settings = PassSettings(pixels.shape[0], pixels.shape[1], quality, **options)
    state = model.top_down_pass(settings, source, targets)
    return model.render(state), source


# The transform.


@pytest.mark.parametrize("size", [(64, 64), (64, 192), (256, 128)], ids=str)
def test_the_pyramid_is_orthonormal_and_its_inverse_exact(size: tuple[int, int]) -> None:
    pyramid = Pyramid()
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 255 - 128
    levels = pyramid(x)
    assert {s: tuple(t.shape) for s, t in levels.items()} == {
        s: (2, c, size[0] // s, size[1] // s) for s, c in COEFFICIENTS.items()
    }
    # The means of blocks stand on the coarser levels: their place at stride 8 counts nothing.
    counted = [*(levels[s] for s in (64, 32, 16)), *(levels[8][:, c + 1 : c + 64] for c in (0, 64, 128))]
    energy = sum(float(t.double().square().sum()) for t in counted)
    assert energy == pytest.approx(float(x.double().square().sum()), rel=1e-6)
    samples = torch.nn.functional.pixel_shuffle(pyramid.inverse(levels), 8)
    assert (samples - x).abs().max() < 1e-3
    assert (samples - x).square().mean().sqrt() < 1e-4


@pytest.mark.parametrize("size", [*SIZES, (8, 8), (63, 64), (100, 3)], ids=str)
def test_the_coded_coefficients_hold_the_whole_image(size: tuple[int, int]) -> None:
    model = PhotoRRVQ(small_model.CONFIG).eval()  # its corrections are zero
    pixels = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1)) * 255
    quality = torch.tensor([0, 4096])
    with torch.inference_mode():
        targets = model.infer(pixels, quality)
        state = torch.zeros(2, small_model.CONFIG.widths[8], *grid_sizes(size)[8])
        again = model.render(DecoderOutput(state, targets, model.sigma(quality), size, quality))
    assert {s: tuple(t.shape) for s, t in targets.items()} == {
        s: (2 * rows * columns, COEFFICIENTS[s]) for s, (rows, columns) in grid_sizes(size).items()
    }
    assert again.shape == pixels.shape
    assert (again - pixels).abs().max() < 2e-3


def test_padding_undoes_cropping() -> None:
    levels = Pyramid()(torch.ones(1, 3, 128, 192))
    padded = pad_levels(crop_levels(levels, 65, 130))
    assert {s: t.shape for s, t in padded.items()} == {s: t.shape for s, t in levels.items()}
    assert padded[8][:, :, 9:].eq(0).all() and torch.equal(padded[8][:, :, :9, :17], levels[8][:, :, :9, :17])


# Shapes, grey, previews.


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_size_passes(size: tuple[int, int]) -> None:
    layers = small_model.hierarchy().layers
    pixels, source = passed(small_model.picture(*size))
    assert pixels.shape == (*size, 3) and pixels.dtype == np.uint8
    assert list(dict.fromkeys(source.asked)) == list(range(len(layers)))
    for layer, spec in enumerate(layers):
        assert source.positions[layer] == -(-size[0] // spec.stride) * -(-size[1] // spec.stride)


def test_layers_come_coarse_first_and_have_a_rest_symbol() -> None:
    layers = small_model.hierarchy().layers
    strides = [spec.stride for spec in layers]
    assert strides == sorted(strides, reverse=True) and set(strides) == {64, 32, 16, 8}
    assert all(0 <= spec.null_symbol < spec.symbols and spec.symbols >= 2 for spec in layers)
    assert len({spec.name for spec in layers}) == len(layers)


def test_grey_asks_for_no_colour() -> None:
    grey = np.repeat(small_model.picture(40, 56)[:, :, :1], 3, axis=2)
    pixels, source = passed(grey, grey=True)
    layers = small_model.hierarchy().layers
    assert sorted(set(source.asked)) == [i for i, spec in enumerate(layers) if not spec.chroma]
    assert any(spec.chroma for spec in layers)
    assert psnr_of(grey, pixels) > 20


def test_a_pass_that_stops_shows_a_coarser_image() -> None:
    picture = small_model.picture(64, 96)
    layers = small_model.hierarchy().layers
    stops = [next(i for i, spec in enumerate(layers) if spec.stride == stride) for stride in (32, 16, 8)]
    errors = []
    for stop in (*stops, len(layers)):
        pixels, source = passed(picture, 25600, stop=stop)
        assert sorted(set(source.asked)) == list(range(stop))
        assert pixels.shape == picture.shape
        errors.append(psnr_of(picture, pixels))
    assert errors == sorted(errors) and errors[-1] > errors[0] + 3
    assert np.array_equal(pixels, passed(picture, 25600)[0])


def test_a_posterior_needs_an_images_coefficients() -> None:
    with pytest.raises(ValueError, match="coefficients"):
        small_model.hierarchy().top_down_pass(PassSettings(8, 8, Q50), Posterior())


# Batches and quality.


class Mode:
    """The posterior's mode on tensors, with the exact prior, as the codec takes it."""

    def __init__(self) -> None:
        self.priors: list[Tensor] = []
        self.symbols: list[Tensor] = []

    def next(self, step: PhotoStep) -> Tensor:
        """Return the mode and remember."""
        assert step.residual is not None
        scores = step.layer.exact_scores(step.embedding)
        self.priors.append(prior_weights(scores))
        self.symbols.append((step.layer.distortion(step.residual) - scores.float() * 0.6931).argmin(1))
        return self.symbols[-1]


def decoded(model: PhotoRRVQ, pixels: Tensor, quality: Tensor) -> tuple[Tensor, Mode]:
    """A batch through the model and back."""
    source = Mode()
    with torch.inference_mode():
        state = model.top_down_pass((pixels.shape[2], pixels.shape[3]), quality, source, model.infer(pixels, quality))
        return model.render(state), source


def test_a_batch_equals_its_images() -> None:
    model = small_model.frozen()
    pixels = torch.stack([torch.from_numpy(small_model.picture(20, 70, seed)) for seed in range(4)])
    pixels, quality = pixels.permute(0, 3, 1, 2).float(), torch.tensor([4096, 500, 2222, 0])
    together, batch = decoded(model, pixels, quality)
    for i in range(4):
        alone, single = decoded(model, pixels[i : i + 1], quality[i : i + 1])
        for one, many in ((single.symbols, batch.symbols), (single.priors, batch.priors)):
            assert all(torch.equal(a, b.chunk(4)[i]) for a, b in zip(one, many, strict=True))
        assert (alone[0] - together[i]).abs().max() < 1e-2


@pytest.mark.parametrize("middle", [None, 1000, 3000])
def test_network_qualities_are_linear_between_their_points(middle: int | None) -> None:
    qualities = QualityMap(300, 4096, middle)
    found = np.array([qualities.network_quality(q) for q in range(256, 25601)])
    assert found[0] == 300 and found[-1] == 4096
    assert middle is None or found[50 * 256 - 256] == middle
    for part in (found,) if middle is None else (found[: 49 * 256 + 1], found[49 * 256 :]):
        assert np.abs(part - np.linspace(part[0], part[-1], len(part))).max() <= 0.5
    assert quality_map(qualities.fields()) == qualities


def test_quality_is_fidelity() -> None:
    picture = small_model.picture(64, 96, seed=2)
    values = [psnr_of(picture, passed(picture, quality * 256)[0]) for quality in (1, 20, 40, 60, 80, 100)]
    assert values == sorted(values)
    assert values[-1] > max(32, values[0] + 10)
