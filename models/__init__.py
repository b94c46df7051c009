"""Tensors and probabilities: the hierarchies, their latent layers and their exact inference.

Importing this package loads no torch; `load`, `load_pixels` and `load_pages` do.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .interface import Hierarchy, PageModel, PixelModel


def load(path: Path, device: str = "cpu") -> Hierarchy:
    """The hierarchy of a weights file, ready to walk on "cpu" or "cuda". ValueError if the file is none of ours."""
    from .weights_file import read

    return read(path, device)


def load_pixels(path: Path, device: str = "cpu") -> PixelModel:
    """The model of lossless pixels of a weights file. ValueError if the file is none of ours."""
    from .pixel_file import read

    return read(path, device)


def load_pages(path: Path, device: str = "cpu") -> PageModel:
    """The model of black and white pages of a weights file. ValueError if the file is none of ours."""
    from .scan_file import read

    return read(path, device)
