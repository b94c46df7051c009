"""A small light photograph model: random networks, large enough to change what they correct."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from dvcodec import models
from dvcodec.models.light import file
from dvcodec.models.light.config import LightConfig
from dvcodec.models.light.model import LightPhotoModel
from dvcodec.models.light.runtime.model import RuntimeLightModel
from dvcodec.models.photo.quality import QualityMap

SMALL = LightConfig(
    widths={64: 16, 32: 16, 16: 16, 8: 16},
    hidden=16,
    postfilter_width=8,
    postfilter_pairs=1,
)
QUALITIES = QualityMap(300, 3900, 1700)


def random_network() -> LightPhotoModel:
    """The network as it trains. A fresh one with every call."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        model = LightPhotoModel(SMALL).eval()
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.05)
        assert model.postfilter is not None
        model.postfilter.first.weight.mul_(8)
        model.postfilter.last.weight.mul_(3)
    model.top_down.set_integers(True)
    return model


@cache
def weights_bytes() -> bytes:
    """The model as the bytes of a weights file."""
    return file.write(random_network(), QUALITIES, "small-light")


def load(data: bytes | None = None) -> RuntimeLightModel:
    """The model of a weights file's bytes (the small one's if none are given). A fresh one with every call."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "light.safetensors"
        path.write_bytes(weights_bytes() if data is None else data)
        found = models.load(path)
    assert isinstance(found, RuntimeLightModel)
    return found


@cache
def hierarchy() -> RuntimeLightModel:
    """The small model. Shared: do not change it."""
    return load()
