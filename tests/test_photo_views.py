"""Smaller pictures and regions by the photograph model: those of the network of torch, those of the whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_model
from numpy.typing import NDArray
from test_photo_runtime import QUALITY, Recorder, both

from dvcodec.models.configs import Transform
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.photo.file import write
from dvcodec.models.photo.layout import COEFFICIENTS
from dvcodec.models.photo.reduction import reduced_layers
from dvcodec.models.photo.runtime import model as runtime_model
from dvcodec.models.photo.runtime.networks import BlockNetwork
from dvcodec.models.photo.runtime.windows import PassResult, grid_sizes
from dvcodec.models.runtime import kernels, sizes


def test_small_pictures_are_those_of_the_network(tmp_path: Path) -> None:
    runtime, network = both(tmp_path, small_model.weights_bytes())
    pixels = small_model.photograph(70, 91)
    for denominator in (2, 4, 8):
        stop = runtime.reduced_layers(denominator)
        settings = PassSettings(70, 91, QUALITY, stop=stop, partial=True)
        mine = Recorder()
        state = runtime.top_down_pass(settings, mine, runtime.infer(pixels, QUALITY))
        other = network.top_down_pass(settings, Recorder(mine.joined()[0]))
        small = runtime.render_reduced(state, denominator)
        assert small.shape == (-(-70 // denominator), -(-91 // denominator), 3) and np.ptp(small) > 50
        assert np.abs(small.astype(int) - network.render_reduced(other, denominator)).max() <= 1
        assert max(mine.symbols) == stop - 1 and network.reduced_layers(denominator) == stop
    assert [reduced_layers("photo-96", denominator) for denominator in (2, 4, 8)] == [73, 42, 33]


def test_half_the_size_is_shown_of_coarse_layers_alone(tmp_path: Path) -> None:
    runtime, network = both(tmp_path, small_model.weights_bytes())
    pixels, mine = small_model.photograph(70, 91), Recorder()
    settings = PassSettings(70, 91, QUALITY, stop=20, partial=True)
    state = runtime.top_down_pass(settings, mine, runtime.infer(pixels, QUALITY))
    other = network.top_down_pass(settings, Recorder(mine.joined()[0]))
    small = runtime.render_reduced(state, 2)
    assert np.abs(small.astype(int) - network.render_reduced(other, 2)).max() <= 1 and np.ptp(small) > 50


@pytest.mark.parametrize("transform", ["cosine", "lapped"])
def test_regions_are_those_of_the_whole_and_cost_only_their_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transform: Transform
) -> None:
    model = small_model.built(replace(small_model.CONFIG, transform=transform))
    runtime, _ = both(tmp_path, write(model, small_model.QUALITIES, "small"))
    monkeypatch.setattr(kernels, "threads", lambda: 1)
    monkeypatch.setattr(sizes, "LEAST_POSITIONS", 128)
    state = drawn_state((500, 470))
    outputs, terms = runtime.filter_shape
    steps = np.random.default_rng(0).integers(-2, 3, (2, 2, outputs, terms)).astype(np.int32)
    seen: list[tuple[int, ...]] = []
    plain = BlockNetwork.__call__

    def counted(self: BlockNetwork, x: NDArray[np.float32], *others: Any) -> NDArray[np.float32]:
        seen.append(x.shape[1:])
        return plain(self, x, *others)

    monkeypatch.setattr(BlockNetwork, "__call__", counted)
    whole = runtime.render(state, ImageFilter(256, 8, steps))
    assert seen == [(504, 472)]
    halo = 128  # 48 pixels of the synthesis, 24 of the post-filter and 8 of the adaptive filter, in steps of 64
    for rows, columns in (
        (slice(0, 9), slice(3, 30)),
        (slice(250, 270), slice(200, 300)),
        (slice(499, 500), slice(460, 470)),
    ):
        seen.clear()
        part = runtime.render(state, ImageFilter(256, 8, steps), (rows, columns))
        assert np.array_equal(part, whole[rows, columns]) and len(seen) == 1
        for side, wanted in zip(seen[0], (rows, columns), strict=True):
            assert side <= wanted.stop - wanted.start + 2 * halo + 2 * 63


def drawn_state(size: tuple[int, int]) -> PassResult:
    """What a pass might have built."""
    drawn, sizes = np.random.default_rng(0), grid_sizes(size)
    planes = {
        s: drawn.normal(0, small_model.SPREAD[s] / 9, (COEFFICIENTS[s], rows * columns)).astype(np.float32)
        for s, (rows, columns) in sizes.items()
    }
    return PassResult(drawn.normal(size=(1, 16, *sizes[8])).astype(np.float32), planes, size, 2000)


def test_where_sizes_matter_regions_are_cut_from_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, _ = both(tmp_path, small_model.weights_bytes())
    monkeypatch.setattr(runtime_model, "sizes_are_immaterial", lambda: False)
    state, region = drawn_state((72, 80)), (slice(3, 20), slice(30, 50))
    assert np.array_equal(runtime.render(state, None, region), runtime.render(state)[region])


def test_the_test_of_sizes_notices_sums_that_depend_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sizes.sizes_are_immaterial()
    plain = kernels.Network.__call__

    def rounded_by_size(self: kernels.Network, **inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        return [out * np.float32(1 + inputs["x"].shape[3] * 2.0**-23) for out in plain(self, **inputs)]

    monkeypatch.setattr(kernels.Network, "__call__", rounded_by_size)
    monkeypatch.setattr(sizes, "LEAST_POSITIONS", sizes.LEAST_POSITIONS + 1)
    assert not sizes.sizes_are_immaterial()
