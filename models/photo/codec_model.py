"""The photograph model as the codec uses it (`models.interface.photo`), with numpy arrays as arguments and results."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...progress import OnProgress, ignore
from ...shapes import Float32, Int32, Int64, UInt8
from ..integer.guard import default_modes, integer_arithmetic
from ..integer.prior import prior_weights
from ..interface import hierarchy as interface
from ..interface.adaptive_filter import ImageFilter
from ..interface.photo import Region
from .adaptive_filter.fit import FilterTables
from .bands import fit_bands, infer_bands, reduced_bands, render_bands
from .encoder.lookahead_tiles import lookahead_in_tiles
from .encoder.perceptual_weights import block_weights, visibility
from .integer.chain import IntegerChain
from .network.model import DecoderOutput, PhotoRRVQ, grid_sizes
from .network.top_down import DistortionWeights, PhotoStep, SymbolCosts, run_photo_pass
from .quality import QualityMap
from .reduction import reduced_layers


class _StepAdapter:
    """One block of positions behind the interface of the codec."""

    def __init__(self, step: PhotoStep) -> None:
        self._step = step
        self._scores = step.layer.exact_scores(step.embedding)  # (n, K) float64

    @property
    def layer(self) -> int:
        """Index of the layer in coding order."""
        return self._step.index

    @property
    def count(self) -> int:
        """Number of positions."""
        return self._step.embedding.shape[0]

    def weights(self) -> Float32[NDArray[np.float32], "n K"]:
        """Return the integer prior weights (n, K), rows summing to 2**24 - (K + 2)."""
        return np.asarray(prior_weights(self._scores).cpu())

    def posterior_mode(self) -> Int32[NDArray[np.int32], " n"]:
        """Return argmin_k |e_q - values_k|^2 / (2 sigma^2) - ln p(k), the mode of the rate-distortion posterior, (n,).

        Distortion weights and look-ahead costs are included if the encoder's targets have them.
        """
        cost = self._step.costs().sub_(self._scores.float().mul_(math.log(2)))
        symbols: NDArray[np.int32] = np.argmin(cost.cpu().numpy(), axis=1).astype(np.int32)  # faster than torch's
        return symbols


class _SourceAdapter:
    """Passes the steps of a pass to a source of the codec."""

    def __init__(self, source: interface.SymbolSource, device: torch.device) -> None:
        self._source, self._device = source, device

    def next(self, step: PhotoStep) -> Int32[Tensor, " n"]:
        """Return symbols (n,) int32."""
        return torch.tensor(self._source.next(_StepAdapter(step)), dtype=torch.int32, device=self._device)


@dataclass
class EncoderTargets:
    """What posteriors depend on: coefficients by stride in units of sigma, tokens (N, channels), and costs."""

    levels: dict[int, Tensor] | None
    lookahead_costs: SymbolCosts | None = None
    """Costs of symbols in later layers (models.photo.encoder.lookahead)."""
    weights: DistortionWeights | None = None
    """Weights of the distortion (models.photo.encoder.perceptual_weights)."""


class PhotoCodecModel(FilterTables):
    """A `PhotoRRVQ` with quantised weights behind the interface of the codec (`interface.photo.PhotoModel`).

    Args:
        name: Name of the weights.
        model: The network.
        qualities: Its range of network qualities.
        device: "cpu" or "cuda".
    """

    exact_pixels = False

    def __init__(self, name: str, model: PhotoRRVQ, qualities: QualityMap, device: str) -> None:
        self.name, self._qualities, self._device = name, qualities, torch.device(device)
        self._model = model.to(self._device).eval().requires_grad_(False)
        for layer in self._model.chain.layers():
            layer.move_exact_prior(self._device)
        with torch.inference_mode():
            self._chain = IntegerChain(self._model.chain)
        self.residuals: interface.Residuals | None = None
        self.layers = tuple(
            interface.LayerSpec(m.name, m.stride, m.symbols, m.chroma, m.null_symbol())
            for m in self._model.chain.layers()
        )

    @property
    def network(self) -> PhotoRRVQ:
        """The network itself, from which training can start."""
        return self._model

    def network_quality(self, quality: int) -> Int64[Tensor, " 1"]:
        """Return the network quality of a fixed-point quality round(q * 256), (1,) int64."""
        return torch.tensor([self._qualities.network_quality(quality)], device=self._device)

    def infer(self, pixels: UInt8[NDArray[np.uint8], "H W 3"], quality: int) -> EncoderTargets:
        """Run the bottom-up pass over pixels (H, W, 3)."""
        with default_modes(), torch.inference_mode():
            return EncoderTargets(infer_bands(self._model, pixels, self.network_quality(quality)))

    def lookahead_targets(
        self,
        pixels: UInt8[NDArray[np.uint8], "H W 3"],
        settings: interface.PassSettings,
        passes: int,
        *,
        perceptual: bool,
    ) -> EncoderTargets:
        """Return the targets of an encoder after passes that look ahead; see `PhotoModel.lookahead_targets`."""
        with default_modes():
            network_quality = self.network_quality(settings.quality)
            blocks = block_weights(pixels).to(self._device) if perceptual else None
            correction, lookahead_costs = lookahead_in_tiles(
                self._model, pixels, network_quality, passes, grey=settings.grey, blocks=blocks
            )
            weights = None if blocks is None else visibility(blocks)
            with torch.inference_mode():
                return EncoderTargets(
                    infer_bands(self._model, pixels, network_quality, correction=correction), lookahead_costs, weights
                )

    def top_down_pass(
        self, settings: interface.PassSettings, source: interface.SymbolSource, targets: object | None = None
    ) -> DecoderOutput:
        """Run the top-down pass in exact arithmetic; see `interface.Hierarchy.top_down_pass`."""
        assert targets is None or isinstance(targets, EncoderTargets)
        known, size = targets or EncoderTargets(None), (settings.height, settings.width)
        network_quality = self.network_quality(settings.quality)
        adapted = _SourceAdapter(source, self._device)
        with integer_arithmetic():
            state, reconstruction = run_photo_pass(
                self._chain,
                grid_sizes(size),
                network_quality,
                adapted,
                known.levels,
                lookahead_costs=known.lookahead_costs,
                weights=known.weights,
                grey=settings.grey,
                stop=settings.stop,
            )
            return DecoderOutput(state, reconstruction, self._model.sigma(network_quality), size, network_quality)

    def saturation(self, state: object, targets: object) -> float:
        """Return the mean squared, weighted error of the reconstruction in units of sigma^2."""
        assert isinstance(state, DecoderOutput) and isinstance(targets, EncoderTargets) and targets.levels is not None
        total, weights = 0.0, targets.weights
        for stride, reconstruction in state.reconstruction.items():
            weight = 1.0 if weights is None else weights.positions[stride][:, 0]
            for c, (decoded, target) in enumerate(
                zip(reconstruction.unbind(1), targets.levels[stride].unbind(1), strict=True)
            ):
                if stride != 8 or c % 64:  # the block means are carried by the coarser strides
                    importance = 1.0 if weights is None else float(weights.coefficients[stride][c])
                    total += importance * float(((decoded - target).square() * weight).sum())
        return total / state.reconstruction[8].numel()

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the pixels (H, W, 3) of a state; a region is cut out of them."""
        assert isinstance(state, DecoderOutput)
        with default_modes(), torch.inference_mode():
            pixels = render_bands(self._model, state, image_filter=image_filter)
        return pixels if region is None else pixels[region]

    def reduced_layers(self, denominator: int) -> int:
        """Return how many layers a smaller picture needs; see `PhotoModel.reduced_layers`."""
        return reduced_layers(self._model.config.layout, denominator)

    def render_reduced(self, state: object, denominator: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
        """Return the pixels of a state at a half, a quarter or an eighth of its size."""
        assert isinstance(state, DecoderOutput)
        with default_modes(), torch.inference_mode():
            return reduced_bands(self._model, state, denominator)

    def fit(
        self, state: object, pixels: UInt8[NDArray[np.uint8], "H W 3"], on_progress: OnProgress = ignore
    ) -> ImageFilter | None:
        """Return the filter for pixels (H, W, 3) and the state of their pass."""
        assert isinstance(state, DecoderOutput)
        with default_modes(), torch.inference_mode():
            return fit_bands(self._model, state, pixels)
