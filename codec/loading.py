"""From a name or a hash to a network that is ready to walk. The only module that asks models for one."""

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import DvcodecError, InvalidArgument, WeightsNotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..models.interface.hierarchy import Hierarchy, PageModel, PixelModel
    from ..models.interface.sets import SetModel
    from ..weights import Weights
    from .lossless.methods import Model, Pages

T = TypeVar("T")

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


def pixel_model(weights: "Weights", device: str = "auto") -> "PixelModel":
    """Return the model of lossless pixels of these weights, loaded once a process and device."""
    with _LOADING:
        return _load_pixels(weights.path, weights.sha256, device_of(device))


def pixel_model_by_id(prefix: bytes, device: str = "auto") -> "PixelModel":
    """Return the model of lossless pixels that a file names by the first 8 bytes of its weights' SHA-256."""
    from .. import weights

    return pixel_model(weights.by_id(prefix), device)


def set_model(weights: "Weights", device: str = "auto") -> "SetModel":
    """Return the model of sets of images of these weights, loaded once a process and device."""
    with _LOADING:
        return _load_set(weights.path, weights.sha256, device_of(device))


def set_model_by_id(prefix: bytes, device: str = "auto") -> "SetModel":
    """Return the model of sets of images that an archive names by the first 8 bytes of its weights' SHA-256."""
    from .. import weights

    return set_model(weights.by_id(prefix), device)


def set_models(name_or_path: str | None = None, device: str = "auto") -> "tuple[tuple[bytes, SetModel], ...]":
    """Return all installed models of sets of images, or the one named, and the ids that an archive names them by."""
    from .. import weights

    named = weights.find(name_or_path) if name_or_path else None
    chosen = weights.of_kind(weights.SETS) if named is None or named.kind != weights.SETS else (named,)
    return tuple((entry.id, set_model(entry, device)) for entry in chosen)


def lossless_model(name_or_path: str | None, device: str = "auto", *, required: bool = True) -> "Model | None":
    """Return the networks of the lossless method `model`, with the hierarchy that a user named or the default one.

    None where no model of lossless pixels is installed and none is `required`.
    """
    from .. import weights
    from ..models.interface.hierarchy import Predictive
    from .lossless.methods import Model

    try:
        pixels = weights.default(weights.PIXELS)
    except WeightsNotFound:
        if required:
            raise
        return None
    chosen = choose(name_or_path)
    network = hierarchy(chosen, device)
    if not isinstance(network, Predictive):
        raise WeightsNotFound(f"the weights {chosen.name} cannot predict lossless pixels", "name others")
    return Model(network, chosen.id, pixel_model(pixels, device), pixels.id)


def page_model_by_id(prefix: bytes, device: str = "auto") -> "PageModel":
    """Return the model of pages that a file names by the first 8 bytes of its weights' SHA-256."""
    from .. import weights

    return page_model(weights.by_id(prefix), device)


def page_model(weights: "Weights", device: str = "auto") -> "PageModel":
    """Return the model of black and white pages of these weights, loaded once a process and device."""
    with _LOADING:
        return _load_pages(weights.path, weights.sha256, device_of(device))


def pages(device: str = "auto", *, required: bool = True) -> "Pages | None":
    """Return the network of the lossless method `bilevel`; None where there is none and none is `required`."""
    from .. import weights
    from .lossless.methods import Pages

    if not required and not weights.defaults(weights.SCANS):
        return None
    chosen = weights.default(weights.SCANS)
    return Pages(page_model(chosen, device), chosen.id)


def forget() -> None:
    """Drop the loaded networks, and with them their memory."""
    _load.cache_clear()
    _load_pixels.cache_clear()
    _load_set.cache_clear()
    _load_pages.cache_clear()


def limit_threads(count: int) -> None:
    """Let the networks use `count` threads in this process."""
    import torch

    torch.set_num_threads(count)


@lru_cache(maxsize=4)
def _load(path: Path, sha256: str, device: str) -> "Hierarchy":
    """Load a weights file after checking that it is the one its hash says."""
    _check(path, sha256)
    return load_model(path, device)


@lru_cache(maxsize=4)
def _load_pixels(path: Path, sha256: str, device: str) -> "PixelModel":
    _check(path, sha256)
    return load_pixel_model(path, device)


@lru_cache(maxsize=4)
def _load_set(path: Path, sha256: str, device: str) -> "SetModel":
    _check(path, sha256)
    return load_set_model(path, device)


@lru_cache(maxsize=4)
def _load_pages(path: Path, sha256: str, device: str) -> "PageModel":
    from ..models import load_pages

    _check(path, sha256)
    return _loaded(load_pages, path, device)


def _check(path: Path, sha256: str) -> None:
    try:
        actual = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsNotFound(f"cannot read the weights file {path}: {error.strerror}", "reinstall dvcodec") from error
    if actual != sha256:
        raise WeightsNotFound(
            f"the weights file {path} is damaged: its SHA-256 is not {sha256[:16]}...", "reinstall it"
        )


def load_model(path: Path, device: str) -> "Hierarchy":
    """Load a hierarchy's weights file onto "cpu" or "cuda"."""
    from ..models import load

    return _loaded(load, path, device)


def load_pixel_model(path: Path, device: str) -> "PixelModel":
    """Load the weights file of a model of lossless pixels onto "cpu" or "cuda"."""
    from ..models import load_pixels

    return _loaded(load_pixels, path, device)


def load_set_model(path: Path, device: str) -> "SetModel":
    """Load the weights file of a model of sets of images onto "cpu" or "cuda"."""
    from ..models import load_set
    from .entropy.bits_back import BitsBack

    return BitsBack(_loaded(load_set, path, device))


def _loaded(load: "Callable[[Path, str], T]", path: Path, device: str) -> "T":
    try:
        return load(path, device)
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
        raise InvalidArgument("no CUDA device is available", 'use `device="cpu"`')
    return "cuda" if available else "cpu"
