"""The pass over lossless pixels in wavefronts: its order, what a pixel sees, and that it is the network that trains."""

import copy

import numpy as np
import pytest
import small_pixels
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvcodec.codec.entropy.ans import Tables
from dvcodec.codec.lossless import pixel_strips
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.integer.packing import BoundError
from dvcodec.models.interface import hierarchy as interface
from dvcodec.models.pixels import colour_tensors, distributions
from dvcodec.models.pixels.grids import MEAN_STEPS, TAILS, UNIT
from dvcodec.models.pixels.wavefront import export, feature_maps, features, skew
from dvcodec.models.pixels.wavefront.half_size import doubled, halved
from dvcodec.models.pixels.wavefront.skew import LAG, SkewedMaps, Tiling
from fake import photograph

SIZES = st.tuples(st.integers(1, 150), st.integers(1, 300))


class Watch:
    """Takes the pixels and remembers their contexts, step by step."""

    def __init__(self) -> None:
        self.contexts: list[NDArray[np.int32]] = []

    def next(self, step: interface.PixelStep) -> NDArray[np.int32]:
        """The residuals as they are."""
        self.contexts.append(step.contexts.copy())
        return step.residuals()


def contexts(array: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> list[NDArray[np.int32]]:
    """Contexts of a strip's pixels by wavefront and plane."""
    watch = Watch()
    small_pixels.pixel_model().autoregressive_pass(predicted, watch, transform=0, grey=array.ndim == 2, pixels=array)
    return watch.contexts


def by_pixel(found: list[NDArray[np.int32]], tiling: Tiling) -> NDArray[np.float32]:
    """Contexts of a whole tile's planes, (3, h, w)."""
    maps = SkewedMaps(tiling, 3, tiling.count, np.float32)
    for index, values in enumerate(found):
        front, plane = divmod(index, 3)
        maps.front(front)[0, plane] = values.reshape(tiling.count, -1)
    return tiling.strip(maps.straight())


@given(SIZES)
def test_tiles_and_fronts_hold_every_pixel_once(size: tuple[int, int]) -> None:
    tiling = Tiling(*size)
    assert tiling.height <= skew.HEIGHT and tiling.width <= skew.WIDTH
    marked = 1 + np.arange(size[0] * size[1], dtype=np.float32).reshape(1, *size)
    tiles = tiling.tiles(marked)
    assert (tiling.strip(tiles) == marked).all()
    maps, within = SkewedMaps.of(tiling, tiles), tiling.within()
    assert (maps.straight() == tiles).all()
    there = []
    for front in range(tiling.fronts):
        found = maps.front(front)[0, 0]
        assert found.shape == (tiling.count, tiling.length(front)) and found.all()
        there.append(found.ravel() if within is None else found[within.front(front)[0, 0]])
    assert sorted(np.concatenate(there).tolist()) == marked.ravel().tolist()


@pytest.mark.parametrize("width", [1, 2, 40, 300])
def test_memory_is_in_proportion_to_the_pixels_however_narrow_a_strip_is(width: int) -> None:
    tiling = Tiling(5000, width)
    maps = SkewedMaps(tiling, 3, tiling.count, np.float32, above=3, beside=2)
    assert maps.values.size < 3 * 5000 * (width + 4) * (skew.SPARSE + 0.2)


def test_what_is_seen_is_known() -> None:
    assert all((dy, dx) < (0, 0) and LAG * dy + dx < 0 for dy, dx in (*features.NEAR, *features.PAST))
    assert set(features.NEAR) == set(features.RECEPTIVE_FIELD.offsets()) and set(features.PAST) <= set(features.NEAR)


@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1))
def test_a_pixel_depends_on_those_before_it_alone(start: int) -> None:
    drawn = np.random.default_rng(start)
    height, width = 18, 24
    array, predicted = photograph(height, width, start % 7), photograph(height, width, 9)
    y, x, tiling = int(drawn.integers(height)), int(drawn.integers(width)), Tiling(height, width)
    changed = array.copy()
    changed[y, x] ^= np.uint8(85)
    one, other = (by_pixel(contexts(each, predicted), tiling) for each in (array, changed))
    rows, columns = np.arange(height)[:, None], np.arange(width)
    front = columns + LAG * rows
    before = (front < x + LAG * y) | ((front == x + LAG * y) & (rows != y))
    assert (one[:, before] == other[:, before]).all() and one[0, y, x] == other[0, y, x]


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (64, 60), (30, 256)], ids=str)
def test_the_pass_is_the_network_that_trains(size: tuple[int, int]) -> None:
    array, predicted = photograph(*size), photograph(*size, 3)
    tiling = Tiling(*size)
    both = torch.from_numpy(np.dstack([array, predicted]).astype(np.float32)).permute(2, 0, 1)[None]
    planes, shown = (colour_tensors.split(part, 0) for part in (both[:, :3], both[:, 3:]))
    coded_size = by_pixel(contexts(array, predicted), tiling)
    base = feature_maps.bases(planes.transpose(0, 1))
    with torch.inference_mode():
        shapes = [shape for _, shape in small_pixels.quantised()(planes, shown)]
    for shape, above, found in zip(shapes, base, coded_size, strict=True):
        steps = (shape.mean + above.flatten() * MEAN_STEPS).view(*size)
        fraction = steps - torch.floor(steps / MEAN_STEPS + 0.5) * MEAN_STEPS + MEAN_STEPS // 2
        expected = (shape.scale * TAILS + shape.tail).view(*size) * MEAN_STEPS + fraction
        assert np.array_equal(found, expected.numpy())


