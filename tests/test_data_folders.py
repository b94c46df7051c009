"""Any folder of images as a data set, and images that are kept out of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dvcodec.errors import DvcodecError
from dvcodec.training.data.family_data import data_of
from dvcodec.training.data.folders import open_folder
from dvcodec.training.data.names import SPLITS
from dvcodec.training.data.photo_folder import PhotoFolder
from dvcodec.training.options import TrainOptions
from dvcodec.training.recipes.family_presets import FAMILY_PRESETS
from dvcodec.training.recipes.registry import resolve
from dvcodec.training.tasks.building import task_of


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


def test_a_folder_with_some_parts_has_only_those(tmp_path: Path) -> None:
    for part, count in (("train", 12), ("test", 2)):
        pictures(tmp_path / part, count)
    data, _ = open_folder(tmp_path, 32, 3)
    assert [len(data.split(split)) for split in ("train", "test")] == [12, 2] and data.evaluated == "test"
    with pytest.raises(DvcodecError, match="no validation image of at least 32x32"):
        data.split("validation")


def test_only_the_split_that_is_asked_for_must_have_images(tmp_path: Path) -> None:
    pictures(tmp_path / "few", 5)
    data, _ = open_folder(tmp_path / "few", 32, 3)
    held = [split for split in SPLITS if split not in data.splits]
    assert held and data.evaluated == "all" and len(data.split("all")) == 5
    assert sum(len(data.split(split)) for split in SPLITS if split not in held) == 5
    for split in held:
        with pytest.raises(DvcodecError, match=f"has no {split} image"):
            data.split(split)


@pytest.mark.parametrize("validate_every", [0, 5])
def test_training_needs_a_validation_image_only_where_it_validates(validate_every: int, tmp_path: Path) -> None:
    pictures(tmp_path / "train", 3)
    changes = {"validate_every": str(validate_every), "width": "8"}
    settings = resolve("rrvq-l5-small", changes, None)
    options = TrainOptions("rrvq-l5-small", str(tmp_path), tmp_path / "run")
    if validate_every:
        with pytest.raises(DvcodecError, match="no validation image"):
            task_of(settings, options)
    else:
        assert task_of(settings, options)[1] == {"data": str(tmp_path), "images": 3, "excluded": 0}


def test_binary_models_see_ink(tmp_path: Path) -> None:
    levels = np.add.outer(np.arange(30), np.arange(30) * 7).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "ramp.png")
    config = FAMILY_PRESETS["hdvae-small"].config
    (whole,) = data_of(config, str(tmp_path), None)[0].split("all").batches(1)
    assert torch.equal(whole[0, 0], torch.from_numpy(levels[1:29, 1:29] >= 128).float())
    batch = open_folder(tmp_path, 28, 1, binary=True)[0].split("all").batch(3, np.random.default_rng(0))
    assert set(batch.flatten().tolist()) == {0.0, 1.0}


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
