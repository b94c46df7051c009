"""Torchvision's data sets, the only place that imports it. It is optional and downloads only where it is asked to."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import DvcodecError

SETS = {"mnist": "MNIST", "fashion-static": "FashionMNIST", "cifar10": "CIFAR10", "svhn": "SVHN"}
"""Ours -> torchvision's."""
FILES = {"celeba64": "CelebA"}
"""Sets of which torchvision fetches the published files, for our own reader."""
BROKEN = "operator torchvision::nms does not exist"
"""What the import says where torchvision was built for another torch (GPU against CPU, say)."""
OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[Any] = []


def arrays(name: str, root: Path, *, download: bool) -> dict[str, NDArray[np.uint8]] | None:
    """Training and test images (N, H, W, C) of a set that torchvision keeps below `root`; None if it has none there.

    With `download`, what is missing is fetched. DvcodecError if torchvision is missing too, or the download fails.
    """
    if name not in SETS:
        return None
    module = datasets(required=download)
    if module is None:
        return None
    try:
        opened = {part: _open(module, SETS[name], root, part, download) for part in ("train", "test")}
    except (RuntimeError, OSError) as error:
        if isinstance(error, RuntimeError) and not download:  # no files, or not the ones it knows by their hashes
            return None
        raise _failed(name, error) from error
    return {part: _array(data) for part, data in opened.items()}


def fetch(name: str, root: Path) -> None:
    """Fetches a set's published files into a folder below `root`. DvcodecError if that cannot be done."""
    module = datasets(required=True)
    try:
        getattr(module, FILES[name])(str(root), split="all", download=True)
    except Exception as error:  # gdown, which it needs, has errors of its own for quotas and pages in place of files
        raise _failed(name, error) from error


def _failed(name: str, error: Exception) -> DvcodecError:
    reason = " ".join(str(error).split())[:200]
    return DvcodecError(f"torchvision cannot fetch {name}: {reason}", "put its files there by hand")


def _open(module: Any, name: str, root: Path, part: str, download: bool) -> Any:
    chosen = {"split": part} if name == "SVHN" else {"train": part == "train"}
    return getattr(module, name)(str(root), download=download, **chosen).data


def _array(data: Any) -> NDArray[np.uint8]:
    """Torchvision's images as (N, H, W, C): tensors of grey levels, arrays in colour, SVHN's channels first."""
    array = np.asarray(data, dtype=np.uint8)
    if array.ndim == 3:
        array = array[:, :, :, None]
    return array.transpose(0, 2, 3, 1) if array.shape[1] == 3 else array


def datasets(*, required: bool) -> Any:
    """The module torchvision.datasets; None, or where it is `required` a DvcodecError, if it is not installed."""
    try:
        return _imported()
    except ModuleNotFoundError as error:
        if required:
            raise DvcodecError(f"torchvision is not installed: {error}", "pip install torchvision") from None
        return None


def _imported() -> Any:
    try:
        found = importlib.import_module("torchvision.datasets")
    except RuntimeError as error:
        if BROKEN not in str(error):
            raise
        _declare_operators()
        found = importlib.import_module("torchvision.datasets")
    return found


def _declare_operators() -> None:
    """Tells torch of two operators of which only the names are needed, and forgets the import that failed."""
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for operator in OPERATORS:
        library.define(operator)  # type: ignore[no-untyped-call]
    _declared.append(library)  # what it declares lives as long as it does
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
