"""Any folder of images as a data set, and images that are kept out of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dvcodec.codec.errors import DvcodecError
from dvcodec.training.data.folders import open_folder
from dvcodec.training.photos import PhotoFolder


def pictures(folder: Path, count: int, side: int = 40) -> None:
    """Images of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        noise = np.random.default_rng(i).integers(0, 256, (side, side + 3, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{i:02d}.png")


def test_a_folder_is_cropped_and_parted_by_its_pixels(tmp_path: Path) -> None:
    pictures(tmp_path / "all", 60)
    data, left_out = open_folder(tmp_path / "all", 32, 3)
    assert (data.shape, data.binary, left_out) == ((3, 32, 32), False, 0)
    counts = [len(data.split(split)) for split in ("train", "validation", "test")]
    assert sum(counts) == 60 and min(counts) > 0 and counts[0] > 40
    assert data.batch(5, np.random.default_rng(0)).shape == (5, 3, 32, 32)
    middles = torch.cat(list(data.split("train").batches(16)))
    assert middles.shape == (counts[0], 3, 32, 32)
    assert open_folder(tmp_path / "all", 32, 1)[0].shape == (1, 32, 32)
    with pytest.raises(DvcodecError, match="at least 64x64"):
        open_folder(tmp_path / "all", 64, 3)


def test_a_folder_with_its_own_parts_keeps_them(tmp_path: Path) -> None:
    for part, count in (("train", 5), ("validation", 2), ("test", 1)):
        pictures(tmp_path / part, count)
    data, _ = open_folder(tmp_path, 32, 3)
    assert [len(data.split(split)) for split in ("train", "validation", "test")] == [5, 2, 1]


def test_images_for_evaluation_are_left_out_whatever_their_format(tmp_path: Path) -> None:
    pictures(tmp_path / "all", 60)
    (tmp_path / "kept out").mkdir()
    for i in range(3):
        Image.open(tmp_path / "all" / f"{i:02d}.png").save(tmp_path / "kept out" / f"x{i}.webp", lossless=True)
    data, left_out = open_folder(tmp_path / "all", 32, 3, tmp_path / "kept out")
    assert left_out == 3 and sum(len(data.split(split)) for split in ("train", "validation", "test")) == 57
    photos = PhotoFolder(tmp_path / "all", 32, tmp_path / "kept out")
    assert (photos.excluded, len(photos.images), len(photos.areas)) == (3, 57, 57)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DvcodecError, match="no image below"):
        open_folder(tmp_path / "all", 32, 3, tmp_path / "empty")


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    pictures(tmp_path, 3)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    with pytest.raises(DvcodecError, match=r"broken\.png"):
        open_folder(tmp_path, 32, 3)
