"""Restores the photograph model of a weights file without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import InvalidArgument
from ...configs import RRVQConfig
from ...integer.weights_file import Tensors
from ..quality import quality_map
from .model import Lookahead, RuntimePhotoModel


def restore(metadata: dict[str, Any], tensors: Tensors, network: Callable[[], Any]) -> RuntimePhotoModel:
    """Return the model.

    Args:
        metadata: The file's metadata.
        tensors: Its tensors.
        network: Loads the same model as a network of torch, for passes that look ahead.

    Raises:
        ValueError: Its parts do not fit each other.
        KeyError: A part is missing.
        TypeError: A part has the wrong type.
    """
    config, qualities = RRVQConfig.of(metadata["config"]), quality_map(metadata["quality"])
    return RuntimePhotoModel(metadata["name"], config, qualities, tensors, lambda: _lookahead(network))


def _lookahead(network: Callable[[], Any]) -> Lookahead:
    """Return the passes with gradients of a network.

    Raises:
        InvalidArgument: torch is not installed.
    """
    try:
        model = network()
    except ModuleNotFoundError as error:
        hint = "install dvcodec[train], or compress with `effort=1`"
        raise InvalidArgument(f"looking ahead needs {error.name}, which is not installed", hint) from error

    def run(
        pixels: NDArray[np.uint8],
        network_quality: int,
        passes: int,
        *,
        grey: bool,
        block_weights: NDArray[np.float32] | None,
    ) -> tuple[NDArray[np.float16], dict[int, NDArray[np.float32]]]:
        import torch

        from ...integer.guard import default_modes
        from ..encoder.lookahead_tiles import lookahead_in_tiles

        with default_modes():
            weights = None if block_weights is None else torch.from_numpy(block_weights)
            correction, costs = lookahead_in_tiles(
                model.network, pixels, torch.tensor([network_quality]), passes, grey=grey, blocks=weights
            )
        return correction, {index: np.asarray(part.float()) for index, part in costs.items()}

    return run
