"""The figures of merit, and exactly what they mean.

- Rate: 8 times the bytes of the complete file, headers and all, over width times height (bits per pixel).
- PSNR: 10 log10(255^2 / MSE) in dB, on the 8-bit RGB image that a decoder hands out, the MSE taken over all pixels and
  all three channels of ONE image. Over several images we average the dB values, as CompressAI and most papers do; the
  PSNR of the pooled MSE would be lower.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

PEAK = 255.0


def mean_squared_error(reference: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """The mean of (reference - decoded)^2 over every sample, summed in integers and so exact before the division."""
    if reference.shape != decoded.shape:
        raise ValueError(f"images of different shape: {reference.shape} and {decoded.shape}")
    if reference.dtype != np.uint8 or decoded.dtype != np.uint8:
        raise ValueError(f"8-bit images wanted, got {reference.dtype} and {decoded.dtype}")
    if reference.size == 0:
        raise ValueError("an image without pixels has no distortion")
    difference = reference.astype(np.int32) - decoded
    return float(np.square(difference).sum(dtype=np.int64)) / reference.size


def psnr(reference: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of one 8-bit image in dB; infinite where the two are equal."""
    error = mean_squared_error(reference, decoded)
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def bits_per_pixel(size: int, width: int, height: int) -> float:
    """Rate of a file of `size` bytes that holds `width` x `height` pixels."""
    return 8 * size / (width * height)


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean, in full precision; an empty collection is an error rather than a zero."""
    collected = list(values)
    if not collected:
        raise ValueError("the mean of nothing")
    return math.fsum(collected) / len(collected)
