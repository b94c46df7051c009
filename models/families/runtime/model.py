"""A family of a weights file: inference, the top-down chain and the synthesis (see `families.model`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ..coding_checks import check_coding
from ..config import FamilyConfig, halvings
from .arithmetic import GRIDS, RuntimeArithmetic, arithmetic
from .layer import RuntimeLatentLayer
from .likelihoods import RuntimeLikelihood, likelihood
from .machine import IntegerMachine
from .mlp import Perceptron, perceptron_stem
from .nets import Map, Other, RuntimeConvolution, RuntimeDown, RuntimeSequence, RuntimeUp, blocks
from .top_down import RuntimeInference, RuntimeTopDown, Sampler


class RuntimeFamily:
    """The networks of a weights file.

    Args:
        config: Sizes of the model.
        tensors: All tensors of the file.

    Raises:
        ValueError: The configuration cannot code, the tensors do not fit it, or a sum could round.
    """

    def __init__(self, config: FamilyConfig, tensors: Any) -> None:
        check_coding(config)
        self.config, self.inference = config, arithmetic(exact=config.reversible)
        top = tensors.take("top", np.int16, (1, config.width, 1, 1)).reshape(-1).astype(np.float32)
        self._stem = _stem(config, tensors.below("stem"), self.inference)
        self._up = [_up(config, level, tensors.below(f"up.{level}"), self.inference) for level in range(config.levels)]
        down = [_down(config, level, tensors.below(f"down.{level}")) for level in range(config.levels)]
        names = [f"latents.{i}" for i in range(len(config.plans()))]
        layers = [
            RuntimeLatentLayer(name, plan, config, tensors.below(name))
            for name, plan in zip(names, config.plans(), strict=True)
        ]
        machine = IntegerMachine(config, tensors.below("boltzmann")) if config.boltzmann else None
        self.chain = RuntimeTopDown(config, top, down, layers, machine)
        self.likelihood: RuntimeLikelihood = likelihood(config, tensors.below("likelihood"))
        kind = Perceptron if config.network == "mlp" else Synthesis
        self._synthesis = kind(config, self.likelihood.outputs, tensors.below("synthesis"), self.inference)

    @property
    def layers(self) -> list[RuntimeLatentLayer]:
        """The layers in coding order."""
        return self.chain.layers

    def infer(self, x: Float32[NDArray[np.float32], "B S S channels"], sampler: Sampler) -> RuntimeInference:
        """Run the bottom-up pass.

        Args:
            x: Images; grey levels 0 to 255, or 0 and 1 for binary pixels.
            sampler: Chooses the symbols of layers that are inferred in the bottom-up pass.
        """
        h = self._stem(self._scaled(x))
        inference = RuntimeInference([], {}, {})
        upwards = {layer.plan.level: (i, layer) for i, layer in enumerate(self.layers) if layer.plan.bottom_up}
        for level, part in enumerate(self._up):
            h = part(h)
            inference.features.append(h)
            if level in upwards:
                h = self._choose_upwards(*upwards[level], h, sampler, inference)
        return inference

    def _scaled(self, x: Map) -> Map:
        """Return pixels as inputs of the stem: steps of 2**-4 in integer arithmetic."""
        if self.config.binary:
            return x * (32 if self.inference.exact else 2) - (16 if self.inference.exact else 1)
        return x - 128 if self.inference.exact else x / np.float32(127.5) - 1

    def _choose_upwards(
        self, index: int, layer: RuntimeLatentLayer, h: Map, sampler: Sampler, inference: RuntimeInference
    ) -> Map:
        """Choose a layer, and return the features with its symbols' embeddings."""
        query = layer.query(h, None)
        symbols = sampler(layer.codebook.scores(query))
        inference.queries[index], inference.choices[index] = query, symbols
        if layer.up is None:
            return h
        risen = layer.up(layer.vectors(symbols))
        return self.inference.residual(h + risen if self.config.skips else risen)

    def synthesise(self, d: Map) -> Other:
        """Return the parameters of the likelihood for the last features of the top-down chain."""
        return self._synthesis(d)


class Synthesis:
    """The network from the finest level's side to the parameters of the likelihood, in units."""

    def __init__(self, config: FamilyConfig, outputs: int, tensors: Any, own: RuntimeArithmetic) -> None:
        parts = list[Any]()
        detailed = config.likelihood != "neighbours"  # that likelihood models the finest detail itself
        for side in reversed(halvings(config.image, config.sides[0])):
            parts.append(RuntimeUp(tensors.below(str(len(parts))), config.width, side, own))
            parts += blocks(tensors, int(detailed), config, own, first=len(parts))
        parts += blocks(tensors, config.blocks * detailed, config, own, first=len(parts))
        self.arithmetic, self.chain = own, RuntimeSequence(*parts)
        self.last = RuntimeConvolution(tensors.below(str(len(parts) + 1)), config.width, outputs, own)  # after an ELU

    def __call__(self, d: Map) -> Other:
        """Return the parameters for features in steps of 2**-8."""
        raw = self.last(self.arithmetic.elu(self.chain(self.arithmetic.entered(d))))
        return self.arithmetic.units(raw)


def _stem(config: FamilyConfig, tensors: Any, own: RuntimeArithmetic) -> RuntimeSequence:
    """Return the network from pixels to the finest level's side."""
    if config.network == "mlp":
        return perceptron_stem(config, tensors, own)
    parts: list[Any] = [RuntimeConvolution(tensors.below("0"), config.channels, config.width, own)]
    for _ in halvings(config.image, config.sides[0]):
        parts.append(RuntimeDown(tensors.below(str(len(parts))), config.width, own))
    return RuntimeSequence(*parts)


def _up(config: FamilyConfig, level: int, tensors: Any, own: RuntimeArithmetic) -> RuntimeSequence:
    """Return the bottom-up chain of a level, from the side of the level below."""
    count = len(halvings(config.sides[max(level - 1, 0)], config.sides[level]))
    first = [RuntimeDown(tensors.below(str(i)), config.width, own) for i in range(count)]
    rest = tensors.below(str(len(first)))
    return RuntimeSequence(*first, *blocks(rest, config.blocks, config, own))


def _down(config: FamilyConfig, level: int, tensors: Any) -> RuntimeSequence:
    """Return the top-down chain of a level, from the side of the level above."""
    side, above = config.sides[level], config.sides[min(level + 1, config.levels - 1)]
    grown = reversed(halvings(side, above))
    first = [RuntimeUp(tensors.below(str(i)), config.width, larger, GRIDS) for i, larger in enumerate(grown)]
    return RuntimeSequence(*first, *blocks(tensors, config.blocks, config, GRIDS, first=len(first)))
