"""Tensors and probabilities: the hierarchies, their latent layers and their exact inference.

Importing this package loads no torch; `load` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .interface import Hierarchy


def load(path: Path, device: str = "cpu") -> Hierarchy:
    """The hierarchy of a weights file, ready to walk on "cpu" or "cuda". ValueError if the file is none of ours."""
    from .weights_file import read

    return read(path, device)
