"""The entropy coder: round trip, exhaustion, cost, golden words, and agreement with a hand-written rANS."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference_decoder import Rans

from dvcodec.codec.entropy import ans, chunks
from dvcodec.errors import DvcodecError, FormatError


def tables(rng: np.random.Generator, count: int, symbols: int, sharpness: float) -> NDArray[np.float32]:
    """Return integer weights that keep the contract, from nearly flat to nearly certain."""
    raw = rng.random((count, symbols)) ** sharpness + 1e-12
    total = 2**24 - (symbols + 2)
    weights = np.floor(raw / raw.sum(axis=1, keepdims=True) * total)
    weights[np.arange(count), weights.argmax(axis=1)] += total - weights.sum(axis=1)
    whole: NDArray[np.float32] = weights.astype(np.float32)
    return whole


def draw(rng: np.random.Generator, weights: NDArray[np.float32]) -> NDArray[np.int32]:
    """Draw symbols from their own distribution."""
    bounds = np.cumsum(weights.astype(np.float64) + 1, axis=1)
    below = bounds < rng.random((len(weights), 1)) * bounds[:, -1:]
    return np.asarray(below.sum(axis=1), np.int32)


def encode(weights: NDArray[np.float32], symbols: NDArray[np.int32]) -> tuple[bytes, float]:
    """Return the bytes of a chunk and the ideal cost in bits."""
    left, frequencies = ans.intervals(weights, symbols)
    return chunks.encode_chunk(left, frequencies, chunks.check_of(symbols) & 0xFFFF), ans.bits(frequencies)


@settings(max_examples=60)
@given(st.integers(0, 400), st.integers(2, 300), st.floats(0, 60), st.booleans(), st.integers(0, 2**32))
def test_symbols_come_back_and_nothing_is_left(
    count: int, symbols: int, sharpness: float, likely: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = tables(rng, count, symbols, sharpness)
    chosen = draw(rng, weights) if likely else rng.integers(0, symbols, count).astype(np.int32)
    payload, cost = encode(weights, chosen)
    decoder = chunks.ChunkDecoder(payload)
    middle = count // 3  # blocks need not be those of the encoder
    decoded = np.concatenate([decoder.decode(weights[:middle]), decoder.decode(weights[middle:])])
    decoder.finish()
    assert decoded.dtype == np.int32 and (decoded == chosen).all()
    assert 8 * len(payload) <= cost + 40


def test_the_cost_is_that_of_the_model() -> None:
    rng = np.random.default_rng(0)
    weights = tables(rng, 200_000, 16, 6.0)
    payload, cost = encode(weights, draw(rng, weights))
    assert cost - 8 < 8 * len(payload) < cost * 1.0005 + 40


@pytest.mark.parametrize("count", [1, 2, 7, 500])
def test_a_hand_written_coder_agrees(count: int) -> None:
    rng = np.random.default_rng(count)
    weights = tables(rng, count, 11, 3.0)
    symbols = draw(rng, weights)
    rans = Rans(encode(weights, symbols)[0])
    assert [rans.symbol([int(w) for w in row]) for row in weights] == symbols.tolist()
    assert not rans.words and rans.state == chunks.check_of(symbols) & 0xFFFF


def test_golden_words() -> None:
    """Fixed tables and symbols give these bytes for ever: they are the format."""
    total = 2**24 - 6
    weights = np.array([[0, total, 0, 0], [1, 2, 3, total - 6], [total // 2, total // 2, 0, 0]], np.float32)
    weights = np.tile(weights, (3, 1))
    symbols = np.array([1, 3, 0, 0, 2, 1, 3, 0, 2], np.int32)
    payload, _ = encode(weights, symbols)
    assert payload.hex() == GOLDEN
    assert encode(weights[:0], symbols[:0])[0] == b""


def test_the_decoder_notices_every_change_of_the_prior() -> None:
    rng = np.random.default_rng(1)
    weights = tables(rng, 300, 20, 2.0)
    payload, _ = encode(weights, draw(rng, weights))
    for row in range(0, 300, 7):
        other = weights.copy()
        other[row] = np.roll(other[row], 1)
        decoder = chunks.ChunkDecoder(payload)
        with pytest.raises(FormatError):
            decoder.decode(other)
            decoder.finish()


def test_too_few_and_too_many_symbols_are_noticed() -> None:
    rng = np.random.default_rng(2)
    weights = tables(rng, 50, 9, 1.0)
    payload, _ = encode(weights, draw(rng, weights))
    for count in (49, 51):
        decoder = chunks.ChunkDecoder(payload)
        with pytest.raises(FormatError):
            decoder.decode(np.resize(weights, (count, 9)))
            decoder.finish()


def test_a_chunk_never_ends_in_a_zero_byte() -> None:
    with pytest.raises(FormatError, match="zero byte"):
        chunks.ChunkDecoder(b"abc\0")


@settings(max_examples=100)
@given(st.binary(max_size=60), st.integers(0, 80))
def test_any_bytes_decode_or_are_refused(payload: bytes, count: int) -> None:
    weights = tables(np.random.default_rng(count), count, 5, 2.0)
    try:
        decoder = chunks.ChunkDecoder(payload)
        decoder.decode(weights)
        decoder.finish()
    except FormatError:
        return
    assert payload == b"" or count


def broken_tables() -> list[NDArray[np.float32]]:
    """Return tables that the coder would silently decode wrongly."""
    good = tables(np.random.default_rng(0), 4, 6, 1.0)
    negative, surplus, missing = good.copy(), good.copy(), good.copy()
    negative[1, :2] += [-2 * good[1, 0], 2 * good[1, 0]]
    surplus[0, 0] += 1
    missing[0, 0] = np.nan
    return [negative, surplus, missing, good.astype(np.float64), good[:, :1]]


@pytest.mark.parametrize("weights", broken_tables())
def test_weights_that_break_the_contract_are_refused(weights: NDArray[np.float32]) -> None:
    with pytest.raises(DvcodecError, match="no valid frequencies"):
        ans.check_weights(weights)


def test_symbols_outside_the_alphabet_are_refused() -> None:
    weights = tables(np.random.default_rng(0), 2, 6, 1.0)
    for symbols in ([0, 6], [-1, 0], [0]):
        with pytest.raises(DvcodecError, match="alphabet"):
            ans.intervals(weights, np.array(symbols, np.int32))


GOLDEN = "020000fe6b00a437060000805e7c00e806"
