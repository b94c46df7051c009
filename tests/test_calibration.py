"""Where quality 50 lies follows from images alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_model import CONFIG

from dvcodec.errors import DvcodecError
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.training.export.calibration import calibrate


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "there is no image below"),
        ({"a.png": b"none"}, "a.png: not an image that Pillow can read"),
        ({"a.txt": b""}, "no image below"),
    ],
    ids=["empty", "damaged", "others"],
)
def test_quality_is_calibrated_on_images_alone(files: dict[str, bytes], words: str, tmp_path: Path) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DvcodecError, match=words):
        calibrate(PhotoRRVQ(CONFIG), tmp_path)
