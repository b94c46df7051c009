"""Start the light photograph model from a weights file or from another run's checkpoint, with a cold optimiser."""

from __future__ import annotations

from pathlib import Path

from ...errors import DvcodecError
from ...models.integer import weights_file
from ...models.light.config import LightConfig
from ...models.light.file import FORMAT
from ...models.light.model import LightPhotoModel
from ...models.light.unpacking import unpack
from ..loading import is_checkpoint
from ..loop.checkpoints import Checkpoint


def warm_start_light_model(model: LightPhotoModel, path: Path) -> None:
    """Give a model the parameters of a weights file, or the averaged ones of a checkpoint.

    Args:
        model: the model, changed in place.
        path: the file.

    Raises:
        DvcodecError: it is neither, or its networks have other sizes.
    """
    if is_checkpoint(path):
        other = Checkpoint(path).model()
        if not isinstance(other, LightPhotoModel) or other.config != model.config:
            raise _of_another_model(path)
        model.load_state_dict(other.state_dict())
        return
    try:
        with weights_file.reading():
            metadata, tensors = weights_file.read(path)
            if metadata["format"] != FORMAT or LightConfig.of(metadata["config"]) != model.config:
                raise _of_another_model(path)
            unpack(model, tensors)
    except (ValueError, OSError) as error:
        raise DvcodecError(f"{path} is not a weights file: {error}") from error


def _of_another_model(path: Path) -> DvcodecError:
    return DvcodecError(f"{path} has networks of other sizes, or of another kind", "train with the settings of its run")
