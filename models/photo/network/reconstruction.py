"""What a walk down the chain paints: coefficients in units of sigma, and the evidence beside them.

Training keeps pieces that gradients can pass through, coding writes into planes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .checkerboard import Rows
from .latent import LatentLayer
from .layout import COEFFICIENTS


class PieceReconstruction:
    """Reconstruct with gradients: a piece (N, v) for the coefficients of every layer, put together at the end."""

    def __init__(self, counts: dict[int, int], coefficients: dict[int, Tensor] | None, device: torch.device) -> None:
        self.coefficients = None if coefficients is None else {s: t.unbind(1) for s, t in coefficients.items()}
        self.counts, self.device = counts, device
        self.pieces: dict[tuple[int, tuple[int, ...]], Tensor] = {}  # (stride, coefficients) -> (N, v)

    def known(self, layer: LatentLayer, rows: Rows) -> Tensor | None:
        """The layer's coefficients of the evidence (n, v)."""
        if self.coefficients is None:
            return None
        return torch.stack([self.coefficients[layer.stride][c][rows] for c in layer.coefficients], dim=1)

    def read(self, layer: LatentLayer, rows: Rows) -> Tensor | float:
        """The layer's coefficients as painted so far (n, v), or zero."""
        decoded = self.pieces.get((layer.stride, layer.coefficients))
        return 0.0 if decoded is None else decoded[rows]

    def write(self, layer: LatentLayer, rows: Rows, decoded: Tensor) -> None:
        """Replaces the layer's coefficients."""
        key = layer.stride, layer.coefficients
        if not isinstance(rows, slice):
            whole = self.pieces.get(key)
            if whole is None:
                whole = decoded.new_zeros(self.counts[layer.stride], decoded.shape[1])
            decoded = whole.index_copy(0, rows, decoded)
        self.pieces[key] = decoded

    def levels(self, counts: dict[int, int]) -> dict[int, Tensor]:
        """All coefficients by stride."""
        return {stride: self._level(stride, count) for stride, count in counts.items()}

    def _level(self, stride: int, count: int) -> Tensor:
        pieces = {c: p for (s, c), p in self.pieces.items() if s == stride}
        order = [c for columns in pieces for c in columns]
        missing = sorted(set(range(COEFFICIENTS[stride])) - set(order))
        blank = torch.zeros(count, len(missing), device=self.device)
        placed = torch.cat([*pieces.values(), blank], dim=1)
        return placed[:, torch.tensor(order + missing, device=self.device).argsort()]


class PlaneReconstruction:
    """`arithmetic.Reconstruction` in place: planes (COEFFICIENTS[stride], N) by stride."""

    def __init__(self, counts: dict[int, int], coefficients: dict[int, Tensor] | None, device: torch.device) -> None:
        self.planes = {s: torch.zeros(COEFFICIENTS[s], count, device=device) for s, count in counts.items()}
        self.coefficients = None if coefficients is None else {s: t.t() for s, t in coefficients.items()}
        self.columns: dict[tuple[int, ...], Tensor] = {}

    def known(self, layer: LatentLayer, rows: Rows) -> Tensor | None:
        """The layer's coefficients of the evidence (n, v)."""
        return None if self.coefficients is None else self._gathered(self.coefficients[layer.stride], layer, rows)

    def read(self, layer: LatentLayer, rows: Rows) -> Tensor:
        """The layer's coefficients as painted so far (n, v)."""
        return self._gathered(self.planes[layer.stride], layer, rows)

    def write(self, layer: LatentLayer, rows: Rows, decoded: Tensor) -> None:
        """Replaces the layer's coefficients."""
        planes, columns = self.planes[layer.stride], self._columns(layer)
        if isinstance(rows, slice):
            planes[:, rows].index_copy_(0, columns, decoded.t())
        else:
            planes[columns[:, None], rows] = decoded.t()

    def levels(self, counts: dict[int, int]) -> dict[int, Tensor]:
        """All coefficients by stride, tokens (N, channels)."""
        return {s: plane.t() for s, plane in self.planes.items()}

    def _gathered(self, planes: Tensor, layer: LatentLayer, rows: Rows) -> Tensor:
        columns = self._columns(layer)
        if isinstance(rows, slice):
            return planes[:, rows].index_select(0, columns).t()
        return planes[columns[:, None], rows].t()

    def _columns(self, layer: LatentLayer) -> Tensor:
        if layer.coefficients not in self.columns:
            self.columns[layer.coefficients] = torch.tensor(layer.coefficients, device=layer.values.device)
        return self.columns[layer.coefficients]
