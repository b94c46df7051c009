"""The reconstruction during a top-down pass: decoded coefficients and an encoder's targets, in units of sigma.

Training keeps separate tensors that gradients can pass through; coding writes into planes in place.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ....shapes import Float
from ..layout import COEFFICIENTS
from .checkerboard import Rows
from .latent import PhotoLatentLayer


class PieceReconstruction:
    """A reconstruction with gradients: a piece (N, v) for the coefficients of every layer, joined at the end."""

    def __init__(
        self, counts: dict[int, int], coefficients: dict[int, Float[Tensor, "_ _"]] | None, device: torch.device
    ) -> None:
        self.coefficients = None if coefficients is None else {s: t.unbind(1) for s, t in coefficients.items()}
        self.counts, self.device = counts, device
        self.pieces: dict[tuple[int, tuple[int, ...]], Tensor] = {}  # (stride, coefficients) -> (N, v)

    def known(self, layer: PhotoLatentLayer, rows: Rows) -> Float[Tensor, "n v"] | None:
        """Return the layer's target coefficients (n, v); None in a decoder."""
        if self.coefficients is None:
            return None
        return torch.stack([self.coefficients[layer.stride][c][rows] for c in layer.coefficients], dim=1)

    def read(self, layer: PhotoLatentLayer, rows: Rows) -> Float[Tensor, "n v"] | float:
        """Return the layer's decoded coefficients so far (n, v), or zero."""
        decoded = self.pieces.get((layer.stride, layer.coefficients))
        return 0.0 if decoded is None else decoded[rows]

    def write(self, layer: PhotoLatentLayer, rows: Rows, decoded: Float[Tensor, "n v"]) -> None:
        """Replace the layer's decoded coefficients."""
        key = layer.stride, layer.coefficients
        if not isinstance(rows, slice):
            whole = self.pieces.get(key)
            if whole is None:
                whole = decoded.new_zeros(self.counts[layer.stride], decoded.shape[1])
            decoded = whole.index_copy(0, rows, decoded)
        self.pieces[key] = decoded

    def levels(self, counts: dict[int, int]) -> dict[int, Float[Tensor, "_ _"]]:
        """Return all coefficients by stride, tokens (N, channels)."""
        return {stride: self._level(stride, count) for stride, count in counts.items()}

    def _level(self, stride: int, count: int) -> Tensor:
        pieces = {c: p for (s, c), p in self.pieces.items() if s == stride}
        order = [c for columns in pieces for c in columns]
        missing = sorted(set(range(COEFFICIENTS[stride])) - set(order))
        blank = torch.zeros(count, len(missing), device=self.device)
        placed = torch.cat([*pieces.values(), blank], dim=1)
        return placed[:, torch.tensor(order + missing, device=self.device).argsort()]


class PlaneReconstruction:
    """A reconstruction in place: planes (COEFFICIENTS[stride], N) by stride."""

    def __init__(
        self, counts: dict[int, int], coefficients: dict[int, Float[Tensor, "_ _"]] | None, device: torch.device
    ) -> None:
        self.planes = {s: torch.zeros(COEFFICIENTS[s], count, device=device) for s, count in counts.items()}
        self.coefficients = None if coefficients is None else {s: t.t() for s, t in coefficients.items()}
        self.columns: dict[tuple[int, ...], Tensor] = {}

    def known(self, layer: PhotoLatentLayer, rows: Rows) -> Float[Tensor, "n v"] | None:
        """Return the layer's target coefficients (n, v); None in a decoder."""
        return None if self.coefficients is None else self._gathered(self.coefficients[layer.stride], layer, rows)

    def read(self, layer: PhotoLatentLayer, rows: Rows) -> Float[Tensor, "n v"]:
        """Return the layer's decoded coefficients so far (n, v)."""
        return self._gathered(self.planes[layer.stride], layer, rows)

    def write(self, layer: PhotoLatentLayer, rows: Rows, decoded: Float[Tensor, "n v"]) -> None:
        """Replace the layer's decoded coefficients."""
        planes, columns = self.planes[layer.stride], self._columns(layer)
        if isinstance(rows, slice):
            planes[:, rows].index_copy_(0, columns, decoded.t())
        else:
            planes[columns[:, None], rows] = decoded.t()

    def levels(self, counts: dict[int, int]) -> dict[int, Float[Tensor, "_ _"]]:
        """Return all coefficients by stride, tokens (N, channels)."""
        return {s: plane.t() for s, plane in self.planes.items()}

    def _gathered(self, planes: Tensor, layer: PhotoLatentLayer, rows: Rows) -> Tensor:
        columns = self._columns(layer)
        if isinstance(rows, slice):
            return planes[:, rows].index_select(0, columns).t()
        return planes[columns[:, None], rows].t()

    def _columns(self, layer: PhotoLatentLayer) -> Tensor:
        if layer.coefficients not in self.columns:
            self.columns[layer.coefficients] = torch.tensor(layer.coefficients, device=layer.values.device)
        return self.columns[layer.coefficients]
