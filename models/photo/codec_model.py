"""The photograph model behind the seam that the codec sees (`models.interface.hierarchy`): numpy in, numpy out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..integer.guard import default_modes, integer_arithmetic
from ..integer.prior import prior_weights
from ..interface import hierarchy as interface
from ..interface.adaptive_filter import ImageFilter
from .adaptive_filter.apply import PLANES, TERMS
from .adaptive_filter.fit import tables
from .bands import fit_bands, infer_bands, render_bands
from .encoder.lookahead_tiles import lookahead_in_tiles
from .encoder.perceptual_weights import block_weights, visibility
from .integer.chain import IntegerChain
from .integer.exact_reconstruction import ExactReconstructionChain, fixed_sigma, image_of
from .network.model import DecoderOutput, PhotoRRVQ, grid_sizes
from .network.top_down import Step, SymbolCosts, Weights, run_photo_pass


@dataclass(frozen=True)
class QualityMap:
    """Codes of the chain at quality 1 and 100; between them the code is linear in the quality (log lambda too)."""

    lowest: int
    highest: int

    def code(self, quality: int) -> int:
        """The chain's code in [0, 4096] for a fixed-point quality round(q * 256); integers throughout."""
        span = 99 * 256
        return (self.lowest * span + (quality - 256) * (self.highest - self.lowest) + span // 2) // span


class _StepAdapter:
    """One block of positions as the codec may see it."""

    def __init__(self, step: Step) -> None:
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

    def weights(self) -> NDArray[np.float32]:
        """Integer prior weights (n, K), rows summing to 2**24 - (K + 2)."""
        return np.asarray(prior_weights(self._scores).cpu())

    def posterior_mode(self) -> NDArray[np.int32]:
        """argmin_k |e_q - values_k|^2 / (2 sigma^2) - ln p(k), the rate-distortion posterior's mode. (n,)

        Distortion is weighted, and what k costs further down is added, where the evidence knows of these.
        """
        cost = self._step.costs().sub_(self._scores.float().mul_(math.log(2)))
        symbols: NDArray[np.int32] = np.argmin(cost.cpu().numpy(), axis=1).astype(np.int32)  # faster than torch's
        return symbols


class _SourceAdapter:
    """Hands the walk's tensor steps to a chooser of the codec."""

    def __init__(self, source: interface.SymbolSource, device: torch.device) -> None:
        self._source, self._device = source, device

    def next(self, step: Step) -> Tensor:
        """Symbols (n,) int32."""
        return torch.tensor(self._source.next(_StepAdapter(step)), dtype=torch.int32, device=self._device)


@dataclass
class EncoderTargets:
    """A walk's evidence: coefficients in units of sigma by stride, and what else choices weigh."""

    levels: dict[int, Tensor] | None
    ahead: SymbolCosts | None = None
    """What symbols cost further down (models.photo.encoder.lookahead)."""
    weights: Weights | None = None
    """How much distortion counts where (models.photo.encoder.perceptual_weights)."""


class PhotoCodecModel:
    """A frozen `PhotoRRVQ` as the codec sees it (`interface.photo.PhotoModel`)."""

    def __init__(self, name: str, model: PhotoRRVQ, qualities: QualityMap, device: str) -> None:
        self.name, self._qualities, self._device = name, qualities, torch.device(device)
        self._model = model.to(self._device).eval().requires_grad_(False)
        for layer in self._model.chain.layers():
            layer.move_exact(self._device)
        with torch.inference_mode():
            self._chain = IntegerChain(self._model.chain)
        self._exact: ExactReconstructionChain | None = None
        self.layers = tuple(
            interface.LayerSpec(m.name, m.stride, m.symbols, m.chroma, m.null_symbol())
            for m in self._model.chain.layers()
        )

    @property
    def network(self) -> PhotoRRVQ:
        """The frozen network itself, for training to start from."""
        return self._model

    def codes(self, quality: int) -> Tensor:
        """The chain's code of a quality, as the networks take it: (1,) int64."""
        return torch.tensor([self._qualities.code(quality)], device=self._device)

    def infer(self, pixels: NDArray[np.uint8], quality: int) -> EncoderTargets:
        """The bottom-up pass over (H, W, 3) pixels."""
        with default_modes(), torch.inference_mode():
            return EncoderTargets(infer_bands(self._model, pixels, self.codes(quality)))

    def lookahead_targets(
        self, pixels: NDArray[np.uint8], settings: interface.PassSettings, passes: int, *, perceptual: bool
    ) -> EncoderTargets:
        """Return the targets of an encoder that has looked ahead; see `PhotoModel.lookahead_targets`."""
        with default_modes():
            codes = self.codes(settings.quality)
            blocks = block_weights(pixels).to(self._device) if perceptual else None
            correction, ahead = lookahead_in_tiles(
                self._model, pixels, codes, passes, grey=settings.grey, blocks=blocks
            )
            weights = None if blocks is None else visibility(blocks)
            with torch.inference_mode():
                return EncoderTargets(infer_bands(self._model, pixels, codes, less=correction), ahead, weights)

    def top_down_pass(
        self, settings: interface.PassSettings, source: interface.SymbolSource, targets: object | None = None
    ) -> DecoderOutput:
        """Run the top-down pass in exact arithmetic; see `interface.Hierarchy.top_down_pass`."""
        assert targets is None or isinstance(targets, EncoderTargets)
        aim, size, codes = (
            targets or EncoderTargets(None),
            (settings.height, settings.width),
            self.codes(settings.quality),
        )
        adapted = _SourceAdapter(source, self._device)
        with integer_arithmetic():
            chain = self._reconstruction_chain() if settings.exact else self._chain
            state, reconstruction = run_photo_pass(
                chain,
                grid_sizes(size),
                codes,
                adapted,
                aim.levels,
                ahead=aim.ahead,
                weights=aim.weights,
                grey=settings.grey,
                stop=settings.stop,
            )
            return DecoderOutput(state, reconstruction, self._model.sigma(codes), size, codes)

    def _reconstruction_chain(self) -> ExactReconstructionChain:
        if self._exact is None:
            self._exact = ExactReconstructionChain(self._chain)
        return self._exact

    def exact_reconstruction(self, state: object) -> NDArray[np.uint8]:
        """What the canvas of an exact walk shows, (H, W, 3): the same pixels on every machine."""
        assert isinstance(state, DecoderOutput)
        with integer_arithmetic():
            sigma = fixed_sigma(self._model.config, int(state.quality[0]))
            return image_of(state.reconstruction, state.size, sigma, self._model.config.transform)

    def saturation(self, state: object, targets: object) -> float:
        """Mean squared, weighted distance of canvas and evidence in units of sigma^2, plane after plane."""
        assert isinstance(state, DecoderOutput) and isinstance(targets, EncoderTargets) and targets.levels is not None
        total, weights = 0.0, targets.weights
        for stride, reconstruction in state.reconstruction.items():
            weight = 1.0 if weights is None else weights.positions[stride][:, 0]
            for c, (shown, known) in enumerate(
                zip(reconstruction.unbind(1), targets.levels[stride].unbind(1), strict=True)
            ):
                if stride != 8 or c % 64:  # the block means are carried by the coarser strides
                    importance = 1.0 if weights is None else float(weights.coefficients[stride][c])
                    total += importance * float(((shown - known).square() * weight).sum())
        return total / state.reconstruction[8].numel()

    def render(self, state: object, image_filter: ImageFilter | None = None) -> NDArray[np.uint8]:
        """The pixels (H, W, 3) of a state."""
        assert isinstance(state, DecoderOutput)
        with default_modes(), torch.inference_mode():
            return render_bands(self._model, state, image_filter=image_filter)

    @property
    def filter_shape(self) -> tuple[int, int]:
        """Planes and terms of `models.photo.adaptive_filter.apply`."""
        return PLANES, TERMS

    @property
    def filter_tables(self) -> NDArray[np.float32]:
        """Those of `models.photo.adaptive_filter.fit`."""
        return tables()

    def fit(self, state: object, pixels: NDArray[np.uint8]) -> ImageFilter | None:
        """The filter of (H, W, 3) pixels for the state of their walk."""
        assert isinstance(state, DecoderOutput)
        with default_modes(), torch.inference_mode():
            return fit_bands(self._model, state, pixels)
