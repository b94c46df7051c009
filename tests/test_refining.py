"""Encoding in two walks: the second one aims at what the rendering of the first has left."""

import math

import numpy as np
import pytest
import small_model
import torch
from numpy.typing import NDArray

from dvcodec import weights
from dvcodec.codec import engine
from dvcodec.codec.encoder import psnr_of
from dvcodec.codec.lossy import decode, encode, render
from dvcodec.models.bands import correction_bands, infer_bands
from dvcodec.models.hierarchy import PhotoHierarchy
from dvcodec.models.photo import PhotoRRVQ
from fake import FakeHierarchy

Q40 = 40 * 256


class Adding(FakeHierarchy):
    """A fake whose rendering adds 9 to every sample: refined evidence is the picture less 9."""

    walks = 0

    def walk(self, height: int, width: int, *arguments: object, **options: object) -> object:
        """Count it."""
        self.walks += 1
        return super().walk(height, width, *arguments, **options)  # type: ignore[arg-type]

    def refine(self, pixels: NDArray[np.uint8], state: object) -> object:
        """What is left for the symbols."""
        return pixels.astype(np.float64) - 9

    def render(self, state: object) -> NDArray[np.uint8]:
        """The canvas and 9."""
        raised: NDArray[np.uint8] = np.clip(super().render(state).astype(int) + 9, 0, 255).astype(np.uint8)
        return raised


def test_the_symbols_of_the_second_walk_are_those_that_are_coded() -> None:
    pixels, hierarchy = small_model.photograph(48, 56).clip(9, 255), Adding()
    encoded = encode(pixels, hierarchy, Q40)
    assert hierarchy.walks == 2
    assert encoded.chunks == encode(pixels - 9, FakeHierarchy(), Q40).chunks
    assert psnr_of(pixels, hierarchy.render(encoded.state)) > psnr_of(pixels, FakeHierarchy().render(encoded.state))
    state = decode(encoded.chunks, hierarchy, 48, 56, Q40, grey=False)
    assert np.array_equal(hierarchy.render(state), hierarchy.render(encoded.state))


def test_an_exact_walk_is_not_refined() -> None:
    hierarchy = Adding()
    encode(small_model.photograph(24, 24), hierarchy, Q40, exact=True)
    assert hierarchy.walks == 1


@pytest.fixture(scope="module")
def shipped() -> PhotoHierarchy:
    """The hierarchy of the default weights."""
    hierarchy = engine.hierarchy(weights.default(), "cpu")
    assert isinstance(hierarchy, PhotoHierarchy)
    return hierarchy


def test_rendering_is_the_canvas_and_the_correction_in_bands_too(shipped: PhotoHierarchy) -> None:
    pixels = small_model.photograph(150, 40)
    network = shipped.network
    assert isinstance(network, PhotoRRVQ)
    state = encode(pixels, shipped, Q40).state
    with torch.inference_mode():
        one, many = (correction_bands(network, state, rows).astype(np.float32) for rows in (1000, 64))  # type: ignore[arg-type]
        assert np.abs(one - many).max() < 0.05 and np.abs(one).max() > 1
        taken = infer_bands(network, pixels, shipped.codes(Q40), less=one.astype(np.float16))
        assert all(torch.allclose(taken[s], t, atol=1e-2) for s, t in shipped.refine(pixels, state).items())
        plain = network.render(state)[0].permute(1, 2, 0).numpy() - one  # type: ignore[arg-type]
        kept, network._added = network._added, lambda x, painted: torch.zeros_like(x)  # type: ignore[method-assign]
        try:
            assert np.abs(network.render(state)[0].permute(1, 2, 0).numpy() - plain).max() < 0.1  # type: ignore[arg-type]
        finally:
            network._added = kept  # type: ignore[method-assign]


@pytest.mark.parametrize("grey", [False, True])
def test_two_walks_cost_less_than_one(shipped: PhotoHierarchy, monkeypatch: pytest.MonkeyPatch, grey: bool) -> None:
    """In bits and distortion, weighed as the quality weighs them."""
    pixels = small_model.photograph(192, 192)
    pixels = pixels[:, :, 1] if grey else pixels

    def cost() -> float:
        encoded = encode(pixels, shipped, Q40)
        error = (pixels.astype(float) - render(encoded.state, shipped, grey=grey)) ** 2
        sigma = float(shipped.network.sigma(shipped.codes(Q40)))
        return sum(encoded.layer_bits) * math.log(2) + float(error.sum()) * (3 if grey else 1) / (2 * sigma**2)

    twice = cost()
    monkeypatch.setattr("dvcodec.codec.lossy.isinstance", lambda *_: False, raising=False)
    assert twice < cost()
