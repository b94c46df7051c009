"""Plain pictures come back plain: networks add no pattern where there is nothing to see."""

import numpy as np
import pytest

import dvcodec


@pytest.mark.parametrize("quality", [1, 30, 60])
@pytest.mark.parametrize("tune", ["perceptual", "psnr"])
def test_a_plain_picture_comes_back_plain(quality: float, tune: str) -> None:
    pixels = np.full((120, 150, 3), (40, 90, 200), np.uint8)
    data = dvcodec.compress(pixels, quality=quality, tune=tune, weights="rrvq-light")
    found = np.asarray(dvcodec.decompress(data)).astype(int)
    assert np.ptp(found, axis=(0, 1)).max() == 0
    assert np.abs(found - pixels).max() <= 6
