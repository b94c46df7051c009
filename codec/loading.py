"""Load the models of the codec by the name or the identity of their weights, each once a process."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import models, weights
from ..errors import DvcodecError, FormatError, InvalidArgument, WeightsNotFound
from ..processes.locks import LOADING, fork_safe_lock
from ..weights import BILEVEL, BITS_BACK, HIERARCHY, PIXELS, Weights
from .settings import Device, one_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..models.interface.bits_back import BitsBackCoder
    from ..models.interface.hierarchy import BilevelModel, Hierarchy, PixelModel
    from .lossless.methods import BilevelNetworks, Model

_LOADING = fork_safe_lock(LOADING)

Loader = Callable[[Path, str, str], Any]


def _on_cpu(load: Callable[..., Any]) -> Loader:
    """Return a loader of models that always run on the CPU, since they alternate with the entropy coder."""
    return lambda path, device, identity: load(path, expected=identity)


def _bits_back(path: Path, *, expected: str) -> "BitsBackCoder":
    from .entropy.bits_back import BitsBack

    return BitsBack(models.load_bits_back(path, expected=expected))


NETWORK = "network"
"""A hierarchy as a network of torch."""

LOADERS: dict[str, Loader] = {
    HIERARCHY: lambda path, device, identity: models.load(path, device, expected=identity),
    NETWORK: lambda path, device, identity: models.load_network(path, device, expected=identity),
    PIXELS: _on_cpu(models.load_pixels),
    BILEVEL: _on_cpu(models.load_bilevel),
    BITS_BACK: _on_cpu(_bits_back),
}
"""For each kind of model the function that loads it, by a path, a device ("cpu" or "cuda") and their identity."""


def load(kind: str, chosen: Weights, device: str = "cpu") -> Any:
    """Return the model of some weights. It is loaded once a process and device.

    Args:
        kind: The kind of model that is wanted, a key of LOADERS.
        chosen: The weights.
        device: "cpu" or "cuda".

    Raises:
        WeightsNotFound: If the file cannot be read, is damaged, or is of another kind.
    """
    with _LOADING:
        return _loaded(kind, chosen.path, chosen.sha256, device)


@lru_cache(maxsize=16)
def _loaded(kind: str, path: Path, identity: str, device: str) -> Any:
    try:
        return LOADERS[kind](path, device, identity)
    except (DvcodecError, MemoryError):
        raise
    except OSError as error:
        raise WeightsNotFound(f"cannot read the weights file {path}: {error.strerror}", "reinstall dvcodec") from error
    except Exception as error:  # a user's own file may hold anything
        raise WeightsNotFound(f"the weights file {path} cannot be loaded: {error}") from error


def forget() -> None:
    """Drop the loaded models and free their memory."""
    _loaded.cache_clear()


def choose(name_or_path: str | None, *, perceptual: bool = False) -> Weights:
    """Return the weights that a user named, or the default ones.

    Args:
        name_or_path: What the user named.
        perceptual: Whether images are coded for the eye.

    Raises:
        WeightsNotFound: If there are none.
    """
    return weights.find(name_or_path) if name_or_path else weights.photographs(perceptual=perceptual)


def hierarchy(chosen: Weights, device: str = "auto") -> "Hierarchy":
    """Return the hierarchy of these weights."""
    found: Hierarchy = load(HIERARCHY, chosen, device_of(device))
    return found


def network(chosen: Weights, device: str = "auto") -> "Hierarchy":
    """Return the hierarchy of some weights as a network of torch, for measurements and samples."""
    found: Hierarchy = load(NETWORK, chosen, device_of(device))
    return found


def hierarchy_by_id(prefix: bytes, device: str = "auto") -> "Hierarchy":
    """Return the hierarchy that a file names by the first 8 bytes of its weights' identity."""
    return hierarchy(_named(prefix, HIERARCHY, BITS_BACK), device)


def pixel_model_by_id(prefix: bytes) -> "PixelModel":
    """Return the model of lossless pixels that a file names by the first 8 bytes of its weights' identity."""
    found: PixelModel = load(PIXELS, _named(prefix, PIXELS))
    return found


def bilevel_model_by_id(prefix: bytes) -> "BilevelModel":
    """Return the model of bilevel images that a file names by the first 8 bytes of its weights' identity."""
    found: BilevelModel = load(BILEVEL, _named(prefix, BILEVEL))
    return found


def bits_back_coder_by_id(prefix: bytes) -> "BitsBackCoder":
    """Return the bits-back coder that an archive names by the first 8 bytes of its weights' identity."""
    found: BitsBackCoder = load(BITS_BACK, _named(prefix, BITS_BACK))
    return found


