"""Protocols of the arithmetics of the top-down pass: with gradients for training, in integers for coding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from ....shapes import Float, Int64, Integer, Shaped
from .checkerboard import Half, Rows
from .latent import PhotoLatentLayer


class LayerArithmetic(Protocol):
    """The arithmetic of one layer."""

    @property
    def layer(self) -> PhotoLatentLayer:
        """The layer itself: its codebooks and scores."""
        ...

    def heads(self, features: Float[Tensor, "n hidden"]) -> tuple[Float[Tensor, "n D"], Float[Tensor, "n v"]]:
        """Return the outputs of the prior head and of the prediction head.

        Args:
            features: (n, hidden).

        Returns:
            The prior's embedding e_p (n, D) on its grid, and the prediction (n, v) in units of sigma.
        """
        ...

    def values(self) -> Float[Tensor, "K v"]:
        """Return the coefficients that each symbol adds to the reconstruction, (K, v) in units of sigma."""
        ...

    def codewords(self, symbols: Integer[Tensor, " n"]) -> Shaped[Tensor, " n *D"]:
        """Return the codewords of symbols (n,), which `follow` and the stage's `leave` take.

        A codeword is the row of the codebook that networks are given of a symbol: the row itself where gradients pass,
        the symbol where its products are read from tables. The first dimension is the position.
        """
        ...

    def follow(
        self, features: Float[Tensor, "N hidden"], rows: slice, codewords: Shaped[Tensor, " n *D"]
    ) -> Float[Tensor, "N hidden"]:
        """Return all features (N, hidden) after the symbol embeddings of some rows were added; for layers without
        neighbours.
        """
        ...

    def propagate(
        self, features: Float[Tensor, "N hidden"], anchors: Half, non_anchors: Half, codewords: Shaped[Tensor, " n *D"]
    ) -> Float[Tensor, "N hidden"]:
        """Return all features after a half's symbols were added to its own positions and to the neighbouring ones."""
        ...


class StageArithmetic(Protocol):
    """The arithmetic of layers of one scale that share one spatial update of the state."""

    @property
    def parts(self) -> Sequence[LayerArithmetic]:
        """The layers in coding order."""
        ...

    def enter(self, state: Float[Tensor, "B _ _ _"], quality: Int64[Tensor, " B"]) -> Float[Tensor, "B _ _ _"]:
        """Return the state after the spatial update, for network qualities (B,)."""
        ...

    def features(self, state: Float[Tensor, "B _ _ _"]) -> Float[Tensor, "N hidden"]:
        """Return the features of all positions, (N, hidden)."""
        ...

    def leave(
        self, state: Float[Tensor, "B _ _ _"], codewords: list[Shaped[Tensor, " N *_"]]
    ) -> Float[Tensor, "B _ _ _"]:
        """Return the state after the codewords (N, ...) of all of the stage's layers were added."""
        ...


class Reconstruction(Protocol):
    """The coefficients decoded so far, and those of an encoder's image, in units of sigma."""

    def known(self, layer: PhotoLatentLayer, rows: Rows) -> Float[Tensor, "n v"] | None:
        """Return the layer's coefficients of the encoder's image, (n, v); None in a decoder."""
        ...

    def read(self, layer: PhotoLatentLayer, rows: Rows) -> Float[Tensor, "n v"] | float:
        """Return the layer's decoded coefficients so far, (n, v)."""
        ...

    def write(self, layer: PhotoLatentLayer, rows: Rows, decoded: Float[Tensor, "n v"]) -> None:
        """Replace the layer's decoded coefficients."""
        ...

    def levels(self, counts: dict[int, int]) -> dict[int, Float[Tensor, "_ _"]]:
        """Return all coefficients by stride as tokens (counts[stride], channels), zero if nothing was decoded."""
        ...


class ChainArithmetic(Protocol):
    """The arithmetic of a whole top-down chain. A state is one tensor whose layout is the arithmetic's own."""

    strides: tuple[int, ...]

    def scales(self) -> Sequence[Sequence[StageArithmetic]]:
        """Return the stages of each stride, the coarsest first."""
        ...

    def initial_state(self, batch: int, size: tuple[int, int], device: torch.device) -> Float[Tensor, "B _ _ _"]:
        """Return the state before the first stage."""
        ...

    def upsample(self, scale: int, state: Float[Tensor, "B _ _ _"], size: tuple[int, int]) -> Float[Tensor, "B _ _ _"]:
        """Return the state at scale `scale`, from the state of the coarser scale before it."""
        ...

    def state_map(self, state: Float[Tensor, "B _ _ _"]) -> Float[Tensor, "B C H W"]:
        """Return a state as (B, C, H, W) in units of the residual stream."""
        ...

    def reconstruction(
        self, counts: dict[int, int], coefficients: dict[int, Float[Tensor, "_ _"]] | None, device: torch.device
    ) -> Reconstruction:
        """Return an empty reconstruction."""
        ...

    def position_blocks(self, layer: PhotoLatentLayer, count: int) -> list[slice]:
        """Return the blocks of `count` positions that a layer codes one after the other."""
        ...
