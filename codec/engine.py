"""From a name or a hash to a network that is ready to walk. The only module that asks models for one."""

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DvcodecError, InvalidArgument, WeightsNotFound

if TYPE_CHECKING:
    from ..models.interface import Hierarchy
    from ..weights import Weights

DEVICES = ("auto", "cpu", "cuda")
_LOADING = threading.Lock()


def choose(name_or_path: str | None) -> "Weights":
    """Return the weights that a user named, or the default ones."""
    from .. import weights

    return weights.find(name_or_path) if name_or_path else weights.default()


def hierarchy(weights: "Weights", device: str = "auto") -> "Hierarchy":
    """Return the network of these weights, loaded once a process and device."""
    with _LOADING:
        return _load(weights.path, weights.sha256, device_of(device))


def hierarchy_by_id(prefix: bytes, device: str = "auto") -> "Hierarchy":
    """Return the network that a file names by the first 8 bytes of its weights' SHA-256."""
    from .. import weights

    return hierarchy(weights.by_id(prefix), device)


def forget() -> None:
    """Drop the loaded networks, and with them their memory."""
    _load.cache_clear()


def limit_threads(count: int) -> None:
    """Let the networks use `count` threads in this process (the command line's --threads)."""
    import torch

    torch.set_num_threads(count)


@lru_cache(maxsize=4)
def _load(path: Path, sha256: str, device: str) -> "Hierarchy":
    """Load a weights file after checking that it is the one its hash says."""
    try:
        actual = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsNotFound(f"cannot read the weights file {path}: {error.strerror}", "reinstall dvcodec") from error
    if actual != sha256:
        raise WeightsNotFound(
            f"the weights file {path} is damaged: its SHA-256 is not {sha256[:16]}...", "reinstall it"
        )
    return load_model(path, device)


def load_model(path: Path, device: str) -> "Hierarchy":
    """Load a weights file onto "cpu" or "cuda"."""
    from ..models import load

    try:
        return load(path, device=device)
    except DvcodecError:
        raise
    except Exception as error:  # a user's own file may hold anything
        raise WeightsNotFound(f"the weights file {path} cannot be loaded: {error}") from error


def device_of(device: str) -> str:
    """Return "cpu" or "cuda" for a user's choice."""
    if device not in DEVICES:
        raise InvalidArgument(f"unknown device {device!r}", f"one of {', '.join(DEVICES)}")
    if device == "cpu":
        return device
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InvalidArgument("no CUDA device is available", "use --device cpu")
    return "cuda" if available else "cpu"
