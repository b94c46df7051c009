"""From what a person names with --weights to a network: installed weights, a weights file, or a training checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..models.families.model import FamilyVAE
    from ..models.hierarchy import PhotoHierarchy


def open_network(weights: str | None, device: str) -> FamilyVAE | PhotoHierarchy:
    """A family's network or a photograph model. DvcodecError if there is no such thing. Loads torch."""
    from ..codec import engine
    from ..codec.errors import WeightsNotFound
    from ..models.hierarchy import PhotoHierarchy
    from ..training.opening import is_checkpoint, opened

    if weights is not None and is_checkpoint(Path(weights)):
        return opened(Path(weights), engine.device_of(device))
    hierarchy = engine.hierarchy(engine.choose(weights), device)
    if not isinstance(hierarchy, PhotoHierarchy):
        raise WeightsNotFound(f"{weights} are weights of a kind that this command does not know")
    return hierarchy
