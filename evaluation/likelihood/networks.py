"""The two kinds of models that can be measured and sampled: families of small images, and photograph models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import InvalidArgument, WeightsNotFound
from ...models.families.hierarchy import FamilyHierarchy
from ...models.families.model import FamilyVAE
from ...models.interface.hierarchy import Hierarchy
from ...models.photo.codec_model import PhotoCodecModel
from ..images import image_files, spread
from .photo_bound import measure

Network = FamilyVAE | PhotoCodecModel


def network_of(hierarchy: Hierarchy) -> Network:
    """Return the network of a loaded hierarchy.

    Raises:
        WeightsNotFound: the model is of neither kind.
    """
    if isinstance(hierarchy, FamilyHierarchy):
        return hierarchy.network
    if isinstance(hierarchy, PhotoCodecModel):
        return hierarchy
    raise WeightsNotFound(f"{hierarchy.name} is of a kind that cannot be measured")


def describes_photographs(network: Network) -> bool:
    """Whether the network is a photograph model, which takes images of any size and a quality."""
    return isinstance(network, PhotoCodecModel)


def measured_photographs(
    network: Network, folder: Path, images: int | None, quality: float, seed: int
) -> dict[str, Any]:
    """Measure the bound of a photograph model over the images of a folder.

    Args:
        network: a photograph model.
        folder: the images.
        images: use only so many, spread evenly; None for all.
        quality: 1 to 100.
        seed: seed of the posterior's samples.

    Returns:
        Plain values for JSON; bounds are in bits per dimension.

    Raises:
        InvalidArgument: there are fewer than two images.
    """
    assert isinstance(network, PhotoCodecModel)
    found = image_files(folder) if folder.is_dir() else ()
    files = tuple(found[index] for index in spread(len(found), len(found) if images is None else images))
    if not files:
        raise InvalidArgument(f"no folder {folder} of images", "photograph models are measured on a folder of images")
    if len(files) < 2:
        reason = "the likelihood's standard deviation for an image is chosen on other images"
        raise InvalidArgument(f"one image of {folder} cannot be measured: {reason}", "give two or more")
    bound = measure(network, files, quality, seed)
    return {"images": len(files), "quality": quality, "bits_per_dim": bound.total, **asdict(bound)}
