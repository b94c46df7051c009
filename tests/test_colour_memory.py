"""The colour memory of lossless pixels: planes coded by the values and colours that occurred."""

import numpy as np
import pytest
import reference_pixels
import small_pixels
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_pixels import coded, decoded, same
from test_lossless_model import forged
from test_reference_pixels import predicted, weights

from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.lossless import colour_coding, pixel_strips
from dvcodec.errors import DvcodecError, FormatError
from dvcodec.models.pixels.memory import value_counts
from dvcodec.models.pixels.memory.colour_slots import NONE, SLOTS, ColourSlots
from dvcodec.models.pixels.memory.value_counts import Unseen, ValueCounts
from fake import photograph

RNG = np.random.default_rng(7)
TABLES = small_pixels.pixel_model().tables


def few_colours(height: int, width: int) -> NDArray[np.uint8]:
    """Pixels of a dozen colours."""
    palette = RNG.integers(100, 130, (12, 3), np.uint8)
    return palette[RNG.integers(0, 12, (height, width))]


def memories(data: bytes) -> int:
    """Which planes of the first strip have a memory, as bits."""
    return data[parse(data).pixels[0].offset] >> 4


def comes_back(data: bytes, array: NDArray[np.uint8]) -> bool:
    """Whether both decoders give an array back."""
    second = reference_pixels.decode(data, *weights(), predicted(data))
    return same(decoded(data).picture, array) and np.array_equal(second, array)


def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every plane have a memory, whether it pays or not."""
    monkeypatch.setattr(colour_coding, "_WORTH", 99.0)
    monkeypatch.setattr(pixel_strips, "_GAPS", 2.0)


def test_few_colours_have_a_memory_and_are_much_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    array = few_colours(24, 40)
    data = coded(array)
    assert memories(data) & 4 and comes_back(data, array)
    monkeypatch.setattr(colour_coding, "_WORTH", 0.0)
    plain = coded(array)
    assert memories(plain) == 0 and comes_back(plain, array)
    sizes = [len(parse(one).pixels[0].payload or b"") for one in (data, plain)]
    assert sizes[0] < 0.8 * sizes[1]


def test_grey_levels_with_gaps_have_a_memory() -> None:
    array = (RNG.integers(0, 6, (30, 40)) * 8 + 90).astype(np.uint8)
    data = coded(array)
    assert memories(data) == 1 and comes_back(data, array)


@pytest.mark.parametrize("levels", [2, 40, 256])
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (19, 23)], ids=str)
def test_every_plane_comes_back_with_a_memory(
    size: tuple[int, int], levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    always(monkeypatch)
    array = RNG.integers(0, levels, (*size, 3)).astype(np.uint8) * np.uint8(255 // (levels - 1))
    data, grey = coded(array), np.ascontiguousarray(array[:, :, 0])
    assert memories(data) == 7 and comes_back(data, array)
    assert memories(coded(grey)) == 1 and comes_back(coded(grey), grey)


def test_a_photograph_comes_back_with_a_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch)
    array = photograph(9, 257)
    assert comes_back(coded(array), array)


# Hostile strips.


def test_memories_of_planes_that_are_not_there_are_refused() -> None:
    data = coded(np.ascontiguousarray(photograph(16, 24)[:, :, 0]))
    strip = parse(data).pixels[0].payload or b""
    for memory in (2, 4, 8):
        with pytest.raises(FormatError, match="a memory of a plane"):
            decoded(forged(data, (bytes([16 * memory]) + strip[1:],)))
    data = coded(photograph(16, 24))
    with pytest.raises(FormatError, match="a memory of a plane"):
        decoded(forged(data, (bytes([128]) + strip[1:],)))


@settings(max_examples=12)
@given(st.binary(min_size=1, max_size=900), st.integers(0, 7), st.integers(0, 8))
def test_random_strips_raise_only_our_errors(payload: bytes, planes: int, transform: int) -> None:
    data = forged(coded(photograph(16, 24)), (bytes([16 * planes + transform]) + payload,))
    with pytest.raises(DvcodecError):
        decoded(data)


def test_other_memories_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch)
    data = coded(few_colours(20, 24))
    strip = parse(data).pixels[0].payload or b""
    for bit in (16, 32, 64):
        with pytest.raises(FormatError):
            decoded(forged(data, (bytes([strip[0] ^ bit]) + strip[1:],)))


def test_values_that_no_image_has_are_noted_without_an_error() -> None:
    contexts, far = np.zeros(4, np.int32), np.array([-588, 588, -300, 300], np.int32)
    for key in (0, 255):
        values = ValueCounts(TABLES, 256)
        for middle in (-255, 255):
            values.weights(contexts, np.full(4, middle, np.int32), np.full(4, key, np.int32))
            values.note(far)
    colours = ColourSlots(TABLES)
    for _ in range(3):
        asked, _ = colours.weights(contexts, np.full(4, 255, np.int32), np.full(4, 2**16 - 1, np.int32))
        colours.note(np.full(len(asked), NONE, np.int32), far)


# The parts.


@pytest.mark.parametrize("times", [1, 300])
def test_weights_keep_the_contract_of_the_coder(times: int) -> None:
    contexts = np.arange(0, 1640, 9, dtype=np.int32)
    middles, keys = np.full(len(contexts), 3, np.int32), np.full(len(contexts), 77, np.int32)
    values, colours = ValueCounts(TABLES, 256), ColourSlots(TABLES)
    for i in range(times):
        residuals = np.full(len(contexts), i % 12 - 6, np.int32)
        rows = values.weights(contexts, middles, keys)
        asked, slots = colours.weights(contexts, middles, keys)
        for table in (rows, slots):
            assert (table >= 0).all() and (table == np.floor(table)).all() and not table[:, [0, -1]].any()
            assert (table.sum(axis=1, dtype=np.float64) == 2**24 - table.shape[1]).all()
        symbols = colours.symbols(residuals)
        right = symbols != NONE
        assert (colours.residuals(symbols)[right] == residuals[asked][right]).all()
        values.note(residuals)
        colours.note(symbols, residuals)
    assert len(asked) == len(contexts) or times == 1


def test_the_ninth_colour_takes_the_place_of_the_first() -> None:
    colours, one = ColourSlots(TABLES), np.zeros(1, np.int32)
    for value in range(SLOTS + 1):
        asked, _ = colours.weights(one, one, one)
        symbols = colours.symbols(one + value)
        assert (symbols == NONE).all() and len(asked) == (value > 0)
        colours.note(symbols, one + value)
    found = []
    for value in (1, SLOTS, 0):
        colours.weights(one, one, one)
        found.append(int(colours.symbols(one + value)[0]))
    assert found == [1, 0, NONE]


def test_the_weight_of_unseen_values_follows_how_often_they_come() -> None:
    unseen = Unseen()
    first = unseen.weight
    unseen.note(value_counts._ENOUGH, 0)
    assert unseen.weight > first == 181
    for _ in range(60):
        unseen.note(0, value_counts._ENOUGH)
    assert unseen.weight == 1
    for _ in range(60):
        unseen.note(value_counts._ENOUGH, 0)
    assert unseen.weight == 1024
