"""Data sets by name, or any folder of images, from files on this machine. Reading the names loads nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .names import DATA_SETS as DATA_SETS

if TYPE_CHECKING:
    from .sets import DataSet


def load(name: str, root: Path | None = None, *, download: bool = False) -> DataSet:
    """A named data set, its files below `root`; with `download` torchvision may fetch what is missing.

    DvcodecError if files are missing, damaged or of another layout. `folders.open_folder` reads any folder of images.
    """
    from .catalogue import open_set

    return open_set(name, Path(".") if root is None else root, download=download)
