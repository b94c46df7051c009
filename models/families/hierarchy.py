"""The adapter between a family and the codec: small images of one size, numpy arrays in and out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...shapes import Float, Float32, Int32, Int64, UInt8
from ..integer.guard import default_modes, integer_arithmetic
from ..integer.prior import prior_weights
from ..interface import hierarchy as interface
from ..interface.bits_back import BitsBackSource, BitsBackStep
from ..top_down_pass import run_pass
from .coding_checks import refuse_size
from .integer import exact_posterior_scores, exact_scores
from .model import FamilyVAE
from .runtime.machine import MachineSource, Modes
from .steps import Inference, LatentStep
from .symbol_sources import mode


class StepAdapter:
    """Presents all positions of a layer to the codec, ordered by variable, then in raster order."""

    def __init__(self, step: LatentStep) -> None:
        self._step = step

    @property
    def layer(self) -> int:
        """Return the layer's index in coding order."""
        return self._step.index

    @property
    def count(self) -> int:
        """Return the number of variables."""
        return len(self._step.embedding)

    def weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return integer weights of the prior, (n, K); each row's sum is 2**24 - (K + 2)."""
        return np.asarray(prior_weights(exact_scores(self._step.layer, self._step.embedding)).cpu())

    def posterior_mode(self) -> Int32[NDArray[np.int32], " n"]:
        """Return the posterior's likeliest symbols, or those that inference chose in the bottom-up pass, (n,).

        Raises:
            ValueError: If the pass was given no inference.
        """
        posterior, inferred = self._step.posterior, self._step.inferred
        if posterior is None:
            raise ValueError("a posterior needs inference: the pass was given none")
        symbols = posterior.mode() if inferred is None else inferred
        return np.asarray(symbols.to(torch.int32).cpu())

    def posterior_weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return integer weights of the posterior of a reversible model, (n, K); each row's sum is 2**24 - K.

        Raises:
            ValueError: If the pass was given no inference.
        """
        if self._step.query is None:
            raise ValueError("a posterior needs inference: the pass was given none")
        weights = prior_weights(exact_posterior_scores(self._step.layer, self._step.query))
        weights[:, 0] += 2  # the two units that a prior leaves over
        return np.asarray(weights.cpu())


class SourceAdapter:
    """Hands the steps of a top-down pass to a symbol source of the codec.

    Args:
        source: The codec's source.
        device: Where the model is.
    """

    def __init__(
        self, source: interface.SymbolSource | BitsBackSource | MachineSource | Modes, device: torch.device
    ) -> None:
        self._source, self._device = source, device

    def next(self, step: LatentStep) -> Int64[Tensor, " n"]:
        """Return the symbols that the codec's source gives."""
        return torch.tensor(self._source.next(StepAdapter(step)), dtype=torch.int64, device=self._device)


def coding_source(
    model: FamilyVAE, source: interface.SymbolSource | BitsBackSource, images: int, inference: Inference | None
) -> SourceAdapter:
    """Return the symbol source of a pass that is coded.

    Args:
        model: A model restored from a weights file.
        source: The codec's source.
        images: Number of images.
        inference: Results of the bottom-up pass, if the source asks for the posterior.
    """
    device, machine = model.top.device, None if model.boltzmann is None else model.boltzmann.frozen
    if machine is None:
        return SourceAdapter(source, device)

    def ahead() -> list[BitsBackStep]:
        found = Modes()
        run_pass(model.start_pass(images, inference), SourceAdapter(found, device), 2)
        return found.steps

    return SourceAdapter(MachineSource(machine, source, images, ahead), device)


class FamilyHierarchy:
    """An integer family as an `interface.Hierarchy`. It has a single rate, so that the quality is ignored."""

    def __init__(self, name: str, model: FamilyVAE, device: str) -> None:
        self.name, self._device = name, torch.device(device)
        self._model = model.to(self._device).eval()
        self.residuals: interface.Residuals | None = None
        self.layers = tuple(
            interface.LayerSpec(m.plan.name, -(-model.config.image // m.plan.side), m.plan.symbols, False, 0)
            for m in model.layers()
        )

    @property
    def network(self) -> FamilyVAE:
        """Return the integer network."""
        return self._model

    def infer(self, pixels: UInt8[NDArray[np.uint8], "H W 3"], quality: int) -> Inference:
        """Run the bottom-up pass over an image.

        Args:
            pixels: 8-bit samples; equal channels for a model of grey images, 0 and 255 for one of binary images.
            quality: Ignored.

        Raises:
            UnsuitableImage: If the size or the colours are not those that the model codes.
        """
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
        with default_modes(), torch.inference_mode():
            return self._model.infer(x, mode)

    def top_down_pass(
        self, settings: interface.PassSettings, source: interface.SymbolSource, inference: object | None = None
    ) -> Float[Tensor, "1 C side side"]:
        """Run the top-down pass in integers, as `interface.Hierarchy.top_down_pass` says.

        Args:
            settings: Settings of the pass.
            source: The source of the symbols.
            inference: What `infer` returned, if the source asks for the posterior.

        Returns:
            The last features of the top-down chain, for `render`.

        Raises:
            UnsuitableImage: If the size is not that which the model codes.
        """
        assert inference is None or isinstance(inference, Inference)
        refuse_size(self._model.config, settings.height, settings.width)
        with integer_arithmetic():
            coding = coding_source(self._model, source, 1, inference)
            return run_pass(self._model.start_pass(1, inference), coding, settings.stop)

    def render(self, state: object) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the likelihood's mean as an image.

        Args:
            state: What `top_down_pass` returned.
        """
        assert isinstance(state, Tensor)
        likelihood, channels = self._model.p_x(), self._model.config.channels
        with default_modes(), torch.inference_mode():
            mean = likelihood.mean(self._model.synthesise(state)) * (255 if likelihood.binary else 1)
            levels = mean[0].add(0.5).floor().clamp(0, 255).to(torch.uint8)
        return np.ascontiguousarray(levels.expand(3 if channels == 1 else -1, -1, -1).permute(1, 2, 0).cpu().numpy())
