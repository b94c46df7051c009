"""What a photograph's way down its chain asks of an arithmetic (see descent)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from .checkerboard import Half, Rows
from .latent import LatentLayer


class LayerArithmetic(Protocol):
    """One layer's part of a chain's arithmetic."""

    @property
    def layer(self) -> LatentLayer:
        """The layer itself: codebooks and scores."""
        ...

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """e_p (n, D) on its grid and the canvas's prediction (n, v) from features (n, hidden)."""
        ...

    def values(self) -> Tensor:
        """What each symbol adds to the canvas. (K, v)"""
        ...

    def code(self, symbols: Tensor) -> Tensor:
        """What `follow` and the stage's `leave` need of symbols (n,): the first dimension is the position."""
        ...

    def follow(self, features: Tensor, rows: slice, code: Tensor) -> Tensor:
        """All features (N, hidden) once the symbols of some rows have joined them; where no neighbours are seen."""
        ...

    def propagate(self, features: Tensor, anchors: Half, non_anchors: Half, code: Tensor) -> Tensor:
        """All features once the symbols of one half have joined them and the other half has learned of these."""
        ...


class StageArithmetic(Protocol):
    """Layers of one scale that share one spatial update of the state."""

    @property
    def parts(self) -> Sequence[LayerArithmetic]:
        """The layers in coding order."""
        ...

    def enter(self, state: Tensor, quality: Tensor) -> Tensor:
        """The state after the spatial update, for quality codes (B,)."""
        ...

    def features(self, state: Tensor) -> Tensor:
        """The positions' features (N, hidden)."""
        ...

    def leave(self, state: Tensor, codes: list[Tensor]) -> Tensor:
        """The state once the codes of all its layers, each (N, ...), have joined it."""
        ...


class Reconstruction(Protocol):
    """What the symbols have painted, and the evidence beside it, in units of sigma."""

    def known(self, layer: LatentLayer, rows: Rows) -> Tensor | None:
        """The layer's coefficients of the evidence (n, v)."""
        ...

    def read(self, layer: LatentLayer, rows: Rows) -> Tensor | float:
        """The layer's coefficients as painted so far (n, v)."""
        ...

    def write(self, layer: LatentLayer, rows: Rows, decoded: Tensor) -> None:
        """Replaces the layer's coefficients."""
        ...

    def levels(self, counts: dict[int, int]) -> dict[int, Tensor]:
        """All coefficients by stride, tokens (counts[stride], channels), zero where nothing was painted."""
        ...


class ChainArithmetic(Protocol):
    """The arithmetic of a whole chain. A state is one tensor whose layout is its own."""

    strides: tuple[int, ...]

    def scales(self) -> Sequence[Sequence[StageArithmetic]]:
        """The stages of each stride, coarse first."""
        ...

    def blank(self, batch: int, size: tuple[int, int], device: torch.device) -> Tensor:
        """The state before the first stage."""
        ...

    def finer(self, scale: int, state: Tensor, size: tuple[int, int]) -> Tensor:
        """The state at scale `scale`, from the one before it."""
        ...

    def shown(self, state: Tensor) -> Tensor:
        """A state as (B, C, H, W) in units of the stream."""
        ...

    def reconstruction(
        self, counts: dict[int, int], coefficients: dict[int, Tensor] | None, device: torch.device
    ) -> Reconstruction:
        """An empty canvas."""
        ...

    def runs(self, layer: LatentLayer, count: int) -> list[slice]:
        """The blocks of `count` positions that a layer treats at once."""
        ...
