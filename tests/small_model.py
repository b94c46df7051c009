"""A small photograph model with lively priors: everything of the shipped ones but the size and the training.

It is drawn from a fixed seed once a process. Its codebooks are the layout's own, its networks a few channels wide and
random, so that priors are far from uniform and depend on every symbol before them.
"""

import io
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dvcodec import models
from dvcodec.models.configs import RRVQConfig
from dvcodec.models.integer import weights_file
from dvcodec.models.integer.guard import integer_arithmetic
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.interface import hierarchy as interface
from dvcodec.models.photo.codec_model import PhotoCodecModel
from dvcodec.models.photo.file import write
from dvcodec.models.photo.integer.chain import BAND_POSITIONS, BLOCK_ENTRIES, IntegerChain
from dvcodec.models.photo.layout import COEFFICIENTS
from dvcodec.models.photo.network.checkerboard import Rows
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.models.photo.packing import pack, unpack
from dvcodec.models.photo.quality import QualityMap
from dvcodec.training.tasks.codebooks import codebooks

ROOT = Path(__file__).resolve().parent.parent
CONFIG = RRVQConfig(
    widths={64: 16, 32: 16, 16: 16, 8: 16},
    blocks=1,
    hidden=16,
    synthesis_width=8,
    synthesis_blocks=1,
    postfilter_width=8,
    postfilter_pairs=1,
    analysis_width=8,
    neighbours=8,
)
QUALITIES = QualityMap(lowest=300, highest=4096)
SPREAD = {64: 900.0, 32: 300.0, 16: 120.0, 8: 6.0}
"""Typical size of the coefficients of each stride, in units of sigma."""


@cache
def trainable() -> PhotoRRVQ:
    """The model before packing, in float. Shared: do not change it."""
    return built(CONFIG)


def built(config: RRVQConfig) -> PhotoRRVQ:
    """A model of this configuration before packing, in float."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = PhotoRRVQ(config).eval()
        for (values, frequencies), layer in zip(layout_codebooks(config.layout), model.chain.layers(), strict=True):
            layer.initialise(values, frequencies)
        _enliven(model)
    return model


@cache
def layout_codebooks(layout: str) -> list[tuple[Tensor, Tensor]]:
    """Codewords and frequencies of a layout's layers, clustered once a process. Shared: do not change them."""
    return codebooks(layout, synthetic_targets(), torch.Generator().manual_seed(0))


def synthetic_targets() -> dict[int, Tensor]:
    """Heavy-tailed coefficients by stride (2000, channels), in units of sigma; finer frequencies are smaller."""
    drawn = np.random.default_rng(0)
    targets = {}
    for stride, channels in COEFFICIENTS.items():
        falling = SPREAD[stride] * 0.97 ** (np.arange(channels) % 64)
        targets[stride] = torch.from_numpy(drawn.laplace(size=(2000, channels)) * falling).float()
    return targets


def _enliven(model: PhotoRRVQ) -> None:
    """Give weight to what starts at zero: biases, learned predictions, heads, and the float networks."""
    for module in model.modules():
        if isinstance(module, QuantLinear):
            module.bias.normal_(std=0.1)
    for layer in model.chain.layers():
        layer.prior_head.weight.mul_(12)
        layer.mean.weight.normal_(std=0.05)
        if layer.neighbour_embedding is not None:
            layer.neighbour_embedding.weight.normal_(std=0.05)
    for net in (model.analysis, model.synthesis, model.postfilter):
        if net is not None:
            net.last.weight.normal_(std=0.004)


def frozen() -> PhotoRRVQ:
    """The model as a weights file restores it, on its exact path. A fresh copy with every call."""
    model = PhotoRRVQ(CONFIG)
    with torch.no_grad():
        unpack(model, pack(trainable()))
    return model.eval()


@cache
def weights_bytes() -> bytes:
    """The model as the bytes of a weights file."""
    return write(trainable(), QUALITIES, "small")


def with_config(data: bytes, **fields: Any) -> bytes:
    """A weights file with other fields in its configuration, under the identity that it then has."""
    metadata = weights_file.metadata_of(data)
    return weights_file.write({**metadata, "config": metadata["config"] | fields}, safetensors.torch.load(data))


def load(data: bytes | None = None, device: str = "cpu") -> PhotoCodecModel:
    """The hierarchy of a weights file's bytes (the small model's if none are given). A fresh one with every call."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "small.safetensors"
        path.write_bytes(weights_bytes() if data is None else data)
        hierarchy = models.load_network(path, device)
    assert isinstance(hierarchy, PhotoCodecModel)
    return hierarchy


def load_runtime(data: bytes) -> interface.Hierarchy:
    """The hierarchy of a weights file's bytes, without torch."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "small.safetensors"
        path.write_bytes(data)
        return models.load(path)


@cache
def hierarchy() -> PhotoCodecModel:
    """The small model behind the codec's seam. Shared: do not change it."""
    return load()


def network(hierarchy: interface.Hierarchy) -> PhotoRRVQ:
    """The network inside a loaded hierarchy, for tests that pass batches through it or plant something in it."""
    assert isinstance(hierarchy, PhotoCodecModel)
    return hierarchy.network


def integer_chain(model: PhotoRRVQ, positions: int = BAND_POSITIONS, entries: int = BLOCK_ENTRIES) -> IntegerChain:
    """The exact chain of a frozen model, in bands of about so many positions and blocks of so many table entries."""
    with integer_arithmetic():
        return IntegerChain(model.chain, positions, entries)


def adapter(model: PhotoRRVQ) -> PhotoCodecModel:
    """A frozen model of this configuration behind the codec's seam."""
    return PhotoCodecModel("small", model, QUALITIES, "cpu")


def places(rows: Rows) -> Tensor:
    """Some positions' places in raster order (n,)."""
    return torch.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture with some edges: (height, width, 3)."""
    drawn = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 64
    waves = [np.sin(y * a + x * b + c) for a, b, c in drawn.uniform(-6, 6, (9, 3))]
    smooth = np.stack([sum(waves[i::3]) for i in range(3)], axis=2) * 30 + 128
    smooth[y + 0.6 * x > drawn.uniform(0.4, 1.4)] += drawn.uniform(-50, 50, 3)
    noisy: NDArray[np.uint8] = (smooth + drawn.normal(0, 2, smooth.shape)).clip(0, 255).astype(np.uint8)
    return noisy


def photograph(height: int, width: int) -> NDArray[np.uint8]:
    """A piece of the bundled photograph: (height, width, 3)."""
    with Image.open(io.BytesIO((ROOT / "examples" / "kodim23.png").read_bytes())) as image:
        return np.asarray(image.convert("RGB").crop((300, 150, 300 + width, 150 + height)))
