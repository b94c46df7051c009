"""A second top-down pass of models of small images, written from docs/FORMAT.md ("Small images") alone: numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference_weights import Tensors

Floats = NDArray[np.float64]
Choice = Callable[[int, Floats], NDArray[np.int64]]


def rounded(x: Floats, bits: int, limit: float) -> Floats:
    """Round half up to a multiple of 2**-bits, and clamp."""
    return np.clip(np.floor(x * 2.0**bits + 0.5) / 2.0**bits, -limit, limit)


def signed(x: Floats) -> Floats:
    """Return an input of a linear map."""
    return rounded(x, 4, 127 / 16)


def stream(x: Floats) -> Floats:
    """Return a value of the state."""
    return rounded(x, 8, 15)


def _looked_up(x: Floats) -> Floats:
    return np.clip(np.floor(x * 64 + 0.5) / 64, -8, 8 - 1 / 64)


def elu(x: Floats) -> Floats:
    """Return ELU on its grid."""
    p = _looked_up(x)
    steps: Floats = np.floor(16 * np.where(p > 0, p, np.exp(p) - 1) + 0.5)
    return np.minimum(127, steps) / 16


def gate(x: Floats) -> Floats:
    """Return the logistic function on its grid."""
    steps: Floats = np.floor(256 / (1 + np.exp(-_looked_up(x))) + 0.5)
    return steps / 256


def weights_of(scores: Floats) -> Floats:
    """Return the entropy coder's integer weights for scores in bits. (n, K)"""
    t = np.floor(256 * (scores.max(1, keepdims=True) - scores)).astype(int)
    u = np.where(t < 5376, np.floor(np.floor(2.0 ** (20 - t % 256 / 256) + 0.5) / 2.0 ** (t // 256)), 0)
    free = 2**24 - (u.shape[1] + 2)
    found: Floats = np.floor(u * free / u.sum(1, keepdims=True))
    found[:, 0] += free - found.sum(1)
    return found


class Reference:
    """The top-down pass for one image."""

    def __init__(self, config: dict[str, Any], tensors: Tensors) -> None:
        self.config = config
        self.tensors = {name: values.astype(float) for name, values in tensors.items()}

    def linear(self, name: str, x: Floats) -> Floats:
        """Return a 1x1 or 3x3 map of (C, h, w)."""
        channels, h, w = x.shape
        scale = 2.0 ** self.tensors[f"{name}.shift"]
        weight = self.tensors[f"{name}.weight"] / scale[:, None]
        if weight.shape[1] == 9 * channels:
            wide = np.pad(x, ((0, 0), (1, 1), (1, 1)))
            x = np.stack([c[i : i + h, j : j + w] for c in wide for i in range(3) for j in range(3)])
        bias = self.tensors[f"{name}.bias"] / (16 * scale)
        return np.asarray(np.tensordot(weight, x, 1) + bias[:, None, None])

    def block(self, name: str, d: Floats) -> Floats:
        """Return a residual block's result."""
        added = self.linear(f"{name}.second", elu(self.linear(f"{name}.first", elu(d))))
        if self.config["block"] == "gated":
            a, b = np.split(added, 2)
            added = signed(a) * gate(b)
        return stream(d + added)

    def blocks(self, name: str, count: int, d: Floats, first: int = 0) -> Floats:
        """Return the result of several blocks."""
        for index in range(first, first + count):
            d = self.block(f"{name}.{index}", d)
        return d

    def up(self, name: str, d: Floats, side: int) -> Floats:
        """Return a map of twice the side, cropped."""
        channels, h, w = d.shape
        patches = self.linear(f"{name}.patch", elu(d)).reshape(channels, 2, 2, h, w)
        grown = patches.transpose(0, 3, 1, 4, 2).reshape(channels, 2 * h, 2 * w) + d.repeat(2, 1).repeat(2, 2)
        return stream(grown[:, :side, :side])

    def scores(self, name: str, variables: int, d: Floats) -> tuple[Floats, int]:
        """Return the prior's scores of a layer, (variables * positions, K), and the side of its positions."""
        h = elu(self.blocks(f"{name}.prior_head.blocks", self.config["head_blocks"], d))
        e = rounded(self.linear(f"{name}.prior_head.last", h.reshape(-1, 1, 1) if self.config["dense"] else h), 6, 15)
        side = e.shape[1]
        rows = e.reshape(variables, -1, side**2)
        book = {key: self.tensors.get(f"{name}.codebook.{key}") for key in ("constant", "linear", "quadratic")}
        assert book["constant"] is not None and book["linear"] is not None
        found = book["constant"].transpose(0, 2, 1) + np.einsum("vdk,vdp->vkp", book["linear"], rows)
        if book["quadratic"] is not None:
            found = found + np.einsum("vdk,vdp->vkp", book["quadratic"], rows**2)
        return found.transpose(0, 2, 1).reshape(variables * side**2, -1) / 2**16, side

    def embedding(self, name: str, symbols: NDArray[np.int64], side: int, wanted: int) -> Floats:
        """Return what a layer leaves for the state."""
        codes = self.tensors[f"{name}.codebook.codes"] / 2**4
        vectors = np.stack([book[own] for book, own in zip(codes, symbols.reshape(len(codes), -1), strict=True)])
        mapped = self.linear(
            f"{name}.symbol_embedding.first", signed(vectors.transpose(0, 2, 1).reshape(-1, side, side))
        )
        mapped = mapped.reshape(-1, wanted, wanted)
        return self.blocks(f"{name}.symbol_embedding.blocks", self.config["head_blocks"], stream(mapped))

    def run(self, choose: Choice) -> Floats:
        """Run the pass, symbols being chosen given the layer and its weights, and return the likelihood's maps."""
        sides, skips = self.config["sides"], self.config["hierarchy"] not in ("vae", "lvae")
        d = np.tile(self.tensors["top"][0] / 2**8, (1, sides[-1], sides[-1]))
        for index, level in enumerate(reversed(range(len(sides)))):
            grows = level + 1 < len(sides) and sides[level + 1] != sides[level]
            d = self.up(f"down.{level}.0", d, sides[level]) if grows else d
            d = self.blocks(f"down.{level}", self.config["blocks"], d, int(grows))
            scores, side = self.scores(f"latents.{index}", self.config["variables"][level], d)
            left = self.embedding(f"latents.{index}", choose(index, weights_of(scores)), side, sides[level])
            d = stream(d + left) if skips else stream(left)
        return self.synthesis(d)

    def synthesis(self, d: Floats) -> Floats:
        """Return the maps of the likelihood `neighbours`."""
        sides = [self.config["image"]]
        while sides[-1] > self.config["sides"][0]:
            sides.append((sides[-1] + 1) // 2)
        for index, side in enumerate(reversed(sides[:-1])):
            d = self.up(f"synthesis.{index}", d, side)
        return self.linear(f"synthesis.{len(sides)}", elu(d))
