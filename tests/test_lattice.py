"""The lattice of older lossless files: read for good, no longer written. Golden files hold its bytes."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dvcodec import models, weights
from dvcodec.codec.entropy.ans import Tables
from dvcodec.codec.entropy.residual_coding import Encoder
from dvcodec.codec.lossless import pixel_strips
from dvcodec.models import pixel_walk
from dvcodec.models.interface import hierarchy as interface
from dvcodec.models.lattice import LUMINANCE, PARITIES, SPACING, groups, seed
from fake import photograph


@pytest.fixture(scope="module")
def model() -> interface.PixelModel:
    """The model that older files name."""
    return models.load_pixels(weights.find("pixels-photo-1").path)


def recoded(model: interface.PixelModel, array: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> bytes:
    """A strip of pixels, coded."""
    encoder = Encoder(model, Tables(model.tables))
    model.walk(predicted, encoder, transform=0, grey=array.ndim == 2, pixels=array)
    return bytes([0]) + encoder.recorder.bytes()


def test_groups_see_known_pixels_alone() -> None:
    assert not any(seed().near)
    for index, group in enumerate(groups(), 1):
        assert group.parity == PARITIES[index]
        assert {n.parity for near in group.near for n in near} <= set(PARITIES[:index])
        assert len(group.near[0]) == min(LUMINANCE, len(group.near[0])) >= 12


def test_a_pixel_depends_on_what_is_known_alone(model: interface.PixelModel) -> None:
    """Changing a pixel of the last group changes no context but those of its own position."""
    seen: list[list[NDArray[np.int32]]] = []

    class Watch:
        def choose(self, step: interface.PixelStep) -> NDArray[np.int32]:
            seen[-1].append(step.contexts.copy())
            return step.residuals()

    array = photograph(SPACING * 3, SPACING * 4)
    predicted = photograph(SPACING * 3, SPACING * 4, 3)
    for change in (0, 40):
        changed = array.copy()
        changed[1::2, 0::2] ^= np.uint8(change)
        seen.append([])
        model.walk(predicted, Watch(), transform=0, grey=False, pixels=changed)
    assert len(seen[0]) == 30
    assert all((one == other).all() for one, other in zip(seen[0][:28], seen[1][:28], strict=True))
    assert not (seen[0][28] == seen[1][28]).all()


@pytest.mark.parametrize("positions", [1, 50, 10**6])
def test_bands_change_nothing(positions: int, model: interface.PixelModel, monkeypatch: pytest.MonkeyPatch) -> None:
    array, predicted = photograph(40, 56), photograph(40, 56, 2)
    strip = recoded(model, array, predicted)
    monkeypatch.setattr(pixel_walk, "BAND_POSITIONS", positions)
    assert recoded(model, array, predicted) == strip
    assert (pixel_strips.decode(strip, predicted, model, Tables(model.tables), grey=False) == array).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (17, 1), (8, 8), (23, 31)], ids=str)
def test_every_size_comes_back(model: interface.PixelModel, size: tuple[int, int]) -> None:
    array, predicted = photograph(*size), photograph(*size, 2)
    for wanted in (array, np.ascontiguousarray(array[:, :, 1])):
        strip = recoded(model, wanted, predicted)
        found = pixel_strips.decode(strip, predicted, model, Tables(model.tables), grey=wanted.ndim == 2)
        assert (found == wanted).all()
