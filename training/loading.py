"""Checkpoints load_checkpoint for measuring and sampling, without a weights file between."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from ..errors import DvcodecError
from ..models.families.model import FamilyVAE
from ..models.packing import BoundError
from ..models.photo.codec_model import PhotoHierarchy, QualityMap
from ..models.photo.network.model import FINEST_CODE, PhotoRRVQ
from ..models.photo.packing import pack, unpack
from .loop.checkpoints import FORMAT, Checkpoint


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint, by its header alone."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (OSError, SafetensorError):
        return False


def load_checkpoint(path: Path, device: str) -> FamilyVAE | PhotoHierarchy:
    """A checkpoint's model with averaged parameters, on "cpu" or "cuda", in evaluation mode.

    Photograph models come on their exact path, quality 1 to 100 spanning all that was trained. DvcodecError if it is no
    checkpoint, is of another kind or cannot be made exact.
    """
    checkpoint = Checkpoint(path)
    model = checkpoint.model()
    if isinstance(model, FamilyVAE):
        return model.to(device)
    if not isinstance(model, PhotoRRVQ):
        preset = checkpoint.settings.preset
        raise DvcodecError(f"{preset} is of a kind that cannot be measured, sampled or started from", "name another")
    frozen = PhotoRRVQ(model.config)
    try:
        unpack(frozen, pack(model))
    except BoundError as error:
        raise DvcodecError(f"cannot be made exact: {error}", "train on with a smaller rate") from error
    return PhotoHierarchy(checkpoint.settings.preset, frozen, QualityMap(0, FINEST_CODE), device)
