"""A small bilevel model: a random network, made-up counts, and images of every kind."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from dvcodec import models
from dvcodec.models.configs import BilevelPagesConfig
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.integer.packing import pack_linears, unpack_linears
from dvcodec.models.integer.weights_file import Tensors
from dvcodec.models.pixels.bilevel import export
from dvcodec.models.pixels.bilevel.model import TiledBilevelModel
from dvcodec.models.pixels.bilevel.quiet import QuietBilevelNet

WEIGHTS = b"pagespag"
CONFIG = BilevelPagesConfig(rows=3, columns=5, width=12)


@cache
def trainable() -> QuietBilevelNet:
    """The network before packing, in float. Shared: do not change it."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        net = QuietBilevelNet(CONFIG).eval()
        for module in net.modules():
            if isinstance(module, QuantLinear):
                module.bias.normal_(std=0.5)
        net.quiet.copy_(torch.randint(0, 1000, net.quiet.shape))
    return net


@cache
def weights_bytes() -> bytes:
    """The model as the bytes of a weights file."""
    return export.write(trainable(), "small-pages")


def quantised() -> QuietBilevelNet:
    """The network with the weights of the file. A fresh one with every call."""
    net = QuietBilevelNet(CONFIG).eval()
    unpack_linears(net, Tensors(pack_linears(trainable())))
    net.quiet.copy_(trainable().quiet)
    return net


def load(data: bytes | None = None) -> TiledBilevelModel:
    """The model of a weights file's bytes (the small one's if none are given). A fresh one with every call."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pages.safetensors"
        path.write_bytes(weights_bytes() if data is None else data)
        found = models.load_bilevel(path)
    assert isinstance(found, TiledBilevelModel)
    return found


@cache
def bilevel_model() -> TiledBilevelModel:
    """The small model. Shared: do not change it."""
    return load()


def page(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A page (height, width) of 0 and 255: paper, bars, and noise in a corner."""
    rng = np.random.default_rng(seed)
    white = np.full((height, width), 255, np.uint8)
    for _ in range(6):
        y, x = rng.integers(height), rng.integers(width)
        white[y : y + rng.integers(1, 9), x : x + rng.integers(1, 40)] = 0
    noisy = white[: height // 3, : width // 3]
    noisy[rng.random(noisy.shape) < 0.4] ^= 255
    return white
