"""Load checkpoints for measuring and sampling, without exporting them first."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from ..errors import DvcodecError
from ..models.families.model import FamilyVAE
from ..models.integer.packing import BoundError
from ..models.photo.codec_model import PhotoCodecModel
from ..models.photo.network.model import PhotoRRVQ
from ..models.photo.packing import pack, unpack
from ..models.photo.quality import FINEST_QUALITY, QualityMap
from .loop.checkpoints import FORMAT, Checkpoint


def is_checkpoint(path: Path) -> bool:
    """Return whether a file is a checkpoint, by its header alone.

    Args:
        path: the file.

    Returns:
        True for a checkpoint; False for anything else, files that cannot be read included.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (OSError, SafetensorError):
        return False


def load_checkpoint(path: Path, device: str) -> FamilyVAE | PhotoCodecModel:
    """Load a checkpoint's model with its averaged parameters, in evaluation mode.

    Args:
        path: the checkpoint.
        device: "cpu" or "cuda".

    Returns:
        A family of small images, or a photograph model in integer arithmetic whose qualities 1 to 100 span all that
        was trained.

    Raises:
        DvcodecError: it is not a checkpoint, is of another kind, or cannot be made exact.
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
    return PhotoCodecModel(checkpoint.settings.preset, frozen, QualityMap(0, FINEST_QUALITY), device)
