"""The images that a family of small images is trained and measured on."""

from __future__ import annotations

from pathlib import Path

from ...errors import DvcodecError, InvalidArgument
from ...models.families.config import FamilyConfig
from . import DATA_SETS, load
from .folders import open_folder
from .sets import DataSet


def data_of(
    config: FamilyConfig, name: str, root: Path | None, exclude: Path | None = None, *, download: bool = False
) -> tuple[DataSet, int]:
    """Open a named data set, or a folder of images in crops as the model takes them.

    Args:
        config: the model's sizes.
        name: one of DATA_SETS, or a folder.
        root: where a named set's files are; None is the current folder.
        exclude: folder of images for evaluation; images with equal pixels are left out.
        download: let torchvision fetch a named set's missing files.

    Returns:
        The data set, and how many images were left out.

    Raises:
        DvcodecError: the images are of another kind or size than the model describes.
    """
    excluded = 0
    if name in DATA_SETS:
        if exclude is not None:
            raise InvalidArgument("`exclude` applies to folders of images only", f"{name} has its own splits")
        data = load(name, root, download=download)
    else:
        data, excluded = open_folder(Path(name), config.image, config.channels, exclude, binary=config.binary)
    refuse_other_images(config, data)
    return data, excluded


def refuse_other_images(config: FamilyConfig, data: DataSet) -> None:
    """Raise DvcodecError unless the images are of the kind and size that the model describes."""
    takes = ((config.channels, config.image, config.image), config.binary)
    if takes != (data.shape, data.binary):
        theirs, ours = (_kind(*kind) for kind in ((data.shape, data.binary), takes))
        raise DvcodecError(f"the model describes {ours} images, {data.name} holds {theirs} ones", "name other `data`")


def _kind(shape: tuple[int, int, int], binary: bool) -> str:
    colour = "binary" if binary else "colour" if shape[0] == 3 else "grey"
    return f"{colour} {shape[1]}x{shape[2]}"
