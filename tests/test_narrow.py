"""Images one pixel wide or high: their memory grows with their pixels by a bounded factor, and they come back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import dvcodec
from fake import photograph

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
HOW: dict[str, dict[str, Any]] = {"lossy": {}, "lossless": {"lossless": True, "method": "model"}}
QUICK, LONG = 5_000, 300_000
"""Pixels of a row or a column."""
BYTES, LONG_BYTES = 10_000, 5_000
"""The most bytes of memory for each pixel: the sides of symbols are multiples of 64. Once it was 28,000."""

pytestmark = pytest.mark.skipif(not CLEAR.exists(), reason="the system does not tell the peak of memory")


def line(count: int, *, column: bool) -> NDArray[np.uint8]:
    """A photograph's pixels, one after the other."""
    pixels = photograph(100, count // 100)
    return pixels.reshape((count, 1, 3) if column else (1, count, 3))


def peak(work: Callable[[], Any]) -> tuple[Any, int]:
    """Return what some work gives, and how many bytes the process grew by at most."""
    CLEAR.write_text("5")
    before = _highest()
    return work(), _highest() - before


def _highest() -> int:
    """The largest resident set so far."""
    found = next(row for row in STATUS.read_text().splitlines() if row.startswith("VmHWM"))
    return int(found.split()[1]) * 1024


def comes_back(how: str, count: int, column: bool, bound: int) -> None:
    """Compress and decompress a line, within a bound on memory for each pixel."""
    pixels, options = line(count, column=column), HOW[how]
    dvcodec.decompress_array(dvcodec.compress_array(pixels[:100, :100], **options))  # networks are loaded
    data, encoding = peak(lambda: dvcodec.compress_array(pixels, max_memory=2**40, **options))
    found, decoding = peak(lambda: dvcodec.decompress_array(data, max_memory=2**40))
    assert found.shape == pixels.shape and (how == "lossy" or np.array_equal(found, pixels))
    assert max(encoding, decoding) < bound * count, (encoding, decoding)


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("how", HOW)
def test_lines_need_little_memory(how: str, column: bool) -> None:
    comes_back(how, QUICK, column, BYTES)


@pytest.mark.slow
@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("how", HOW)
def test_long_lines_need_a_bounded_amount_of_memory(how: str, column: bool) -> None:
    comes_back(how, LONG, column, LONG_BYTES)
