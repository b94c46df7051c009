"""The figures of merit, and exactly what they mean.

- Rate: 8 times the bytes of the complete file, headers and all, over width times height (bits per pixel).
- PSNR: 10 log10(255^2 / MSE) in dB, on the 8-bit RGB image that a decoder hands out, the MSE taken over all pixels and
  all three channels of ONE image. Over several images we average the dB values, as CompressAI and most papers do; the
  PSNR of the pooled MSE would be lower.
- MS-SSIM (Wang et al. 2003): mean over the three channels, as CompressAI computes it (the package pytorch-msssim). On
  axes and in BD figures it stands as -10 log10(1 - MS-SSIM) dB, since all values of interest crowd below 1.
- SSIMULACRA 2 (Sneyers, of JPEG XL): a perceptual score without a trained network; 100 is a perfect copy, 90 cannot be
  told apart, 70 is high, 50 medium, 30 low quality. From the package ssimulacra2, a port to numpy and scipy.

An image too small for a metric's scales has no value of it, and means are over the images that have one.
"""

import importlib.metadata
import importlib.util
import io
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgument

PEAK = 255.0
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Metric:
    """A score of a decoded image against its original; more is better."""

    name: str
    """What --metrics takes."""
    key: str
    """Its name in CompressAI's JSON."""
    title: str
    """Its name with unit, for axes and headings."""
    score: Callable[[Pixels, Pixels], float]
    """(H, W, 3) uint8 original and decoded image to the value that is stored."""
    scaled: Callable[[float], float] = float
    """The stored value to the one that axes and BD figures use."""
    smallest: int = 1
    """Fewest pixels of width and height that it is defined for."""
    package: str | None = None
    """The distribution that computes it; None: this module."""

    def missing(self) -> str | None:
        """Why it cannot be computed here, or None where it can."""
        if self.package is None or importlib.util.find_spec(self.package.replace("-", "_")):
            return None
        return f"pip install {self.package}"

    @property
    def version(self) -> str:
        """Package and version, since values change with it."""
        return f"{self.package} {importlib.metadata.version(self.package)}" if self.package else "dvcodec"

    def of(self, reference: Pixels, decoded: Pixels) -> float | None:
        """The value for one image; None where the image is too small for it."""
        if min(reference.shape[:2]) < self.smallest:
            return None
        return self.score(reference, decoded)


def mean_squared_error(reference: Pixels, decoded: Pixels) -> float:
    """The mean of (reference - decoded)^2 over every sample, summed in integers and so exact before the division."""
    if reference.shape != decoded.shape:
        raise ValueError(f"images of different shape: {reference.shape} and {decoded.shape}")
    if reference.dtype != np.uint8 or decoded.dtype != np.uint8:
        raise ValueError(f"8-bit images wanted, got {reference.dtype} and {decoded.dtype}")
    if reference.size == 0:
        raise ValueError("an image without pixels has no distortion")
    difference = reference.astype(np.int32) - decoded
    return float(np.square(difference).sum(dtype=np.int64)) / reference.size


def psnr(reference: Pixels, decoded: Pixels) -> float:
    """Peak signal-to-noise ratio of one 8-bit image in dB; infinite where the two are equal."""
    error = mean_squared_error(reference, decoded)
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def ms_ssim(reference: Pixels, decoded: Pixels) -> float:
    """Multi-scale structural similarity of one image with sides of 161 pixels or more: at most 1."""
    import torch
    from pytorch_msssim import ms_ssim as compute  # type: ignore[import-untyped]

    pair = (torch.tensor(image).permute(2, 0, 1)[None].double() for image in (reference, decoded))
    with torch.inference_mode():
        return float(compute(*pair, data_range=PEAK))


def ssimulacra2(reference: Pixels, decoded: Pixels) -> float:
    """SSIMULACRA 2 of one image with sides of 225 pixels or more (six scales of 8 or more): at most 100."""
    from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped]

    return float(compute_ssimulacra2(*(_ppm(image) for image in (reference, decoded))))


def decibels(similarity: float) -> float:
    """A similarity of at most 1 on a logarithmic scale: 0.9 is 10 dB, 0.99 is 20 dB, 1 is infinite."""
    return math.inf if similarity >= 1 else -10 * math.log10(1 - similarity)


PSNR = Metric("psnr", "psnr-rgb", "PSNR (dB)", psnr)
MS_SSIM = Metric("ms-ssim", "ms-ssim-rgb", "MS-SSIM (dB)", ms_ssim, decibels, 161, "pytorch-msssim")
SSIMULACRA2 = Metric("ssimulacra2", "ssimulacra2", "SSIMULACRA 2", ssimulacra2, smallest=225, package="ssimulacra2")
METRICS = (PSNR, MS_SSIM, SSIMULACRA2)


def metric(name: str) -> Metric:
    """The metric called `name`. InvalidArgument for an unknown one."""
    for candidate in METRICS:
        if candidate.name == name:
            return candidate
    raise InvalidArgument(f"no metric {name!r}", f"there are {', '.join(candidate.name for candidate in METRICS)}")


def bits_per_pixel(size: int, width: int, height: int) -> float:
    """Rate of a file of `size` bytes that holds `width` x `height` pixels."""
    return 8 * size / (width * height)


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean, in full precision; an empty collection is an error rather than a zero."""
    collected = list(values)
    if not collected:
        raise ValueError("the mean of nothing")
    return math.fsum(collected) / len(collected)


def _ppm(pixels: Pixels) -> io.BytesIO:
    """The image as a file in memory, which is what ssimulacra2 reads."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PPM")
    return stream
