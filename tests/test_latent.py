"""The latent layer against what it stands for: Gaussian mixtures, frequencies, squared errors."""

import math

import pytest
import small_model
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from dvcodec.models.photo.layout import PhotoLayerPlan
from dvcodec.models.photo.network.latent import CONTEXT, PRECISION_LIMIT, PhotoLatentLayer
from dvcodec.models.photo.packing import CONSTANT_BITS, CONTEXT_PRECISION_BITS, MEAN_BITS, VALUE_PRECISION_BITS

COEFFICIENTS = (3, 5, 8)


def layer_of(symbols: int, seed: int = 0) -> PhotoLatentLayer:
    """A layer with random codebooks, in float64; no variance is so small that it would be clamped."""
    layer = PhotoLatentLayer(PhotoLayerPlan("8/test", 8, COEFFICIENTS, symbols), 16).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        layer.values.normal_(std=5, generator=generator)
        layer.context.normal_(std=2, generator=generator)
        layer.log_variance.uniform_(math.log(0.5 / PRECISION_LIMIT), 3, generator=generator)
        layer.keep[2] = 0
    return layer


def embeddings(count: int, seed: int = 1) -> Tensor:
    """Embeddings (count, D) of the size that occurs, float64."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, len(COEFFICIENTS) + CONTEXT, dtype=torch.float64, generator=generator) * 3


def test_responsibilities_are_a_gaussian_mixture_posterior() -> None:
    layer, e = layer_of(40), embeddings(30)
    components = Independent(Normal(layer.means(), torch.exp(layer.log_variance / 2)), 1)
    expected = torch.log_softmax(components.log_prob(e[:, None]), dim=1)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(torch.log_softmax(layer.scores(e), dim=1), expected, rtol=1e-9, atol=1e-9)


def test_variances_are_bounded_below() -> None:
    layer = layer_of(7)
    layer.log_variance.data.fill_(-50)
    matrix, _ = layer.quadratic()
    assert matrix[: len(COEFFICIENTS) + CONTEXT].eq(-PRECISION_LIMIT).all()


def restored(layer: PhotoLatentLayer, index: int) -> PhotoLatentLayer:
    """The same layer of the small model as a weights file restores it."""
    other = small_model.frozen().chain.layers()[index]
    assert other.name == layer.name
    return other


def float_scores(layer: PhotoLatentLayer, e: Tensor) -> Tensor:
    """The layer's scores in bits, float64, from means and precisions as they are trained. (n, D) -> (n, K)"""
    precision = precisions(layer)
    distance = (e[:, None] - layer.means().double()).square()
    return torch.log2(2 * precision).sum(1) / 2 - (precision * distance).sum(2)


def precisions(layer: PhotoLatentLayer) -> Tensor:
    """1 / (2 s) in bits, float64. (K, D)"""
    return (0.5 * torch.exp(-layer.log_variance.double())).clamp_max(PRECISION_LIMIT) / math.log(2)


@pytest.mark.parametrize("index", [0, 20, 50, 81])
def test_exact_scores_are_the_float_scores_up_to_the_stored_precision(index: int) -> None:
    """Means are stored with an error of m, precisions p of q = 2^-25 (values) or 2^-13 (context), constants of 2^-17:

    |error| <= sum_d (2 p m r + q r^2) + 2^-17, where r = |e| + |mean| + m. Positions have a constant of their own, so
    errors are compared after taking out the first symbol's.
    """
    layer = small_model.trainable().chain.layers()[index]
    stored, v = restored(layer, index), len(layer.coefficients)
    e = embeddings_of(layer, 50)
    with torch.no_grad():
        missed = (stored.means() - layer.means()).abs().double()
        receptive_field = e[:, None].abs() + layer.means().double().abs() + missed  # (n, K, D)
        half = torch.tensor([2.0**-VALUE_PRECISION_BITS] * v + [2.0**-CONTEXT_PRECISION_BITS] * CONTEXT) / 2
        bound = (2 * precisions(layer) * missed * receptive_field + half * receptive_field**2).sum(2) + 2.0 ** -(
            CONSTANT_BITS + 1
        )
        error = stored.exact_scores(e) - float_scores(layer, e)
    assert missed[layer.means().abs() < 7.9].max() <= 2.0 ** -(MEAN_BITS + 1)
    error, bound = (error - error[:, :1]).abs(), bound + bound[:, :1]
    assert (error <= bound + 1e-9).all()
    assert error.max() > 0


