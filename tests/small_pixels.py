"""A small model of lossless pixels beside `small_light`'s hierarchy: random networks, tables without counts."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import small_light
import torch
from numpy.typing import NDArray

from dvcodec import models
from dvcodec.codec import decoder
from dvcodec.codec.bitstream.container import DvqFile
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossless import methods
from dvcodec.codec.settings import Preview
from dvcodec.image_io.images import Picture, from_array
from dvcodec.models.configs import WavefrontConfig
from dvcodec.models.integer import weights_file
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.integer.packing import pack_linears, unpack_linears
from dvcodec.models.integer.weights_file import Tensors
from dvcodec.models.interface import hierarchy as interface
from dvcodec.models.interface.photo import PhotoModel
from dvcodec.models.pixels import distributions
from dvcodec.models.pixels.wavefront import export
from dvcodec.models.pixels.wavefront.grids import SUM_LIMIT
from dvcodec.models.pixels.wavefront.model import WavefrontModel
from dvcodec.models.pixels.wavefront.net import WavefrontNet

WEIGHTS, PIXEL_WEIGHTS = (
    bytes.fromhex(weights_file.metadata_of(small_light.weights_bytes())["id"])[:8],
    b"87654321",
)


@cache
def trainable() -> WavefrontNet:
    """The network before packing, in float. Shared: do not change it."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        net = WavefrontNet(WavefrontConfig(hidden=12, width=8, predictors=2)).eval()
        for module in net.modules():
            if isinstance(module, QuantLinear):
                module.bias.normal_(std=0.5)
    return net


@cache
def weights_bytes() -> bytes:
    """The model as the bytes of a weights file."""
    return export.write(trainable(), distributions.tables(), "small-pixels")


def quantised() -> WavefrontNet:
    """The network with the weights of the file. A fresh one with every call."""
    net = WavefrontNet(trainable().config).eval()
    unpack_linears(net, Tensors(pack_linears(trainable(), SUM_LIMIT)), SUM_LIMIT)
    return net


def load(data: bytes | None = None) -> WavefrontModel:
    """The model of a weights file's bytes (the small one's if none are given). A fresh one with every call."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.safetensors"
        path.write_bytes(weights_bytes() if data is None else data)
        found = models.load_pixels(path)
    assert isinstance(found, WavefrontModel)
    return found


@cache
def pixel_model() -> WavefrontModel:
    """The small model. Shared: do not change it."""
    return load()


def coded(array: NDArray[np.uint8]) -> bytes:
    """A lossless file of the method `model`."""
    return methods.compress(from_array(array), "model", network).data


def network(hierarchy: PhotoModel | None = None, pixels: interface.PixelModel | None = None) -> methods.Model:
    """Both small models, or others in their place."""
    return methods.Model(hierarchy or small_light.hierarchy(), WEIGHTS, pixels or pixel_model(), PIXEL_WEIGHTS)


def decoded(data: bytes, *, preview: Preview = None, model: methods.Model | None = None) -> decoder.Decoded:
    """Decode with the small models, or others."""
    chosen = model or network()
    loaders = Loaders(hierarchy=lambda prefix: chosen.hierarchy, pixels=lambda prefix: chosen.pixels)
    return decoder.decompress(data, loaders, preview=preview)


def verified(data: bytes) -> DvqFile:
    """Verify with the small models."""
    return decoder.verify(
        data, Loaders(hierarchy=lambda prefix: small_light.hierarchy(), pixels=lambda prefix: pixel_model())
    )


def same(picture: Picture, array: NDArray[np.uint8]) -> bool:
    """Whether a picture has exactly these samples."""
    values = picture.pixels if picture.alpha is None else np.dstack([picture.pixels, picture.alpha])
    return values.shape == array.shape and bool((values == array).all())
