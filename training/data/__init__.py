"""Data sets by name, or any folder of images, from files on this machine. Importing the names loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .names import DATA_SETS as DATA_SETS

if TYPE_CHECKING:
    from .sets import DataSet


def load(name: str, root: Path | None = None, *, download: bool = False) -> DataSet:
    """Open a named data set; `folders.open_folder` opens any folder of images.

    Args:
        name: one of DATA_SETS.
        root: where its files are; None is the current folder. `swatches` needs none.
        download: let torchvision fetch what is missing.

    Raises:
        DvcodecError: files are missing, damaged or of another layout.
    """
    if name == "swatches":
        from .swatches import swatches

        return swatches()
    from .catalogue import open_set

    return open_set(name, Path(".") if root is None else root, download=download)
