"""Data sets through torchvision, which is optional, is imported here alone, and downloads only on demand."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DvcodecError

SETS = {"mnist": "MNIST", "fashion-static": "FashionMNIST", "cifar10": "CIFAR10", "svhn": "SVHN"}
"""Torchvision's classes by our names."""
FILES = {"celeba64": "CelebA"}
"""Data sets whose published files torchvision fetches for our own reader."""


def arrays(name: str, root: Path, *, download: bool) -> dict[str, NDArray[np.uint8]] | None:
    """Return the training and test images of a data set that torchvision keeps below a folder.

    Args:
        name: our name of the data set.
        root: the folder.
        download: fetch what is missing.

    Returns:
        Levels 0 to 255, (N, H, W, C), by part; None if torchvision has no such files there.

    Raises:
        DvcodecError: `download` is asked for, and torchvision is missing or fails.
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
    """Fetch the published files of a data set into a folder below `root`. DvcodecError if that fails."""
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
    """Return torchvision's images as (N, H, W, C); it holds grey levels without channels, and SVHN channels first."""
    array = np.asarray(data, dtype=np.uint8)
    if array.ndim == 3:
        array = array[:, :, :, None]
    return array.transpose(0, 2, 3, 1) if array.shape[1] == 3 else array


def datasets(*, required: bool) -> Any:
    """Return the module torchvision.datasets, or None where it cannot be used and is not `required`.

    Raises:
        DvcodecError: it is required, but not installed, or built for another torch.
    """
    try:
        return _imported()
    except (ModuleNotFoundError, RuntimeError) as error:  # a torchvision for another torch lacks operators
        if required:
            problem = (
                "is not installed" if isinstance(error, ModuleNotFoundError) else "does not fit the installed torch"
            )
            raise DvcodecError(f"torchvision {problem}: {error}", "pip install torchvision") from None
        return None


def _imported() -> Any:
    return importlib.import_module("torchvision.datasets")
