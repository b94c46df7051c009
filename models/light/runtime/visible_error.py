"""How much the error of each block of a picture is seen, by the terms of SSIMULACRA 2 (Sneyers 2022) that count most.

Nine tenths of the metric's distance at an error of coding come from its colour Y, most of them from the structure error
(that of SSIM, Wang et al. 2004) at the first three scales and from details lost at the first. An encoder chooses by it;
nothing that a decoder computes depends on it, so that it may round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, UInt8
from ...photo.layout import BLOCK

Plane = NDArray[np.float32]

STRUCTURE = ((0.0, 7.466890328078848), (0.0, 6.683678146179332), (225.20515300849274, 19.213238186143016))
"""Weights of the mean and of the 4-norm of the structure error, by scale (the metric's own)."""
LOST_DETAILS = 17.445833984131262
"""Weight of the 4-norm of lost details at the first scale."""
RADIUS, SPREAD = 5, 1.5
"""Radius and standard deviation of the blur in pixels."""
C2 = np.float32(0.0009)
"""Keeps the structure error finite where a picture is flat."""
LUMINANCE, BIAS = (0.265, 0.657, 0.078), np.float32(0.00379307)
"""From linear light to the mean response of long and medium cones, before the cube root."""
TINY = 1e-16


def visible_error(
    original: UInt8[NDArray[np.uint8], "H W 3"], decoded: UInt8[NDArray[np.uint8], "H W 3"]
) -> Float32[NDArray[np.float32], "rows columns"]:
    """Return the distance's derivative along the error of each block of 8x8 pixels.

    Args:
        original: the picture.
        decoded: what a decoder would show.

    Returns:
        Sums over each block of gradient times error, by row and column of blocks; borders repeat.
    """
    a, b = lightness(original), lightness(decoded)
    total: Plane | None = None
    for scale, weights in enumerate(STRUCTURE):
        if scale:
            a, b = _halved(a), _halved(b)
        gradient = _structure_gradient(a, b, *weights)
        if scale == 0:
            gradient += _lost_details_gradient(a, b)
        found = _block_sums(gradient * (b - a), BLOCK >> scale)
        total = found if total is None else total + found
    assert total is not None
    return total


def lightness(pixels: UInt8[NDArray[np.uint8], "H W 3"]) -> Float32[NDArray[np.float32], "rows columns"]:
    """Return the cube root of luminance, of whole blocks: the borders repeat."""
    height, width, _ = pixels.shape
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    red, green, blue = ((share * linear).astype(np.float32) for share in LUMINANCE)
    light = red[pixels[..., 0]] + green[pixels[..., 1]] + blue[pixels[..., 2]]
    return np.pad(np.cbrt(light + BIAS), ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")


def _structure_gradient(a: Plane, b: Plane, of_mean: float, of_norm: float) -> Plane:
    """Return the gradient with respect to b of the structure error's norms."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    variances = _blurred(a * a) - mean_a * mean_a + _blurred(b * b) - mean_b * mean_b + C2
    likeness = 2 * (_blurred(a * b) - mean_a * mean_b) + C2
    shift = mean_a - mean_b
    means = (1 - shift * shift) / variances
    structure = likeness / variances
    error = np.maximum(1 - means * likeness, 0)
    slope = _slope(error, of_mean, of_norm)
    by_mean = np.asarray(2 * slope * (-shift * structure + means * (mean_a - structure * mean_b)), np.float32)
    slope *= means
    return np.asarray(_blurred(by_mean) + 2 * (b * _blurred(slope * structure) - a * _blurred(slope)), np.float32)


def _lost_details_gradient(a: Plane, b: Plane) -> Plane:
    """Return the gradient with respect to b of the 4-norm of lost details: edges that are weaker in b."""
    there = 1 + np.abs(a - _blurred(a))
    edges = b - _blurred(b)
    error = np.maximum(1 - (1 + np.abs(edges)) / there, 0)
    slope = np.asarray(-np.sign(edges) * _slope(error, 0.0, LOST_DETAILS) / there, np.float32)
    return np.asarray(slope - _blurred(slope), np.float32)


def _slope(error: Plane, of_mean: float, of_norm: float) -> Plane:
    """Return the derivatives of of_mean * mean(error) + of_norm * mean(error^4)^(1/4); 0 where the error is 0."""
    square = error * error
    norm = (float(np.mean(square * square, dtype=np.float64)) + TINY) ** 0.75
    slope = np.float32(of_norm / norm / error.size) * (square * error)
    if of_mean:
        slope += np.float32(of_mean / error.size) * (error > 0)
    return slope


def _blurred(x: Plane) -> Plane:
    return _blurred_rows(_blurred_rows(x).T).T


def _blurred_rows(x: Plane) -> Plane:
    """Return rows after the Gaussian blur, which reflects them at their ends."""
    kernel = np.exp(-(np.arange(RADIUS + 1.0) ** 2) / (2 * SPREAD**2))
    kernel = (kernel / (2 * kernel.sum() - kernel[0])).astype(np.float32)
    width = x.shape[1]
    wide = np.pad(x, ((0, 0), (RADIUS, RADIUS)), mode="reflect")
    out: Plane = kernel[0] * wide[:, RADIUS : RADIUS + width]
    for offset in range(1, RADIUS + 1):
        pair = wide[:, RADIUS - offset :][:, :width] + wide[:, RADIUS + offset :][:, :width]
        pair *= kernel[offset]
        out += pair
    return out


def _halved(x: Plane) -> Plane:
    return np.asarray(_block_sums(x, 2) * np.float32(0.25))


def _block_sums(x: Plane, size: int) -> Plane:
    rows, columns = x.shape
    return np.asarray(x.reshape(rows // size, size, columns // size, size).sum(axis=(1, 3)), np.float32)