@pytest.mark.parametrize("index", [0, 3, 20, 50, 81])
def test_the_exact_prior_costs_little_more_than_the_float_one(index: int) -> None:
    """The Kullback-Leibler divergence between them is far below the entropy."""
    layer = small_model.trainable().chain.layers()[index]
    e = embeddings_of(layer, 200)
    with torch.no_grad():
        wanted = torch.log_softmax(float_scores(layer, e) * math.log(2), dim=1)
        given = torch.log_softmax(restored(layer, index).exact_scores(e) * math.log(2), dim=1)
        entropy = -(wanted.exp() * wanted).sum(1).mean()
        divergence = (wanted.exp() * (wanted - given)).sum(1).mean()
    assert 0 < divergence < 0.01 * entropy


def embeddings_of(layer: PhotoLatentLayer, count: int) -> Tensor:
    """Embeddings (count, D) that random features lead to, float64."""
    generator = torch.Generator().manual_seed(3)
    features = torch.rand(count, small_model.CONFIG.hidden, generator=generator).mul(64).round() / 16
    with torch.no_grad():
        return layer.embedding(features).double()


@pytest.mark.parametrize("symbols", [2, 48, 256])
def test_initialise_gives_the_frequencies_asked_for(symbols: int) -> None:
    generator = torch.Generator().manual_seed(symbols)
    values = torch.randn(symbols, 3, generator=generator) * torch.logspace(-1, 2, symbols)[:, None]
    frequencies = torch.softmax(torch.randn(symbols, generator=generator) * 2, dim=0)
    layer = PhotoLatentLayer(PhotoLayerPlan("8/test", 8, COEFFICIENTS, symbols), 16)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer.initialise(values, frequencies)
    assert layer.log_variance.min() >= math.log(0.5) - 1e-6
    got = torch.softmax(layer.scores(torch.zeros(1, 3 + CONTEXT)), dim=1)[0]
    torch.testing.assert_close(got, frequencies, rtol=2e-3, atol=1e-7)


def test_distortion_is_the_squared_error_up_to_a_constant_of_the_position() -> None:
    layer = layer_of(33)
    residual = embeddings(20)[:, :3]
    naive = 0.5 * (residual[:, None] - layer.reconstruction_values()).square().sum(2)
    common = 0.5 * residual.square().sum(1, keepdim=True)
    torch.testing.assert_close(layer.distortion(residual), naive - common, rtol=1e-9, atol=1e-9)


def test_the_rest_symbol_adds_nothing() -> None:
    layer = layer_of(9)
    assert layer.null_symbol() == 2
    assert layer.values[2].abs().min() > 0
    assert layer.reconstruction_values()[2].eq(0).all() and layer.means()[2, :3].eq(0).all()
    torch.testing.assert_close(layer.distortion(embeddings(4)[:, :3])[:, 2], torch.zeros(4, dtype=torch.float64))


def test_every_layer_has_a_rest_symbol_and_keeps_it_in_a_file() -> None:
    for index, layer in enumerate(small_model.trainable().chain.layers()):
        other = restored(layer, index) if index % 27 == 0 else layer
        assert other.null_symbol() == layer.null_symbol()
        assert other.reconstruction_values()[other.null_symbol()].eq(0).all()
        assert other.reconstruction_values().abs().sum() > 0


def test_embeddings_lie_on_their_grids() -> None:
    layer = small_model.trainable().chain.layers()[40]
    v = len(layer.coefficients)
    features = (
        torch.rand(200, small_model.CONFIG.hidden, generator=torch.Generator().manual_seed(0)).mul(255).round() / 16
    )
    with torch.no_grad():
        e = layer.embedding(features)
    assert e[:, :v].mul(8).frac().eq(0).all() and e[:, v:].mul(64).frac().eq(0).all()
    assert e[:, :v].abs().max() <= 255 and e[:, v:].abs().max() <= 15
    assert e.std(0).min() > 0
