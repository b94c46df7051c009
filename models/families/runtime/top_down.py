"""The bottom-up pass's results, and the top-down pass over images of one batch (see `families.top_down`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32, Float64, Int32
from ...interface.bits_back import BitsBackStep
from ...runtime.linear import STATE_LIMIT, clamped
from ...runtime.prior import prior_weights
from ...top_down_pass import StepSource
from ..config import FamilyConfig
from .layer import RuntimeLatentLayer
from .machine import IntegerMachine, MachineSource, Modes
from .nets import Map, RuntimeSequence

Symbols = Int32[NDArray[np.int32], " n"]

Sampler = Callable[[Float64[NDArray[np.float64], "n K"]], Symbols]
"""A rule that takes symbols (n,) from scores (n, K)."""


def likeliest(scores: Float64[NDArray[np.float64], "n K"]) -> Symbols:
    """Return the symbols of the largest scores."""
    found: NDArray[np.int32] = scores.argmax(axis=1).astype(np.int32)
    return found


@dataclass(frozen=True)
class RuntimeInference:
    """The results of a bottom-up pass over images.

    Args:
        features: Features of the bottom-up chain by level, finest first.
        queries: The posterior's embeddings (rows, D), in steps of 2**-6, of layers chosen in this pass, by index.
        choices: The symbols of these layers, by index.
    """

    features: list[NDArray[np.float32]]
    queries: dict[int, NDArray[np.float32]]
    choices: dict[int, NDArray[np.int32]]


class FamilyStep:
    """All positions of one layer, ordered by variable, then by image, then in raster order.

    Args:
        layer: The layer's place in coding order.
        networks: Its networks.
        d: Features of the top-down chain.
        inference: Results of the bottom-up pass; None to decode.
    """

    def __init__(self, layer: int, networks: RuntimeLatentLayer, d: Map, inference: RuntimeInference | None) -> None:
        self.layer, self.count = layer, networks.count(len(d))
        self._networks, self._d, self._inference = networks, d, inference

    @cached_property
    def posterior_scores(self) -> Float64[NDArray[np.float64], "n K"]:
        """Return the posterior's scores in bits, exact in a reversible model.

        Raises:
            ValueError: The pass was given no inference.
        """
        if self._inference is None:
            raise ValueError("a posterior needs inference: the pass was given none")
        query = self._inference.queries.get(self.layer)
        if query is None:
            query = self._networks.query(self._inference.features[self._networks.plan.level], self._d)
        return self._networks.codebook.scores(query)

    def weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return integer weights of the prior; each row's sum is 2**24 - (K + 2)."""
        return prior_weights(self._networks.prior_scores(self._d))

    def posterior_mode(self) -> Symbols:
        """Return the posterior's likeliest symbols, or those that inference chose in the bottom-up pass.

        Raises:
            ValueError: The pass was given no inference.
        """
        chosen = None if self._inference is None else self._inference.choices.get(self.layer)
        return likeliest(self.posterior_scores) if chosen is None else chosen

    def posterior_weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return integer weights of the posterior of a reversible model; each row's sum is 2**24 - K.

        Raises:
            ValueError: The pass was given no inference.
        """
        weights = prior_weights(self.posterior_scores)
        weights[:, 0] += 2  # the two units that a prior leaves over
        return weights


FamilySource = StepSource[BitsBackStep, NDArray[np.int32]]
"""Gives the symbols of a layer after the other."""


class RuntimeTopDown:
    """The top-down chain and the layers beside it.

    Args:
        config: Sizes of the model.
        top: The chain's learned start, (width,) in steps of 2**-8.
        down: The chain's blocks by level, finest first.
        layers: The layers in coding order.
        machine: The prior of the coarsest layers, where it is a Boltzmann machine.
    """

    def __init__(
        self,
        config: FamilyConfig,
        top: Float32[NDArray[np.float32], " width"],
        down: list[RuntimeSequence],
        layers: list[RuntimeLatentLayer],
        machine: IntegerMachine | None = None,
    ) -> None:
        self.config, self.top, self.down, self.layers, self.machine = config, top, down, layers, machine

    def run(
        self, images: int, source: FamilySource, inference: RuntimeInference | None, stop: int | None = None
    ) -> Map:
        """Run the pass and return the chain's features at the finest level, in steps of 2**-8.

        Args:
            images: Number of images B.
            source: The source of the symbols.
            inference: Results of the bottom-up pass, if the source asks for the posterior.
            stop: Number of layers to visit, after which layers add nothing; None visits all.
        """
        if self.machine is not None:
            source = MachineSource(self.machine, source, images, lambda: self._modes(images, inference))
        return self._run(images, source, inference, stop)

    def _modes(self, images: int, inference: RuntimeInference | None) -> list[BitsBackStep]:
        """Return the steps of the first two layers, in a pass that takes the posterior's modes."""
        found = Modes()
        self._run(images, found, inference, 2)
        return found.steps

    def _run(self, images: int, source: FamilySource, inference: RuntimeInference | None, stop: int | None) -> Map:
        side, level = self.config.sides[-1], self.config.levels
        d: NDArray[np.float32] = np.broadcast_to(self.top, (images, side, side, len(self.top)))
        pending: list[NDArray[np.float32]] = []
        for index, layer in enumerate(self.layers[:stop]):
            while level > layer.plan.level:
                level -= 1
                d = self.down[level](self._merged(d, pending))
            symbols = source.next(FamilyStep(index, layer, d, inference))
            pending.append(layer.symbol_embedding(layer.vectors(symbols)))
        for lower in reversed(range(level)):
            d = self.down[lower](self._merged(d, pending))
        return self._merged(d, pending)

    def _merged(self, d: Map, pending: list[NDArray[np.float32]]) -> Map:
        """Return the features with what the layers of the level above have added, which is then forgotten."""
        if not pending:
            return d
        total = sum(pending[1:], pending[0])
        pending.clear()
        return clamped(d + total if self.config.skips else total, -STATE_LIMIT, STATE_LIMIT)
