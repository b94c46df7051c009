"""SSIMULACRA 2 of a decoded image, for the search for a target and for comparisons.

Source: Jon Sneyers, SSIMULACRA 2, of JPEG XL. The package ssimulacra2 computes it with numpy and scipy, without torch.
"""

import importlib.util
import io

import numpy as np
from numpy.typing import NDArray

from ...errors import InvalidArgument, UnsupportedImage

SMALLEST = 225
"""Smallest width and height in pixels that give all six scales of at least 8 pixels."""


def check(height: int, width: int) -> None:
    """Raise an error where the score of an image cannot be computed.

    Args:
        height: Height of the image in pixels.
        width: Its width in pixels.

    Raises:
        InvalidArgument: If the package that computes it is not installed.
        UnsupportedImage: If the image is too small, or larger than Pillow opens in this process, as the package does.
    """
    from PIL import Image

    if importlib.util.find_spec("ssimulacra2") is None:
        missing = "`target_ssimulacra2` needs the package ssimulacra2, which is not installed"
        raise InvalidArgument(missing, "install dvcodec[eval], or that package alone")
    if min(height, width) < SMALLEST:
        small = f"SSIMULACRA 2 is not defined for {width} x {height} pixels, only from {SMALLEST} x {SMALLEST} on"
        raise UnsupportedImage(small, "use `target_psnr`")
    if Image.MAX_IMAGE_PIXELS is not None and height * width > Image.MAX_IMAGE_PIXELS:
        raise UnsupportedImage(
            f"SSIMULACRA 2 is not computed for more than {Image.MAX_IMAGE_PIXELS} pixels", "use `target_psnr`"
        )


def ssimulacra2(reference: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> float:
    """Return the score of a decoded image; 100 for equal images, 90 looks the same, 70 is high and 50 medium quality.

    Args:
        reference: The original, (H, W) grey or (H, W, 3) RGB, with sides of at least SMALLEST pixels.
        decoded: The decoded image, of the same shape.

    Returns:
        The score, at most 100; it may be negative.
    """
    from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped]

    return float(compute_ssimulacra2(*(_ppm(image) for image in (reference, decoded))))


def _ppm(pixels: NDArray[np.uint8]) -> io.BytesIO:
    """Return an image as a file in memory, which the package reads."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PPM")
    return stream
