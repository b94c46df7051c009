"""Loads the model of a weights file: a table of formats, and the function that restores each.

Models run without torch on the CPU; on a GPU, and for training and evaluation, they are networks of torch. Each
function imports what it needs when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .integer import weights_file
from .integer.weights_file import Tensors
from .interface.bits_back import BitsBackModel
from .interface.hierarchy import BilevelModel, Hierarchy, PixelModel

PHOTO, LIGHT, FAMILY = "dvcodec-photo-1", "dvcodec-light-1", "dvcodec-family-1"
WAVEFRONT, BILEVEL = "dvcodec-pixels-1", "dvcodec-bilevel-1"
"""Formats of weights files."""

FORMATS = {
    PHOTO: "photographs",
    LIGHT: "photographs",
    FAMILY: "a family of small images",
    WAVEFRONT: "lossless pixels",
    BILEVEL: "black and white images",
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
    if device != "cpu":
        return network(path, device, expected)
    found: Hierarchy = _restored(
        path,
        expected,
        {
            PHOTO: lambda metadata, tensors: _photo_runtime(path, metadata, tensors),
            LIGHT: _light,
            FAMILY: _family_hierarchy,
        },
    )
    return found


def network(path: Path, device: str, expected: str | None) -> Hierarchy:
    """Return the hierarchy of a weights file as a network of torch. Arguments and errors are those of `hierarchy`."""
    found: Hierarchy = _restored(
        path,
        expected,
        {
            PHOTO: lambda metadata, tensors: _photo_network(metadata, tensors, device),
            LIGHT: _light,
            FAMILY: lambda metadata, tensors: _family_network(metadata, tensors, device),
        },
    )
    return found


def _photo_runtime(path: Path, metadata: dict[str, Any], tensors: Tensors) -> Any:
    from .photo.runtime.file import restore

    return restore(metadata, tensors, lambda: network(path, "cpu", metadata["id"]))


def _light(metadata: dict[str, Any], tensors: Tensors) -> Any:
    from .light.runtime.file import restore

    return restore(metadata, tensors)


def _photo_network(metadata: dict[str, Any], tensors: Tensors, device: str) -> Any:
    from .integer.guard import default_modes, own_random_numbers
    from .photo.file import restore

    with default_modes(), own_random_numbers():
        return restore(metadata, tensors, device)


def _family_hierarchy(metadata: dict[str, Any], tensors: Tensors) -> Any:
    from .families.runtime.file import restore
    from .families.runtime.hierarchy import RuntimeHierarchy

    return RuntimeHierarchy(metadata["name"], restore(metadata, tensors))


def _family_bits_back(metadata: dict[str, Any], tensors: Tensors) -> Any:
    from .families.runtime.bits_back import RuntimeBitsBackModel
    from .families.runtime.file import restore

    return RuntimeBitsBackModel(metadata["name"], restore(metadata, tensors))


def _family_network(metadata: dict[str, Any], tensors: Tensors, device: str) -> Any:
    from .families.weights import restore
    from .integer.guard import default_modes, own_random_numbers

    with default_modes(), own_random_numbers():
        return restore(metadata, tensors, device)


def _wavefront(metadata: dict[str, Any], tensors: Tensors) -> Any:
    from .pixels.wavefront.file import restore

    return restore(metadata, tensors)


def _bilevel(metadata: dict[str, Any], tensors: Tensors) -> Any:
    from .pixels.bilevel.file import restore

    return restore(metadata, tensors)


def pixel_model(path: Path, expected: str | None) -> PixelModel:
    """Return the model of lossless pixels of a weights file, on the CPU. Raises as `hierarchy` does."""
    found: PixelModel = _restored(path, expected, {WAVEFRONT: _wavefront})
    return found


def bilevel_model(path: Path, expected: str | None) -> BilevelModel:
    """Return the model of black and white images of a weights file, on the CPU. Raises as `hierarchy` does."""
    found: BilevelModel = _restored(path, expected, {BILEVEL: _bilevel})
    return found


def bits_back_model(path: Path, expected: str | None) -> BitsBackModel:
    """Return the bits-back model of a weights file, on the CPU. Raises as `hierarchy` does."""
    found: BitsBackModel = _restored(path, expected, {FAMILY: _family_bits_back})
    return found


def _restored(path: Path, expected: str | None, restores: dict[str, Restore]) -> Any:
    """Return the model of a file. ValueError if it is of another format or holds tensors that its model lacks."""
    with weights_file.reading():
        metadata, tensors = weights_file.read(path, expected)
        if (held := metadata["format"]) not in restores:
            wanted = " or ".join(dict.fromkeys(FORMATS[each] for each in restores))
            known = f"it is a model of {FORMATS[held]}" if held in FORMATS else f"its format is {held[:32]!r}"
            raise ValueError(f"{known}, not of {wanted}")
        model = restores[held](metadata, tensors)
        tensors.refuse_unused()
        return model