def test_tiles_do_not_see_each_other() -> None:
    array, predicted = photograph(skew.HEIGHT * 2, 40), photograph(skew.HEIGHT * 2, 40, 3)
    alone = contexts(array[skew.HEIGHT :], predicted[skew.HEIGHT :])
    together = contexts(array, predicted)
    half = [values.reshape(2, -1)[1] for values in together]
    same = [(one == other).mean() for one, other in zip(alone, half, strict=True)]
    assert np.mean(same) > 0.9  # the lossy image's borders alone differ


@example((skew.HEIGHT + 6, 9), False, 0)
@example((7, skew.WIDTH + 5), True, 0)
@settings(max_examples=4)
@given(st.tuples(st.integers(1, 40), st.integers(1, 90)), st.booleans(), st.integers(0, 2**32 - 1))
def test_strips_of_every_size_come_back(size: tuple[int, int], grey: bool, start: int) -> None:
    array = np.random.default_rng(start).integers(0, 256, (*size, 3), np.uint8)
    wanted = np.ascontiguousarray(array[:, :, 0]) if grey else array
    model, predicted = small_pixels.pixel_model(), photograph(*size, 2)
    strip = pixel_strips.encode(wanted, predicted, model, Tables(model.tables))
    assert (pixel_strips.decode(strip, predicted, model, Tables(model.tables), grey=grey) == wanted).all()


@given(st.integers(0, features.TABLE - 1))
def test_logarithms_are_near_the_true_ones(n: int) -> None:
    value = float(features.logarithms()[n])
    assert -0.09 * features.OCTAVE - 1 < value - features.OCTAVE * (np.log2(n + 1) - 4) < 0.01
    assert value == int(value) and (n == 0 or value >= float(features.logarithms()[n - 1]))


def test_no_sum_leaves_the_table_of_logarithms() -> None:
    largest = max(max(features.COUNTS) * 127, len(features.PAST) * 127 * UNIT / 4)
    assert largest < features.TABLE
    assert abs(float(features.logarithms().max())) <= features.LIMIT


@given(SIZES)
def test_half_size_and_back(size: tuple[int, int]) -> None:
    array = photograph(*size)
    small = halved(array)
    assert small.shape == (-(-size[0] // 2), -(-size[1] // 2), 3)
    assert doubled(small, *size).shape == array.shape
    assert (doubled(np.full_like(small, 77), *size) == 77).all()
    grey = doubled(small[:, :, 0], *size)
    assert (grey == doubled(small, *size)[:, :, 0]).all()


def test_a_quarter_lies_between() -> None:
    small = np.array([[0, 64], [128, 192]], np.uint8)
    assert doubled(small, 4, 4).tolist() == [
        [0, 16, 48, 64],
        [32, 48, 80, 96],
        [96, 112, 144, 160],
        [128, 144, 176, 192],
    ]
    assert halved(np.array([[1, 2, 9], [3, 5, 9]], np.uint8)).tolist() == [[3, 9]]


def test_weights_too_large_to_be_rounded_exactly_are_not_written() -> None:
    net = copy.deepcopy(small_pixels.trainable())
    head = net.get_submodule("heads.1.out")
    assert isinstance(head, QuantLinear)
    head.weight.data[0, 0] = 8.0
    with pytest.raises(BoundError, match="too large"):
        export.write(net, distributions.tables(), "large")
