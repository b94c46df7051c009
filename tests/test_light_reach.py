"""The shipped light model's symbols reach every image of 8-bit samples, at every quality."""

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec import weights
from dvcodec.codec import loading
from dvcodec.models.light.conditioning import Conditioning
from dvcodec.models.light.config import STRIDES
from dvcodec.models.light.layout import coded_channels
from dvcodec.models.light.model import LightPhotoModel
from dvcodec.models.light.runtime.model import RuntimeLightModel
from dvcodec.models.light.tables import ALPHABET
from dvcodec.models.photo.quality import FINEST_QUALITY
from dvcodec.training.warm_start.light import warm_start_light_model

SIDE = 320


@cache
def shipped() -> LightPhotoModel:
    """The shipped model, for training."""
    held = weights.photographs(perceptual=True)
    found = loading.hierarchy(held, "cpu")
    assert isinstance(found, RuntimeLightModel)
    model = LightPhotoModel(found.config)
    warm_start_light_model(model, held.path)
    return model


@pytest.mark.parametrize("tuning", [0, 1])
@pytest.mark.parametrize("stride", STRIDES)
def test_no_image_has_coefficients_beyond_the_symbols(stride: int, tuning: int) -> None:
    model = shipped()
    finest = Conditioning(torch.tensor([FINEST_QUALITY]), torch.tensor([float(tuning)]))
    grey = torch.full((1, 3, SIDE, SIDE), 128.0, requires_grad=True)
    count = SIDE // stride
    middle = model.infer(grey, finest)[stride][(count // 2) * (count + 1)]
    steps = {channel: step for group in groups(stride) for channel, step in group}
    for channel in coded_channels(stride)[:: 1 if stride > 8 else 7]:
        (weight,) = torch.autograd.grad(middle[channel], grey, retain_graph=True)
        assert 128 * float(weight.abs().sum()) / steps[channel] < ALPHABET.largest


def groups(stride: int) -> list[list[tuple[int, float]]]:
    """The channels of each group of a stride with their steps."""
    found = [group for stage in shipped().top_down.stages(stride) for group in stage.parts()]
    return [list(zip(group.channels, group.step().tolist(), strict=True)) for group in found]


@pytest.mark.parametrize("side", [8, 32, 64, 128])
def test_black_and_white_squares_come_back(side: int) -> None:
    pixels = squares(side)
    back = np.asarray(dvcodec.decompress(dvcodec.compress(Image.fromarray(pixels), quality=100, lossless=False)))
    error = np.abs(back.astype(int) - pixels)
    assert error.mean() < 1.5 and error.max() < 40


def squares(side: int) -> NDArray[np.uint8]:
    """A board of black and white squares."""
    places = np.arange(256) // side
    return np.repeat((255 * ((places[:, None] + places) % 2)).astype(np.uint8)[:, :, None], 3, axis=2)
