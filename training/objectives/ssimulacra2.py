"""SSIMULACRA 2 with gradients (Sneyers 2022): what training minimises, and the score that it belongs to.

Maps, norms and weights are those of the reference implementation. Blurs reflect images at their borders, where the
package ssimulacra2 pads rows with zeros: scores differ by up to 4 points on images of 256x256. Scales that a crop is
too small for are left out, so that distances of crops are comparable among equal sizes only.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .ssimulacra2_weights import WEIGHTS

SCALES = 6
SMALLEST = 8
"""Least side of a scale."""
RADIUS, SPREAD = 5, 1.5
"""Radius and standard deviation of the blur in pixels."""
C2 = 0.0009
ABSORBANCE = ((0.3, 0.622, 0.078), (0.23, 0.692, 0.078), (0.24342269, 0.20476744, 0.55180987))
"""From linear red, green and blue to the responses of long, medium and short cones."""
BIAS = 0.00379307
GAIN = 0.9562382616834844


class Ssimulacra2(nn.Module):
    """The weighted sum of SSIMULACRA 2's features: 0 for equal images, rising as the score falls.

    Calling it with original and decoded images, (B, 3, H, W) of levels 0 to 255, returns distances (B,).
    """

    def __init__(self) -> None:
        super().__init__()
        weights = torch.zeros(3 * SCALES * 2 * 3)
        weights[list(WEIGHTS)] = torch.tensor(list(WEIGHTS.values()))
        offsets = torch.arange(-RADIUS, RADIUS + 1).float()
        kernel = torch.exp(-offsets.square() / (2 * SPREAD**2))
        self.register_buffer("weights", weights.view(3, SCALES, 2, 3), persistent=False)
        self.register_buffer("kernel", kernel / kernel.sum(), persistent=False)
        self.register_buffer("absorbance", torch.tensor(ABSORBANCE), persistent=False)
        self.weights: Tensor
        self.kernel: Tensor
        self.absorbance: Tensor

    def forward(self, original: Tensor, decoded: Tensor) -> Tensor:
        """Return the distances (B,) of images (B, 3, H, W).

        Args:
            original: original images in levels 0 to 255.
            decoded: decoded images in levels 0 to 255.

        Returns:
            0 for equal images, larger for worse ones; differentiable.
        """
        features = self._features(original, decoded)
        return (features * self.weights[:, : features.shape[2]]).sum((1, 2, 3, 4)) * GAIN

    def _features(self, original: Tensor, decoded: Tensor) -> Tensor:
        """Return the features (B, colour, scale, norm, map)."""
        a, b, found = linear_light(original), linear_light(decoded), []
        for scale in range(SCALES):
            if scale:
                if min(a.shape[2:]) < 2 * SMALLEST:
                    break
                a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
            found.append(self._maps(self._xyb(a), self._xyb(b)))
        return torch.stack(found, 2)

    def _maps(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the norms of the three error maps of one scale, (B, 3, norm, map)."""
        mean_a, mean_b, aa, bb, ab = self._blurred(torch.cat([a, b, a * a, b * b, a * b])).chunk(5)
        means = 1 - (mean_a - mean_b).square()
        structure = 2 * (ab - mean_a * mean_b) + C2
        variances = (aa - mean_a.square()) + (bb - mean_b.square()) + C2
        edges = (1 + (b - mean_b).abs()) / (1 + (a - mean_a).abs()) - 1
        maps = ((1 - means * structure / variances).clamp_min(0), edges.clamp_min(0), (-edges).clamp_min(0))
        return torch.stack([norms(each) for each in maps], -1)

    def _xyb(self, rgb: Tensor) -> Tensor:
        """Return linear light in the colours of the metric, all about positive."""
        cones = torch.einsum("ij,bjhw->bihw", self.absorbance, rgb) + BIAS
        long, medium, short = (cones.clamp_min(1e-5) ** (1 / 3) - BIAS ** (1 / 3)).unbind(1)
        x, y = 0.5 * (long - medium), 0.5 * (long + medium)
        return torch.stack([x * 14 + 0.42, y + 0.01, short - y + 0.55], 1)

    def _blurred(self, x: Tensor) -> Tensor:
        flat = F.pad(x.flatten(0, 1)[:, None], (RADIUS,) * 4, mode="reflect")
        return F.conv2d(F.conv2d(flat, self.kernel.view(1, 1, 1, -1)), self.kernel.view(1, 1, -1, 1)).view(x.shape)


def linear_light(x: Tensor) -> Tensor:
    """Return sRGB levels from 0 to 255 as linear light from 0 to 1."""
    x = x / 255
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp_min(0.01) + 0.055) / 1.055) ** 2.4)


def norms(errors: Tensor) -> Tensor:
    """Return the mean and the 4-norm of errors (B, C, H, W), (B, C, 2)."""
    fourth = (errors.square().square().mean((2, 3)) + 1e-16) ** 0.25
    return torch.stack([errors.mean((2, 3)), fourth], -1)


def score(distance: Tensor) -> Tensor:
    """Return SSIMULACRA 2's score of distances: 100 for equal images, 90 hardly visible, 50 medium, 30 low quality."""
    d = distance
    stretched = 2.326765642916932 * d - 0.020884521182843837 * d * d + 6.248496625763138e-05 * d**3
    return 100 - 10 * stretched.clamp_min(0) ** 0.6276336467831387
