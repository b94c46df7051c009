"""Rate and scores of decoded images, with their exact definitions.

- Rate: 8 times the bytes of the complete file, headers included, over width times height (bits per pixel).
- PSNR: 10 log10(255^2 / MSE) in dB of the decoded 8-bit RGB image, with the MSE over all pixels and channels of ONE
  image. Over several images the dB values are averaged, as CompressAI and most papers do; the PSNR of the pooled MSE
  would be lower.
- MS-SSIM (Wang et al. 2003): mean over the three channels, as CompressAI computes it (package pytorch-msssim). Axes
  and BD figures use -10 log10(1 - MS-SSIM) in dB, since all values of interest crowd just below 1.
- SSIMULACRA 2 (Sneyers, of JPEG XL): a perceptual score without a trained network. 100 is a perfect copy, 90 looks the
  same as the original, 70 is high, 50 medium and 30 low quality. Package ssimulacra2, a port to numpy and scipy.

An image that is too small for a metric's scales has no value of it; means are over the images that have one.
"""

import importlib.metadata
import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...codec.lossy.perceptual_score import SMALLEST, ssimulacra2
from ...errors import InvalidArgument

PEAK = 255.0
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Metric:
    """A score of a decoded image against its original; higher is better."""

    name: str
    """Name by which it is chosen."""
    key: str
    """Name in CompressAI's JSON."""
    title: str
    """Name with unit, for axes and headings."""
    score: Callable[[Pixels, Pixels], float]
    """Function of the original and the decoded image, both (H, W, 3) uint8, that gives the value to store."""
    scaled: Callable[[float], float] = float
    """Function from the stored value to the one that axes and BD figures use."""
    smallest: int = 1
    """Smallest width and height in pixels for which it is defined."""
    package: str | None = None
    """Package that computes it; None for this module."""

    def missing(self) -> str | None:
        """Return why it cannot be computed here, or None if it can."""
        if self.package is None or importlib.util.find_spec(self.package.replace("-", "_")):
            return None
        return f"pip install {self.package}"

    @property
    def version(self) -> str:
        """Package and version, on which the values depend."""
        return f"{self.package} {importlib.metadata.version(self.package)}" if self.package else "dvcodec"

    def of(self, reference: Pixels, decoded: Pixels) -> float | None:
        """Return the score of one decoded image, or None where the image is too small.

        Args:
            reference: the original, (H, W, 3) uint8.
            decoded: the decoded image, of the same shape.

        Returns:
            The value to store, as `score` gives it.
        """
        if min(reference.shape[:2]) < self.smallest:
            return None
        return self.score(reference, decoded)


def mean_squared_error(reference: Pixels, decoded: Pixels) -> float:
    """Return the mean of (reference - decoded)^2 over all samples; the sum is exact because it is in integers.

    Args:
        reference: the original, uint8.
        decoded: the decoded image, of the same shape.

    Returns:
        The mean squared error in squared levels.

    Raises:
        ValueError: the images differ in shape, are not uint8, or are empty.
    """
    if reference.shape != decoded.shape:
        raise ValueError(f"images of different shape: {reference.shape} and {decoded.shape}")
    if reference.dtype != np.uint8 or decoded.dtype != np.uint8:
        raise ValueError(f"8-bit images wanted, got {reference.dtype} and {decoded.dtype}")
    if reference.size == 0:
        raise ValueError("an image without pixels has no distortion")
    difference = reference.astype(np.int32) - decoded
    return float(np.square(difference).sum(dtype=np.int64)) / reference.size


def psnr(reference: Pixels, decoded: Pixels) -> float:
    """Return the peak signal-to-noise ratio of an 8-bit image in dB; infinite where the two are equal.

    Args:
        reference: the original, (H, W, 3) uint8.
        decoded: the decoded image, of the same shape.

    Returns:
        10 log10(255^2 / MSE), with the MSE over all samples of all channels.

    Raises:
        ValueError: the images differ in shape, are not uint8, or are empty.
    """
    error = mean_squared_error(reference, decoded)
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def ms_ssim(reference: Pixels, decoded: Pixels) -> float:
    """Return the multi-scale structural similarity (at most 1) of an image with sides of at least 161 pixels.

    Source: Wang, Simoncelli and Bovik 2003.

    Args:
        reference: the original, (H, W, 3) uint8.
        decoded: the decoded image, of the same shape.

    Returns:
        The mean over the three channels; 1 for equal images.
    """
    import torch
    from pytorch_msssim import ms_ssim as compute  # type: ignore[import-untyped]

    from ...models.integer.guard import default_modes

    pair = (torch.tensor(image).permute(2, 0, 1)[None].double() for image in (reference, decoded))
    with default_modes(), torch.inference_mode():
        return float(compute(*pair, data_range=PEAK))


def decibels(similarity: float) -> float:
    """Convert a similarity of at most 1 to dB: 0.9 is 10 dB, 0.99 is 20 dB, 1 is infinite.

    Args:
        similarity: a similarity such as MS-SSIM.

    Returns:
        -10 log10(1 - similarity).
    """
    return math.inf if similarity >= 1 else -10 * math.log10(1 - similarity)


PSNR = Metric("psnr", "psnr-rgb", "PSNR (dB)", psnr)
MS_SSIM = Metric("ms-ssim", "ms-ssim-rgb", "MS-SSIM (dB)", ms_ssim, decibels, 161, "pytorch-msssim")
SSIMULACRA2 = Metric(
    "ssimulacra2", "ssimulacra2", "SSIMULACRA 2", ssimulacra2, smallest=SMALLEST, package="ssimulacra2"
)
METRICS = (PSNR, MS_SSIM, SSIMULACRA2)


def metric(name: str) -> Metric:
    """Return the metric called `name`.

    Args:
        name: one of the names in METRICS.

    Returns:
        The metric.

    Raises:
        InvalidArgument: there is no metric of that name.
    """
    for candidate in METRICS:
        if candidate.name == name:
            return candidate
    raise InvalidArgument(f"no metric {name!r}", f"there are {', '.join(candidate.name for candidate in METRICS)}")


def bits_per_pixel(size: int, width: int, height: int) -> float:
    """Return the rate of a file of `size` bytes that holds `width` x `height` pixels.

    Args:
        size: bytes of the file.
        width: width of the image in pixels.
        height: height of the image in pixels.

    Returns:
        Bits per pixel.
    """
    return 8 * size / (width * height)
