"""The two kinds of models that can be measured and sampled: families of small images, models of photographs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import InvalidArgument, WeightsNotFound
from ..models.families.hierarchy import FamilyHierarchy
from ..models.families.model import FamilyVAE
from ..models.interface.hierarchy import Hierarchy
from ..models.photo.codec_model import PhotoHierarchy
from .elbo import measure
from .images import image_files

Network = FamilyVAE | PhotoHierarchy


def network_of(hierarchy: Hierarchy) -> Network:
    """What is behind a loaded hierarchy. WeightsNotFound if it is of neither kind."""
    if isinstance(hierarchy, FamilyHierarchy):
        return hierarchy.network
    if isinstance(hierarchy, PhotoHierarchy):
        return hierarchy
    raise WeightsNotFound(f"{hierarchy.name} is of a kind that cannot be measured")


def describes_photographs(network: Network) -> bool:
    """Whether it takes images of any size and a quality; otherwise it has a `config` that says what it takes."""
    return isinstance(network, PhotoHierarchy)


def measured_photographs(
    network: Network, folder: Path, images: int | None, quality: float, seed: int
) -> dict[str, Any]:
    """The bound of a photograph model over the first images of a folder. InvalidArgument if there are none."""
    assert isinstance(network, PhotoHierarchy)
    files = image_files(folder)[:images] if folder.is_dir() else ()
    if not files:
        raise InvalidArgument(f"no folder {folder} of images", "photograph models are measured on --data DIR")
    bound = measure(network, files, quality, seed)
    return {"images": len(files), "quality": quality, "bits_per_dim": bound.total, **asdict(bound)}
