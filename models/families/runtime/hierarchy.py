"""A family as an `interface.Hierarchy`, for lossy files of small images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....shapes import UInt8
from ...interface import hierarchy as interface
from ..coding_checks import refuse_size
from .model import RuntimeFamily
from .nets import Map
from .top_down import RuntimeInference, likeliest


class RuntimeHierarchy:
    """An integer family that codes one image at a time. It has a single rate, so that the quality is ignored."""

    def __init__(self, name: str, model: RuntimeFamily) -> None:
        self.name, self._model = name, model
        self.residuals: interface.Residuals | None = None
        self.layers = tuple(
            interface.LayerSpec(plan.name, -(-model.config.image // plan.side), plan.symbols, False, 0)
            for plan in model.config.plans()
        )

    def infer(self, pixels: UInt8[NDArray[np.uint8], "H W 3"], quality: int) -> RuntimeInference:
        """Run the bottom-up pass over an image.

        Args:
            pixels: 8-bit samples; equal channels for a model of grey images, 0 and 255 for one of binary images.
            quality: Ignored.

        Raises:
            UnsuitableImage: If the size or the colours are not those that the model codes.
        """
        config = self._model.config
        refuse_size(config, *pixels.shape[:2])
        if config.channels == 1 and bool((pixels != pixels[:, :, :1]).any()):
            raise interface.UnsuitableImage("these weights code grey images, not colour")
        if config.binary and not bool(((pixels == 0) | (pixels == 255)).all()):
            raise interface.UnsuitableImage("these weights code images of black and white alone, without greys")
        x = pixels[None, :, :, : config.channels].astype(np.float32)
        return self._model.infer(x / np.float32(255) if config.binary else x, likeliest)

    def top_down_pass(
        self, settings: interface.PassSettings, source: interface.SymbolSource, inference: object | None = None
    ) -> Map:
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
        assert inference is None or isinstance(inference, RuntimeInference)
        refuse_size(self._model.config, settings.height, settings.width)
        return self._model.chain.run(1, source, inference, settings.stop)

    def render(self, state: object) -> UInt8[NDArray[np.uint8], "H W 3"]:
        """Return the likelihood's mean as an image.

        Args:
            state: What `top_down_pass` returned.
        """
        assert isinstance(state, np.ndarray)
        mean = self._model.likelihood.mean(self._model.synthesise(state))[0]
        levels = np.clip(np.floor(mean + np.float32(0.5)), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3)))
