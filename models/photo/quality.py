"""The network qualities of photograph models, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FINEST_QUALITY = 4096
"""The finest network quality: they run from 0 (sigma_coarse) to this (sigma_fine), linear in log sigma."""


@dataclass(frozen=True)
class QualityMap:
    """Network qualities at quality 1, 50 and 100, between which they, like log lambda, are linear.

    Without one at 50 they are linear from 1 to 100.
    """

    lowest: int
    highest: int
    middle: int | None = None

    def network_quality(self, quality: int) -> int:
        """Return the network quality in [0, 4096] of a fixed-point quality round(q * 256), by integer arithmetic."""
        if self.middle is None:
            ends = 256, 100 * 256, self.lowest, self.highest
        elif quality < 50 * 256:
            ends = 256, 50 * 256, self.lowest, self.middle
        else:
            ends = 50 * 256, 100 * 256, self.middle, self.highest
        first, last, low, high = ends
        span = last - first
        return (low * span + (quality - first) * (high - low) + span // 2) // span

    def fields(self) -> dict[str, int]:
        """Return them as a weights file's metadata have them."""
        middle = {} if self.middle is None else {"middle": self.middle}
        return {"lowest": self.lowest, "highest": self.highest, **middle}

    @property
    def points(self) -> tuple[int, ...]:
        """The network qualities in rising order."""
        return (self.lowest, self.highest) if self.middle is None else (self.lowest, self.middle, self.highest)


def quality_map(fields: dict[str, Any]) -> QualityMap:
    """Return the range of network qualities in a weights file's metadata.

    Raises:
        ValueError: It is out of bounds.
        TypeError: Fields are missing, or there are others.
    """
    qualities = QualityMap(**fields)
    points = qualities.points
    if not all(type(each) is int for each in points) or list(points) != sorted(points):
        raise ValueError("its network qualities are out of order")
    if points[0] < 0 or points[-1] > FINEST_QUALITY:
        raise ValueError("its network qualities are out of bounds")
    return qualities