def _named(prefix: bytes, *kinds: str) -> Weights:
    """Return the weights that a file names, which must be of one of some kinds."""
    found = weights.by_id(prefix)
    if found.kind not in kinds:
        raise FormatError(f"the file is not valid: it names the weights {found.name}, which are of another kind")
    return found


class InstalledBitsBack:
    """An `interface.bits_back.BitsBackCoder` whose model is loaded when it is first used."""

    def __init__(self, chosen: Weights) -> None:
        self._chosen = chosen

    @property
    def name(self) -> str:
        """Name of the weights."""
        return self._chosen.name

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell by the header of its weights file whether the model codes images of this Pillow mode and size."""
        return models.bits_back_suits(self._chosen.config, mode, height, width)

    def encode(self, samples: "NDArray[np.uint8]") -> bytes:
        """Return the payload of some images."""
        return self._coder().encode(samples)

    def decode(self, payload: bytes, count: int) -> "NDArray[np.uint8]":
        """Undo `encode` of `count` images."""
        return self._coder().decode(payload, count)

    def _coder(self) -> "BitsBackCoder":
        found: BitsBackCoder = load(BITS_BACK, self._chosen)
        return found


def bits_back_coders(name_or_path: str | None = None) -> "tuple[tuple[bytes, BitsBackCoder], ...]":
    """Return the bits-back coders for archives, each after the id of its weights.

    These are all installed ones, or the one that is named; a name of other weights does not count.
    """
    named = weights.find(name_or_path) if name_or_path else None
    chosen = weights.of_kind(BITS_BACK) if named is None or named.kind != BITS_BACK else (named,)
    return tuple((entry.id, InstalledBitsBack(entry)) for entry in chosen)


def lossless_model(name_or_path: str | None, device: str = "auto", *, required: bool = True) -> "Model | None":
    """Return the networks of the lossless method `model`.

    Args:
        name_or_path: The hierarchy that a user named; None for the default one.
        device: Where the hierarchy runs: "auto", "cpu" or "cuda".
        required: Whether to raise an error, instead of returning None, if no model of lossless pixels is installed.

    Raises:
        WeightsNotFound: If weights are missing, or cannot be used for lossless files.
    """
    from ..models.interface.photo import PhotoModel
    from .lossless.methods import Model

    try:
        pixels = weights.default(PIXELS)
    except WeightsNotFound:
        if required:
            raise
        return None
    chosen = choose(name_or_path, perceptual=True)
    network = hierarchy(chosen, device)
    if not (isinstance(network, PhotoModel) and network.exact_pixels):
        raise WeightsNotFound(f"the weights {chosen.name} cannot be used for lossless files", "choose other weights")
    return Model(network, chosen.id, load(PIXELS, pixels), pixels.id)


def bilevel(*, required: bool = True) -> "BilevelNetworks | None":
    """Return the network of the lossless method `bilevel`; None if there is none and it is not `required`."""
    from .lossless.methods import BilevelNetworks

    if not required and not weights.defaults(BILEVEL):
        return None
    chosen = weights.default(BILEVEL)
    return BilevelNetworks(load(BILEVEL, chosen), chosen.id)


def available_threads() -> int:
    """Return the number of processors that this process may use, less what a container's quota takes away."""
    from ..models.runtime.threads import available

    return available()


def limit_threads(count: int) -> None:
    """Set the number of CPU threads of the networks in this process, which is the command line's own."""
    from ..models.runtime import kernels

    kernels.use_threads(count)
    os.environ["OMP_NUM_THREADS"] = str(count)  # for torch, if it is loaded later
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(count)


def share_threads(processes: int) -> None:
    """Let the networks of this process use its share of the threads, where so many processes work at the same time."""
    from ..models.runtime import kernels

    kernels.use_threads(max(1, available_threads() // processes))


def device_of(device: str) -> str:
    """Return "cpu" or "cuda" for a user's choice; raise InvalidArgument if there is no such device."""
    one_of("device", device, Device)
    if device == "cpu" or (device == "auto" and shutil.which("nvidia-smi") is None):  # spares the import of torch
        return "cpu"
    try:
        import torch
    except ImportError as error:
        if device == "auto":
            return "cpu"
        raise InvalidArgument("a GPU needs torch, which is not installed", 'use `device="cpu"`') from error
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise InvalidArgument("no CUDA device is available", 'use `device="cpu"`')
    return "cuda" if available else "cpu"
