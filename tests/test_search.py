"""The search for a target: few encodes, tight, the least effort first; the peak above which nothing is coded."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvcodec.codec import decoder
from dvcodec.codec.bitstream.header import QUALITY_RANGE
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossy import encoder, search, symbol_chunks
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import TargetUnreachable
from dvcodec.image_io import images
from dvcodec.image_io.images import Picture
from fake import FakeHierarchy, photograph

WEIGHTS = b"12345678"


def decompress(data: bytes) -> Picture:
    """Decompress with the fake hierarchy."""
    return decoder.decompress(data, Loaders(hierarchy=lambda prefix: FakeHierarchy())).picture


@pytest.mark.parametrize("share", [0.1, 0.3, 0.9])
def test_targets_in_the_outer_qualities_are_met_tightly_too(share: float) -> None:
    def measure(quality: int) -> tuple[float, int]:
        return 100 * 1.0002**quality, quality

    target = measure(round(256 + share * (25600 - 256)))[0]
    below, above = search.crossing(measure, target, close=0.0, above=False)
    assert below is not None and above is not None and below < above <= below + 2 * search.STEP


@given(
    share=st.floats(-0.1, 1.1),
    start=st.builds(search.Start, st.integers(*QUALITY_RANGE), st.floats(1e-9, 1e9)),
    above=st.booleans(),
    close=st.sampled_from([0.0, 0.01]),
)
def test_a_search_may_begin_anywhere_with_any_rise(
    share: float, start: search.Start, above: bool, close: float
) -> None:
    low, high = QUALITY_RANGE
    measured: list[int] = []

    def measure(quality: int) -> tuple[float, int]:
        measured.append(quality)
        return math.log(quality), quality

    target = math.log(low) + share * math.log(high / low)
    below, beyond = search.crossing(measure, target, close=close, above=above, start=start)
    assert len(measured) <= 60 and all(low <= quality <= high for quality in measured)
    assert (below is None or math.log(below) <= target) and (beyond is None or math.log(beyond) >= target)
    met = beyond if above else below
    if met is None or abs(math.log(met) - target) > close:  # as near as it gets
        assert (below, beyond) in ((None, low), (high, None)) or (below and beyond and beyond - below <= search.STEP)


@pytest.mark.parametrize("start", [search.Start(260, 1.0), search.Start(300, 1.5), None])
def test_the_ends_of_the_range_are_tried(start: search.Start | None) -> None:
    low, high = QUALITY_RANGE
    mirrored = start and search.Start(low + high - start.quality, start.rise)
    assert search.crossing(lambda q: (q, q), low + 2, close=0.0, above=False, start=start)[0] in (low, low + 1, low + 2)
    assert search.crossing(lambda q: (q, q), high - 2, close=0.0, above=True, start=mirrored)[1] in range(
        high - 2, high + 1
    )


@pytest.mark.parametrize("leap", [2_000, 8_000, 20_000])
@pytest.mark.parametrize("beyond", [50.0, math.inf])
def test_leaps_are_found_in_few_measures(leap: int, beyond: float) -> None:
    measured: list[int] = []

    def measure(quality: int) -> tuple[float, int]:
        measured.append(quality)
        return 30 + quality / 1_000 if quality < leap else 60 + beyond, quality

    below, above = search.crossing(measure, 60.0, close=0.02, above=True)
    assert below is not None and above is not None and below < leap <= above <= below + search.STEP
    assert len(measured) <= 22


@given(share=st.floats(-0.5, 1.5), offset=st.floats(-0.1, 0.1), above=st.booleans())
def test_a_rough_value_tells_where_to_begin(share: float, offset: float, above: bool) -> None:
    """Three passes take other bytes than one at the same quality, by a share that hardly changes."""
    low, high = QUALITY_RANGE
    measured: list[int] = []

    def rough(quality: int) -> float:
        return 6.8 + 1e-4 * quality

    def measure(quality: int) -> tuple[float, int]:
        measured.append(quality)
        return rough(quality) + offset, quality

    target = rough(low) + share * (rough(high) - rough(low))
    start = search.start_of(rough, target, close=0.005)
    below, beyond = search.crossing(measure, target, close=0.005, above=above, start=start)
    met = beyond if above else below
    if met is None or abs(rough(met) + offset - target) > 0.005:
        assert (below, beyond) in ((None, low), (high, None))
    assert len(measured) <= 5


@pytest.mark.parametrize(
    "goal", [CompressSettings(target_size=2_000), CompressSettings(target_bpp=0.5), CompressSettings(target_psnr=31.0)]
)
def test_targets_are_looked_for_with_the_least_effort_first(
    goal: CompressSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    efforts: list[int] = []
    plain = symbol_chunks.encode

    def encode(*arguments: Any, passes: int, **settings: Any) -> symbol_chunks.Encoded:
        efforts.append(passes)
        return plain(*arguments, passes=passes, **settings)

    monkeypatch.setattr(symbol_chunks, "encode", encode)
    picture = images.from_array(photograph(160, 160))
    made = encoder.compress(picture, FakeHierarchy(), WEIGHTS, goal)
    assert efforts == sorted(efforts) and efforts[0] == 1 and efforts.count(4) <= 3
    plainly = encoder.compress(picture, FakeHierarchy(), WEIGHTS, CompressSettings(quality=made.quality / 256))
    assert made.data == plainly.data


@pytest.mark.parametrize(
    "goal",
    [
        CompressSettings(target_size=700),
        CompressSettings(target_bpp=0.25),
        CompressSettings(target_psnr=31.5),
        CompressSettings(target_size=10**9),
        CompressSettings(target_psnr=1.0),
    ],
)
def test_targets_are_met_tightly_in_few_encodes(goal: CompressSettings) -> None:
    picture = images.from_array(photograph(160, 160))
    counted = _Counting()
    made = encoder.compress(picture, counted, WEIGHTS, goal)
    assert counted.encodes <= 14
    again = decompress(made.data).pixels
    if goal.target_psnr is not None:
        assert (
            made.psnr is not None
            and made.psnr == pytest.approx(encoder.psnr_of(picture.pixels, again))
            and made.psnr >= goal.target_psnr
        )
        if made.quality > 256:
            lower = encoder.compress(
                picture, FakeHierarchy(), WEIGHTS, CompressSettings(quality=made.quality / 256 - 0.2)
            )
            assert encoder.psnr_of(picture.pixels, decompress(lower.data).pixels) < goal.target_psnr + 0.01
    else:
        limit = goal.target_size if goal.target_size is not None else (goal.target_bpp or 0) * 160 * 160 / 8
        assert len(made.data) <= limit
        assert made.quality == 25600 or len(made.data) > 0.97 * limit


class _Counting(FakeHierarchy):
    """Counts how often it is asked to infer."""

    encodes = 0

    def infer(self, pixels: NDArray[np.uint8], quality: int) -> object:
        self.encodes += 1
        return super().infer(pixels, quality)


@pytest.mark.parametrize(
    ("goal", "hint"),
    [(CompressSettings(target_size=60), "quality 1 takes"), (CompressSettings(target_psnr=70), "quality 100 gives")],
)
def test_a_target_out_of_reach_is_an_error(goal: CompressSettings, hint: str) -> None:
    with pytest.raises(TargetUnreachable, match=hint):
        encoder.compress(images.from_array(photograph(100, 100)), FakeHierarchy(), WEIGHTS, goal)


@given(st.integers(-5, 40), st.integers(1, 60))
def test_the_peak_is_found(top: int, high: int) -> None:
    seen: list[int] = []

    def value(point: int) -> float:
        seen.append(point)
        return -abs(point - top)

    assert search.peak(value, 1, high) == min(max(top, 1), high)
    assert len(seen) <= 14
