"""Photographs are rendered in bands and tiles: pixels are those of one piece, and memory is bounded."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_model
from numpy.typing import NDArray
from test_photo_runtime import both
from test_photo_views import drawn_state

from dvcodec.models.configs import Transform
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.photo.file import write
from dvcodec.models.photo.runtime import networks, rendering
from dvcodec.models.photo.runtime.row_buffer import Maps, RowBuffer
from dvcodec.models.runtime import kernels

LIMITS = {"BAND_BLOCKS": 1024, "TILE_BLOCKS": 256, "TILE_ROWS": 8}


@pytest.fixture
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bands and tiles be small, so that small pictures have several."""
    monkeypatch.setattr(kernels, "threads", lambda: 1)
    for name, value in LIMITS.items():
        monkeypatch.setattr(rendering, name, value)


@pytest.mark.parametrize("transform", ["cosine", "lapped"])
def test_bands_and_tiles_show_what_one_piece_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transform: Transform
) -> None:
    model = small_model.built(replace(small_model.CONFIG, transform=transform))
    runtime, _ = both(tmp_path, write(model, small_model.QUALITIES, "small"))
    state, steps = drawn_state((300, 390)), np.random.default_rng(0).integers(-2, 3, (2, 2, 3, 62)).astype(np.int32)
    whole, half = runtime.render(state, ImageFilter(256, 8, steps)), runtime.render_reduced(state, 2)
    monkeypatch.setattr(kernels, "threads", lambda: 1)
    monkeypatch.setattr(networks, "STRIP_ROWS", 5)
    for name, value in LIMITS.items():
        monkeypatch.setattr(rendering, name, value)
    assert len(list(runtime._renderer.synthesised(state))) > 1
    assert np.array_equal(runtime.render(state, ImageFilter(256, 8, steps)), whole)
    assert np.array_equal(runtime.render_reduced(state, 2), half)


@pytest.mark.usefixtures("small_bands")
def test_memory_grows_with_the_pixels_that_are_returned_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, _ = both(tmp_path, small_model.weights_bytes())
    plain, largest = kernels.Network._run, [0]

    def watched(self: kernels.Network, inputs: dict[str, NDArray[Any]], options: Any) -> list[NDArray[np.float32]]:
        largest[-1] = max(largest[-1], *(value.nbytes for value in inputs.values()))
        return plain(self, inputs, options)

    monkeypatch.setattr(kernels.Network, "_run", watched)
    peaks = []
    for height in (768, 1280):
        state = drawn_state((height, 256))
        largest.append(0)
        tracemalloc.start()
        pixels = runtime.render(state)
        peaks.append(tracemalloc.get_traced_memory()[1] - pixels.nbytes)
        tracemalloc.stop()
    assert largest[1] == largest[2] <= 4 * 192 * (1024 + 2 * 8 * 32)
    assert peaks[1] < 1.1 * peaks[0]


def test_a_buffer_gives_rows_in_order_and_forgets_those_before() -> None:
    whole = np.arange(40, dtype=np.float32).reshape(1, 20, 2)
    taken: list[int] = []

    def made() -> Any:
        for first in range(0, 20, 6):
            taken.append(first)
            yield whole[:, first : first + 6], whole.repeat(2, axis=1)[:, 2 * first : 2 * first + 12]

    buffer = RowBuffer(made(), (1, 2))
    for rows, bands in ((slice(0, 3), 1), (slice(2, 9), 2), (slice(8, 11), 2), (slice(9, 20), 4)):
        one, two = buffer.take(rows)
        assert np.array_equal(one, whole[:, rows])
        assert np.array_equal(two, whole.repeat(2, axis=1)[:, 2 * rows.start : 2 * rows.stop])
        assert len(taken) == bands
    maps: Maps = buffer._maps
    assert maps[0].shape[1] <= 18
