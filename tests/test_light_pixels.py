"""Pixels of the light model: the adaptive filter in integers, smaller pictures, and constants."""

import numpy as np
import pytest
import small_model
from numpy.typing import NDArray
from small_light import QUALITIES, random_network
from test_light_runtime import QUALITY, encoded

from dvcodec.codec.lossy import symbol_chunks
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.light import file
from dvcodec.models.light.runtime import integer_filter
from dvcodec.models.light.runtime.integer_constants import fixed_sigma, integer_basis, integer_borders
from dvcodec.models.light.runtime.model import RuntimeLightModel
from dvcodec.models.photo.runtime import filter_terms
from dvcodec.models.photo.runtime.transform import inverse_border_matrix


@pytest.fixture(scope="module")
def runtime() -> RuntimeLightModel:
    """A small model as it codes."""
    return file.runtime(random_network(), QUALITIES)


def coloured(height: int, width: int) -> NDArray[np.uint8]:
    """A picture whose colours follow its luminance, in two ways."""
    grey = small_model.photograph(height, width)[:, :, 0].astype(np.float64)
    ways = np.where(np.arange(width) < width // 2, 0.6, 0.1)
    planes = [grey, grey * 0.5 + 60 * ways, 255 - grey * ways]
    found: NDArray[np.uint8] = np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)
    return found


def test_the_filter_mends_colours_and_regions_have_its_pixels(runtime: RuntimeLightModel) -> None:
    pixels = coloured(300, 280)
    found = encoded(runtime, pixels)
    assert found.image_filter is not None and encoded(runtime, pixels, perceptual=True).image_filter is None
    plain, shown = runtime.render(found.state), runtime.render(found.state, found.image_filter)

    def error(seen: NDArray[np.uint8]) -> float:
        return float(np.square(seen.astype(np.float64) - pixels).mean())

    assert error(shown) < 0.95 * error(plain)
    for region in ((slice(5, 290), slice(0, 280)), (slice(250, 300), slice(101, 263)), (slice(0, 1), slice(279, 280))):
        assert np.array_equal(runtime.render(found.state, found.image_filter, region), shown[region])


def test_a_filter_of_zeros_changes_little_but_rounding(runtime: RuntimeLightModel) -> None:
    state = encoded(runtime, small_model.photograph(90, 100)).state
    nothing = ImageFilter(256, 4, np.zeros((1, 1, *runtime.filter_shape), np.int32))
    off = runtime.render(state, nothing).astype(int) - runtime.render(state)
    assert np.abs(off).max() <= 1 and (off != 0).mean() < 0.05


def test_terms_are_near_those_in_floats() -> None:
    """The integers are those of the filter of the other model, rounded."""
    rng = np.random.default_rng(2)
    levels = np.clip(np.cumsum(rng.normal(0, 250, (3, 40, 50)), axis=2), -2000, 2000).round().astype(np.int32)
    wanted = filter_terms.terms((levels / 16).astype(np.float32))
    found = integer_filter.terms(levels) / 16
    assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max() and found.shape == wanted.shape
    assert [np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.95 for a, b in zip(found, wanted, strict=True)] == [True] * 62


@pytest.mark.parametrize("denominator", [2, 4, 8])
def test_smaller_pictures_need_the_coarse_layers_alone(runtime: RuntimeLightModel, denominator: int) -> None:
    pixels = small_model.photograph(150, 84)
    found = encoded(runtime, pixels)
    needed = runtime.reduced_layers(denominator)
    settings = PassSettings(150, 84, QUALITY, stop=needed, partial=denominator > 2)
    part = symbol_chunks.decode(found.chunks, runtime, settings)
    small = runtime.render_reduced(part, denominator)
    rows, columns = -(-150 // denominator), -(-84 // denominator)
    assert (small.shape == (rows, columns, 3) and needed < len(runtime.layers)) or denominator == 2
    full = runtime.render_reduced(found.state, denominator)
    assert np.abs(small.astype(float) - full).mean() < 8


def test_the_integer_tables_are_what_they_were() -> None:
    """Their making uses floats or decimals once; these figures pin the result, and no entry stands near a half."""
    basis, borders = integer_basis(), integer_borders()
    assert (int(np.abs(basis).sum()), int((basis * np.arange(192)).sum())) == BASIS_FIGURES
    assert borders.astype(int).tolist() == BORDERS
    exact = inverse_border_matrix() * 4096
    assert np.abs((exact - np.floor(exact)) - 0.5).min() > 1e-6
    sigmas = small_model.CONFIG.sigmas
    assert [fixed_sigma(*sigmas, code) for code in (0, 1000, 4096)] == [11264, 6029, 870]


BASIS_FIGURES = (10196056, 607592)
BORDERS = [
    [3708, 163, 14, 43, -43, -14, -163, 388],
    [-611, 3534, 516, 101, -101, -516, 562, 611],
    [-85, -946, 3242, 800, -800, 854, 946, 85],
    [-117, 184, -1179, 3490, 606, 1179, -184, 117],
    [117, -184, 1179, 606, 3490, -1179, 184, -117],
    [85, 946, 854, -800, 800, 3242, -946, -85],
    [611, 562, -516, -101, 101, 516, 3534, -611],
    [388, -163, -14, -43, 43, 14, 163, 3708],
]
