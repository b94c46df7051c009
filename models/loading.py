"""Loads the model of a weights file: a table of formats, and the function that restores each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .families import weights as families
from .families.bits_back import FamilyBitsBackModel
from .families.hierarchy import FamilyHierarchy
from .integer import weights_file
from .integer.weights_file import Tensors
from .interface.hierarchy import BilevelModel, Hierarchy, PixelModel
from .photo import file as photo
from .pixels.bilevel import file as bilevel
from .pixels.wavefront import file as wavefront

FORMATS = {
    photo.FORMAT: "photographs",
    families.FORMAT: "a family of small images",
    wavefront.FORMAT: "lossless pixels",
    bilevel.FORMAT: "black and white images",
}
"""What files of each format are models of, for error messages."""

Restore = Callable[[dict[str, Any], Tensors], Any]


def hierarchy(path: Path, device: str, expected: str | None) -> Hierarchy:
    """Return the hierarchy of a weights file.

    Args:
        path: The file.
        device: "cpu" or "cuda".
        expected: The identity that the weights must have; any if it is None.

    Raises:
        ValueError: It is not such a file, is damaged, or holds other weights than the expected ones.
        OSError: It cannot be read.
    """
    restores: dict[str, Restore] = {
        photo.FORMAT: lambda metadata, tensors: photo.restore(metadata, tensors, device),
        families.FORMAT: lambda metadata, tensors: families.restore(metadata, tensors, device),
    }
    found: Hierarchy = _restored(path, expected, restores)
    return found


def pixel_model(path: Path, expected: str | None) -> PixelModel:
    """Return the model of lossless pixels of a weights file, on the CPU. Raises as `hierarchy` does."""
    found: PixelModel = _restored(path, expected, {wavefront.FORMAT: wavefront.restore})
    return found


def page_model(path: Path, expected: str | None) -> BilevelModel:
    """Return the model of black and white pages of a weights file, on the CPU. Raises as `hierarchy` does."""
    found: BilevelModel = _restored(path, expected, {bilevel.FORMAT: bilevel.restore})
    return found


def bits_back_model(path: Path, expected: str | None) -> FamilyBitsBackModel:
    """Return the bits-back model of a weights file, on the CPU. Raises as `hierarchy` does."""
    found: FamilyHierarchy = _restored(
        path, expected, {families.FORMAT: lambda metadata, tensors: families.restore(metadata, tensors, "cpu")}
    )
    return FamilyBitsBackModel(found.name, found.network)


def _restored(path: Path, expected: str | None, restores: dict[str, Restore]) -> Any:
    """Return the model of a file. ValueError if it is of another format or holds tensors that its model lacks."""
    with weights_file.reading():
        metadata, tensors = weights_file.read(path, expected)
        if (held := metadata["format"]) not in restores:
            wanted = " or ".join(FORMATS[each] for each in restores)
            known = f"it is a model of {FORMATS[held]}" if held in FORMATS else f"its format is {held[:32]!r}"
            raise ValueError(f"{known}, not of {wanted}")
        model = restores[held](metadata, tensors)
        tensors.refuse_unused()
        return model
