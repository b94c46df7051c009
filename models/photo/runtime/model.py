"""The photograph model as the codec uses it (`models.interface.photo`), without torch unless it looks ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ....progress import OnProgress, ignore
from ....shapes import Float16, Float32, UInt8
from ...configs import RRVQConfig
from ...interface.adaptive_filter import ImageFilter
from ...interface.hierarchy import LayerSpec, PassSettings, Residuals, SymbolSource
from ...interface.photo import Region
from ...runtime.linear import RESIDUAL_BITS
from ...runtime.sizes import sizes_are_immaterial
from ..adaptive_filter.fit import FilterTables, Grid, fitted
from ..layout import BLOCK, COEFFICIENTS
from ..quality import QualityMap
from ..reduction import CORRECTED, reduced_layers
from .chain import RuntimeChain
from .filter_terms import moments
from .networks import BlockNetwork
from .perceptual import block_weights, coefficient_weights, position_weights
from .reconstruction import Planes
from .reduced import render_reduced
from .rendering import Renderer, render, rendered
from .top_down import RuntimePass, RuntimeTargets
from .transform import STRIDES, Levels, across_borders, analyse, border_matrix
from .windows import GROUP, PassResult, bands, grid_sizes


class Lookahead(Protocol):
    """Passes with gradients over one image (`encoder.lookahead_tiles`), which need torch."""

    def __call__(
        self,
        pixels: UInt8[NDArray[np.uint8], "H W 3"],
        network_quality: int,
        passes: int,
        *,
        grey: bool,
        block_weights: Float32[NDArray[np.float32], "rows columns"] | None,
    ) -> tuple[Float16[NDArray[np.float16], "H W 3"], dict[int, Float32[NDArray[np.float32], "_ _"]]]:
        """Return what a decoder's networks and filters will add to the pixels, and the costs of symbols.

        Targets need not hold the former, (H, W, 3); the latter are (N, D) by layer.
        """
        ...


class RuntimePhotoModel(FilterTables):
    """A photograph model of a weights file.

    Args:
        name: Name of the weights.
        config: Sizes.
        qualities: Maps a fixed-point quality, 256 to 25600 as the file stores it, to the network quality, 0 to 4096.
        tensors: Those of the weights file.
        lookahead: Loads what makes passes with gradients; called when these are first needed, since it imports torch.

    Raises:
        ValueError: The tensors do not fit, or a sum could round.
    """

    exact_pixels = False

    def __init__(
        self, name: str, config: RRVQConfig, qualities: QualityMap, tensors: Any, lookahead: Callable[[], Lookahead]
    ) -> None:
        self.name, self.config, self._qualities, self._lookahead = name, config, qualities, lookahead
        self._chain = RuntimeChain(config, tensors.below("chain"))
        self._analysis = BlockNetwork(tensors.below("analysis"), config.analysis_width, 1, 0, config.analysis_slope)
        self._renderer = Renderer(config, tensors)
        plans = [(layer.plan, layer.null_symbol) for layer in self._chain.layers()]
        self.residuals: Residuals | None = None
        self.layers = tuple(LayerSpec(p.name, p.stride, p.symbols, p.chroma, null) for p, null in plans)

    def infer(self, pixels: UInt8[NDArray[np.uint8], "H W 3"], quality: int) -> RuntimeTargets:
        """Return an encoder's targets at a fixed-point quality: coefficients of the pixels in units of sigma."""
        return RuntimeTargets(self._planes(pixels, self._qualities.network_quality(quality), None))

    def lookahead_targets(
        self, pixels: UInt8[NDArray[np.uint8], "H W 3"], settings: PassSettings, passes: int, *, perceptual: bool
    ) -> RuntimeTargets:
        """Return the targets of an encoder after passes that look ahead; see `PhotoModel.lookahead_targets`."""
        quality, added = self._qualities.network_quality(settings.quality), None
        weights = block_weights(pixels) if perceptual else None
        costs: dict[int, NDArray[np.float32]] = {}
        if passes:
            added, costs = self._lookahead()(pixels, quality, passes, grey=settings.grey, block_weights=weights)
        planes = self._planes(pixels, quality, added)
        if weights is None:
            return RuntimeTargets(planes, costs)
        return RuntimeTargets(planes, costs, position_weights(weights), coefficient_weights())

    def _planes(
        self,
        pixels: UInt8[NDArray[np.uint8], "H W 3"],
        network_quality: int,
        added: Float16[NDArray[np.float16], "H W 3"] | None,
    ) -> Planes:
        """Return the coefficients of pixels, less what will be added to them in grey levels, by bands."""
        size = (pixels.shape[0], pixels.shape[1])
        sizes = grid_sizes(size)
        maps = {s: np.empty((COEFFICIENTS[s], *sizes[s]), np.float32) for s in STRIDES}
        for core, wide in bands(size, self._analysis.receptive_field):
            x = pixels[wide].transpose(2, 0, 1).astype(np.float32)
            if added is not None:
                x -= added[wide].transpose(2, 0, 1)
            for s, level in self._levels(x, network_quality).items():
                first, last = core.start // s, -(-core.stop // s)
                offset = (core.start - wide.start) // s
                maps[s][:, first:last] = level[:, offset : offset + last - first]
        return {s: level.reshape(len(level), -1) for s, level in maps.items()}

    def _levels(self, pixels: NDArray[np.float32], network_quality: int) -> Levels:
        """Return the coefficients (C, rows, columns) by stride of grey levels (3, H, W)."""
        height, width = pixels.shape[1:]
        whole = np.pad(pixels - 128, ((0, 0), (0, -height % GROUP), (0, -width % GROUP)), mode="edge")
        x = whole / self._renderer.sigma(network_quality)
        self._analysis(x, network_quality)
        sizes = grid_sizes((height, width))
        if self.config.transform == "lapped":
            rows, columns = (BLOCK * n for n in sizes[BLOCK])  # of the image; padding up to 64 only fills the pyramid
            x[:, :rows, :columns] = across_borders(x[:, :rows, :columns], border_matrix())
        levels = analyse(x, self.config.transform)
        return {s: level[:, : sizes[s][0], : sizes[s][1]] for s, level in levels.items()}

    def top_down_pass(self, settings: PassSettings, source: SymbolSource, targets: object | None = None) -> PassResult:
        """Run the top-down pass, with a state and priors of integers.

        See `interface.hierarchy.Hierarchy.top_down_pass`.
        """
        assert targets is None or isinstance(targets, RuntimeTargets)
        size, quality = (settings.height, settings.width), self._qualities.network_quality(settings.quality)
        run = RuntimePass(self._chain, grid_sizes(size), quality, targets, grey=settings.grey)
        state, planes = run.run(source, settings.stop, partial=settings.partial)
        return PassResult(state, planes, size, quality, run.stride)

    def saturation(self, state: object, targets: object) -> float:
        """Return the mean squared, weighted error of the reconstruction in units of sigma^2.

        It is about 1 or less unless the codebooks' range is exceeded.
        """
        assert isinstance(state, PassResult) and isinstance(targets, RuntimeTargets)
        total = 0.0
        for stride, plane in state.planes.items():
            weights = targets.coefficient_weights
            positions = None if targets.position_weights is None else targets.position_weights[stride][:, 0]
            errors = _squared_errors(plane, targets.planes[stride], positions)
            if weights is not None:
                errors *= weights[stride]
            if stride == BLOCK:
                errors[:: BLOCK**2] = 0  # the block means are carried by the coarser strides
            total += float(errors.sum())
        return total / state.planes[BLOCK].size

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the pixels of a state, or of a region of it; see `PhotoModel.render`."""
        assert isinstance(state, PassResult)
        if region is not None and not sizes_are_immaterial():
            return self.render(state, image_filter, None, on_progress)[region]
        return render(self._renderer, state, image_filter, region, on_progress)

    def reduced_layers(self, denominator: int) -> int:
        """Return how many layers a smaller picture needs; see `PhotoModel.reduced_layers`."""
        return reduced_layers(self.config.layout, denominator)

    def render_reduced(self, state: object, denominator: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
        """Return the pixels of a state at a half, a quarter or an eighth of its size."""
        assert isinstance(state, PassResult)
        if denominator <= CORRECTED:
            state = self._at_the_finest_stride(state)
        return render_reduced(self._renderer, state, denominator)

    def _at_the_finest_stride(self, state: PassResult) -> PassResult:
        """Return what a pass has built with the chain's state at stride 8, which the synthesis sees."""
        steps = np.float32(2**RESIDUAL_BITS)
        known = state.chain_state * steps, state.stride, grid_sizes(state.size)
        return replace(state, chain_state=self._chain.upsampled_to(BLOCK, *known) / steps, stride=BLOCK)

    def fit(
        self, state: object, pixels: UInt8[NDArray[np.uint8], "H W 3"], on_progress: OnProgress = ignore
    ) -> ImageFilter | None:
        """Return the filter for pixels and the state of their pass."""
        assert isinstance(state, PassResult)
        grid = Grid()
        for core, wide, x in rendered(self._renderer, state, on_progress=on_progress):
            for place, found in moments(x, wide[0], core[0], pixels):
                grid[place] = grid[place] + found if place in grid else found
        return fitted(grid, float(self._renderer.sigma(state.network_quality)))


def _squared_errors(
    plane: NDArray[np.float32], target: NDArray[np.float32], weights: NDArray[np.float32] | None
) -> NDArray[np.float64]:
    """Return the sums of the squared errors of each coefficient, weighted by position; one by one, to spare memory."""
    errors = np.empty(len(plane))
    for index, (found, wanted) in enumerate(zip(plane, target, strict=True)):
        squares = (found - wanted) ** 2
        if weights is not None:
            squares *= weights
        errors[index] = squares.sum(dtype=np.float64)
    return errors
