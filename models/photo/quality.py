"""The network qualities of photograph models, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FINEST_QUALITY = 4096
"""The finest network quality: they run from 0 (sigma_coarse) to this (sigma_fine), linear in log sigma."""


@dataclass(frozen=True)
class QualityMap:
    """Network qualities at quality 1 and 100, between which they, like log lambda, are linear."""

    lowest: int
    highest: int

    def network_quality(self, quality: int) -> int:
        """Return the network quality in [0, 4096] of a fixed-point quality round(q * 256), by integer arithmetic."""
        span = 99 * 256
        return (self.lowest * span + (quality - 256) * (self.highest - self.lowest) + span // 2) // span


def quality_map(fields: dict[str, Any]) -> QualityMap:
    """Return the range of network qualities in a weights file's metadata.

    Raises:
        ValueError: It is out of bounds.
        TypeError: Fields are missing, or there are others.
    """
    qualities = QualityMap(**fields)
    ends = (qualities.lowest, qualities.highest)
    if not all(type(each) is int for each in ends) or not 0 <= ends[0] <= ends[1] <= FINEST_QUALITY:
        raise ValueError("its network qualities are out of bounds")
    return qualities
