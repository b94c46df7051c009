"""Tensors and probabilities: the hierarchies, their latent layers and their exact inference.

Importing this package loads no torch; the functions below do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .interface.hierarchy import Hierarchy, PageModel, PixelModel
    from .interface.sets import LatentModel


def load(path: Path, device: str = "cpu") -> Hierarchy:
    """The hierarchy of a weights file, ready to walk on "cpu" or "cuda". ValueError if the file is none of ours."""
    from .weights_file import read

    return read(path, device)


def load_pixels(path: Path, device: str = "cpu") -> PixelModel:
    """The model of lossless pixels of a weights file. ValueError if the file is none of ours."""
    from .pixels.wavefront.file import read

    return read(path, device)


def load_set(path: Path, device: str = "cpu") -> LatentModel:
    """The model of sets of images of a weights file. ValueError if the file is none of ours."""
    from .weights_file import read_set

    return read_set(path)


def load_pages(path: Path, device: str = "cpu") -> PageModel:
    """The model of black and white pages of a weights file. ValueError if the file is none of ours."""
    from .pixels.bilevel.file import read

    return read(path, device)
