"""Likelihoods p(x | z) as a codec needs them: the means that lossy images show (see `families.likelihoods`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ....shapes import Float32
from ..config import FamilyConfig
from .arithmetic import sigmoid
from .neighbours import neighbours
from .nets import Map
from .scales import RuntimeScales

Levels = Float32[NDArray[np.float32], "B H W channels"]


class RuntimeLikelihood(Protocol):
    """A distribution of images given maps of parameters."""

    outputs: int
    """Number of parameters of a pixel."""

    def mean(self, raw: Map) -> Levels:
        """Return E[x | z], or an estimate of x where that has no closed form, in grey levels 0 to 255."""
        ...


class RuntimeBernoulli:
    """Independent binary pixels; the parameters are their logits."""

    def __init__(self, config: FamilyConfig, tensors: Any) -> None:
        self.outputs = config.channels

    def mean(self, raw: Map) -> Levels:
        """Return the probabilities of 1, as grey levels."""
        return sigmoid(raw) * 255


class RuntimeLogistic:
    """A discretised logistic or a Gaussian: a mean for each pixel, one scale for each channel for training alone."""

    def __init__(self, config: FamilyConfig, tensors: Any) -> None:
        self.outputs = config.channels
        tensors.take("log_scale", np.float16, (config.channels, 1, 1))

    def mean(self, raw: Map) -> Levels:
        """Return the logistic's mean, clamped to the levels."""
        return _levels(np.clip(raw, -1, 1))


class RuntimeMixture:
    """A mixture of discretised logistics for each pixel."""

    def __init__(self, config: FamilyConfig, tensors: Any) -> None:
        self.parts, self.channels = config.mixtures, config.channels
        self.outputs = self.parts * (1 + 2 * self.channels)
        spread = np.linspace(-0.5, 0.5, self.parts) if self.parts > 1 else np.zeros(1)
        self.spread: NDArray[np.float32] = spread.astype(np.float32)[:, None]

    def mean(self, raw: Map) -> Levels:
        """Return the mean of the clamped means, by the components' weights."""
        scores, rest = raw[..., : self.parts], raw[..., self.parts : self.parts * (1 + self.channels)]
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        means = rest.reshape(*rest.shape[:3], self.parts, self.channels) + self.spread
        return _levels((weights[..., None] * np.clip(means, -1, 1)).sum(axis=-2))


def _levels(x: Float32[NDArray[np.float32], "B H W C"]) -> Float32[NDArray[np.float32], "B H W C"]:
    """Convert [-1, 1] to grey levels."""
    return (x + 1) * np.float32(127.5)


def _scales(config: FamilyConfig, tensors: Any) -> RuntimeScales:
    pixels = RuntimeBernoulli(config, tensors) if config.channels == 1 else RuntimeMixture(config, tensors)
    return RuntimeScales(config, tensors, pixels.outputs, pixels.mean)


KINDS: dict[str, Callable[[FamilyConfig, Any], RuntimeLikelihood]] = {
    "bernoulli": RuntimeBernoulli,
    "logistic": RuntimeLogistic,
    "gaussian": RuntimeLogistic,
    "mixture": RuntimeMixture,
    "neighbours": neighbours,
    "scales": _scales,
}


def likelihood(config: FamilyConfig, tensors: Any) -> RuntimeLikelihood:
    """Return the likelihood of a configuration and the tensors of a weights file.

    Raises:
        ValueError: The tensors do not fit, or a sum could round.
    """
    return KINDS[config.likelihood](config, tensors)
