"""A family behind the seam that the codec sees: small images of one size, numpy in, numpy out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..integer.guard import integer_arithmetic
from ..integer.prior import prior_weights
from ..interface import hierarchy as interface
from ..interface import sets as set_interface
from ..top_down_pass import run_pass
from .config import FamilyConfig
from .integer import exact_posterior_scores, exact_scores
from .model import FamilyVAE
from .steps import Inference, Step
from .symbol_sources import mode


class StepAdapter:
    """All positions of a layer as the codec may see them: by variable, then in raster order."""

    def __init__(self, step: Step) -> None:
        self._step = step

    @property
    def layer(self) -> int:
        """Index of the layer in coding order."""
        return self._step.index

    @property
    def count(self) -> int:
        """Number of variables."""
        return len(self._step.embedding)

    def weights(self) -> NDArray[np.float32]:
        """Integer prior weights (n, K), rows summing to 2**24 - (K + 2)."""
        return np.asarray(prior_weights(exact_scores(self._step.layer, self._step.embedding)).cpu())

    def posterior_mode(self) -> NDArray[np.int32]:
        """The likeliest symbols of q, or those that inference chose on its way up. (n,)"""
        posterior, inferred = self._step.posterior, self._step.inferred
        if posterior is None:
            raise ValueError("a posterior needs inference: the pass was given none")
        symbols = posterior.mode() if inferred is None else inferred
        return np.asarray(symbols.to(torch.int32).cpu())

    def posterior_weights(self) -> NDArray[np.float32]:
        """Integer weights of q (n, K), rows summing to 2**24 - K; of reversible models."""
        if self._step.query is None:
            raise ValueError("a posterior needs inference: the pass was given none")
        weights = prior_weights(exact_posterior_scores(self._step.layer, self._step.query))
        weights[:, 0] += 2  # the two units that a prior leaves over
        return np.asarray(weights.cpu())


class SourceAdapter:
    """Hands the walk's steps to a chooser of the codec."""

    def __init__(self, source: interface.SymbolSource | set_interface.LatentSource, device: torch.device) -> None:
        self._source, self._device = source, device

    def next(self, step: Step) -> Tensor:
        """Symbols (n,) int64."""
        return torch.tensor(self._source.next(StepAdapter(step)), dtype=torch.int64, device=self._device)


class FamilyHierarchy:
    """A frozen family as an `interface.Hierarchy`. It has one rate: the quality is not asked for."""

    def __init__(self, name: str, model: FamilyVAE, device: str) -> None:
        self.name, self._device = name, torch.device(device)
        self._model = model.to(self._device).eval()
        self.layers = tuple(
            interface.LayerSpec(m.plan.name, -(-model.config.image // m.plan.side), m.plan.symbols, False, 0)
            for m in model.layers()
        )

    @property
    def network(self) -> FamilyVAE:
        """The frozen network itself."""
        return self._model

    def infer(self, pixels: NDArray[np.uint8], quality: int) -> Inference:
        """The bottom-up pass over (H, W, 3) pixels. UnsuitableImage if they are not of the model's kind."""
        config = self._model.config
        refuse_size(config, *pixels.shape[:2])
        channels = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        if config.channels == 1 and bool((channels != channels[:, :1]).any()):
            raise interface.UnsuitableImage("these weights code grey images, not colour")
        x = torch.from_numpy(channels[:, : config.channels]).to(self._device, torch.float32)
        if self._model.p_x().binary:
            if not bool(((x == 0) | (x == 255)).all()):
                raise interface.UnsuitableImage("these weights code images of black and white alone, without greys")
            x = x / 255
        with torch.inference_mode():
            return self._model.infer(x, mode)

    def top_down_pass(
        self, settings: interface.PassSettings, source: interface.SymbolSource, inference: object | None = None
    ) -> Tensor:
        """Run the top-down pass in integers; see `Hierarchy.top_down_pass`. UnsuitableImage for another size."""
        assert inference is None or isinstance(inference, Inference)
        refuse_size(self._model.config, settings.height, settings.width)
        with integer_arithmetic():
            return run_pass(self._model.start_pass(1, inference), SourceAdapter(source, self._device), settings.stop)

    def render(self, state: object) -> NDArray[np.uint8]:
        """The likelihood's mean (H, W, 3)."""
        assert isinstance(state, Tensor)
        likelihood, channels = self._model.p_x(), self._model.config.channels
        with torch.inference_mode():
            mean = likelihood.mean(self._model.synthesise(state)) * (255 if likelihood.binary else 1)
            levels = mean[0].add(0.5).floor().clamp(0, 255).to(torch.uint8)
        return np.ascontiguousarray(levels.expand(3 if channels == 1 else -1, -1, -1).permute(1, 2, 0).cpu().numpy())


def refuse_size(config: FamilyConfig, height: int, width: int) -> None:
    """UnsuitableImage unless it is the model's one size."""
    if (height, width) != (config.image, config.image):
        size = f"{config.image} x {config.image}"
        raise interface.UnsuitableImage(f"these weights code images of {size} pixels, not {width} x {height}")
