"""How much each image of a batch counts in a rate-distortion objective."""

from __future__ import annotations

from torch import Tensor

REFERENCE_SIGMA = 8.0


def image_weights(sigma: Tensor, x: Tensor) -> Tensor:
    """Return the weight of each image of a batch x (B, 3, H, W), by its sigma (B,): (B,).

    Args:
        sigma: standard deviation of the likelihood in levels, by image.
        x: the batch, of which the shape counts.

    Returns:
        sigma / REFERENCE_SIGMA over the number of pixels of the batch.
    """
    return sigma / REFERENCE_SIGMA / (x.shape[0] * x.shape[2] * x.shape[3])
