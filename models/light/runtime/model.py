"""The light photograph model as the codec uses it (`models.interface.photo`), in integers and without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import DvcodecError, InvalidArgument
from ....progress import OnProgress, ignore
from ....shapes import Int16, UInt8
from ...interface.adaptive_filter import ImageFilter
from ...interface.hierarchy import PassSettings, SymbolSource
from ...interface.photo import Region
from ...photo.adaptive_filter.fit import FilterTables, fitted
from ...photo.layout import BLOCK
from ...photo.quality import QualityMap
from ...runtime import kernels
from ...tokens import TokenTables
from ..config import LightConfig
from ..grids import COMPONENTS
from ..tables import ALPHABET, mixed
from .analysis import targets_of
from .integer_constants import SIGMA_BITS, fixed_sigma
from .integer_filter import moments
from .local_weights import local_weights
from .posterior import LightTargets, TokenCosts
from .reduced import reduced_layers, reduced_pixels
from .rendering import LightRenderer
from .top_down import LightState, TopDownMaps


class RuntimeLightModel(FilterTables):
    """A light photograph model of a weights file.

    Args:
        name: name of the weights.
        config: sizes.
        qualities: maps a fixed-point quality, 256 to 25600 as the file stores it, to the network quality, 0 to 4096.
        tensors: those of the weights file.

    Raises:
        ValueError: the tensors do not fit, or a sum could round.
    """

    exact_pixels = True

    def __init__(self, name: str, config: LightConfig, qualities: QualityMap, tensors: Any) -> None:
        self.name, self.config, self._qualities = name, config, qualities
        if not kernels.float_sums_are_exact():
            raise DvcodecError("this machine's kernels do not add whole numbers exactly", "use `tune=psnr`")
        tables = mixed(tensors.take("tables", np.int32, (2, COMPONENTS, ALPHABET.size))).astype(np.float32)
        self.residuals = TokenTables(ALPHABET, tables)
        self._top_down = TopDownMaps(config, tensors)
        self._renderer = LightRenderer(config, tensors)
        self._costs: TokenCosts | None = None
        self.layers = self._top_down.layers()

    def infer(self, pixels: UInt8[NDArray[np.uint8], "H W 3"], quality: int) -> LightTargets:
        """Return an encoder's targets: coefficients of the pixels in steps of the symbols' grids."""
        return self._targets(pixels, quality, perceptual=False)

    def _targets(self, pixels: NDArray[np.uint8], quality: int, *, perceptual: bool) -> LightTargets:
        if self._costs is None:
            self._costs = TokenCosts(self.residuals.tables)
        network_quality = self._qualities.network_quality(quality)
        sigma, values = self._sigma(network_quality), self._renderer.values[perceptual]
        targets = targets_of(pixels, sigma * 2.0**-SIGMA_BITS, values, self._costs, perceptual=perceptual)
        if perceptual:
            targets.weights = local_weights(pixels, targets, self._renderer, network_quality, sigma)
        return targets

    def lookahead_targets(
        self, pixels: UInt8[NDArray[np.uint8], "H W 3"], settings: PassSettings, passes: int, *, perceptual: bool
    ) -> LightTargets:
        """Return an encoder's targets; this model has no passes that look ahead yet.

        Raises:
            InvalidArgument: passes are asked for.
        """
        if passes:
            raise InvalidArgument(f"the weights {self.name} do not look ahead", "use `effort=1`")
        return self._targets(pixels, settings.quality, perceptual=perceptual)

    def top_down_pass(self, settings: PassSettings, source: SymbolSource, targets: object | None = None) -> LightState:
        """Run the top-down pass; see `interface.hierarchy.Hierarchy.top_down_pass`."""
        assert targets is None or isinstance(targets, LightTargets)
        quality = self._qualities.network_quality(settings.quality)
        return self._top_down.run(settings, quality, source, targets)

    def saturation(self, state: object, targets: object) -> float:
        """Return 0: symbols reach further than any image."""
        return 0.0

    def samples(self, state: LightState) -> Int16[NDArray[np.int16], "192 rows columns"]:
        """Return the samples of all blocks before the post-filter, in steps of 2**-8 sigma."""
        return self._renderer.samples(state, slice(0, -(-state.size[0] // BLOCK)))

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the pixels of a state, or of a region of it; see `PhotoModel.render`."""
        assert isinstance(state, LightState)
        return self._renderer.pixels(state, self._sigma(state.quality), image_filter, region, on_progress)

    def reduced_layers(self, denominator: int) -> int:
        """Return how many layers a smaller picture needs; see `PhotoModel.reduced_layers`."""
        return reduced_layers(denominator)

    def render_reduced(self, state: object, denominator: int) -> UInt8[NDArray[np.uint8], "h w 3"]:
        """Return the pixels of a state at a half, a quarter or an eighth of its size."""
        assert isinstance(state, LightState)
        return reduced_pixels(self._renderer, state, self._sigma(state.quality), denominator)

    def fit(
        self, state: object, pixels: UInt8[NDArray[np.uint8], "H W 3"], on_progress: OnProgress = ignore
    ) -> ImageFilter | None:
        """Return the filter for pixels and the state of their pass; None for images that are coded for the eye."""
        assert isinstance(state, LightState)
        if state.perceptual:
            return None
        sigma = self._sigma(state.quality)
        shown = self._renderer.levels(state, sigma, slice(0, state.size[0]), on_progress)
        return fitted(moments(shown, pixels), sigma * 2.0**-SIGMA_BITS)

    def _sigma(self, quality: int) -> int:
        """Return sigma at a network quality, in steps of 2**-8 grey levels."""
        return fixed_sigma(*self.config.sigmas, quality)
