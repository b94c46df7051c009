"""Crops at other sizes, in other colours, with grain."""

from pathlib import Path

import numpy as np
import pytest
import small_model
from PIL import Image

from dvcodec.training.data.augmentation import (
    LUMINANCE,
    OCTAVES,
    augmented_crop,
    grainy,
    recoloured,
    resized,
    subsampled,
)
from dvcodec.training.data.photo_folder import PhotoFolder
from dvcodec.training.recipes.photo import PhotoRecipe
from dvcodec.training.tasks.photo import PhotoTask


def smooth(height: int, width: int) -> np.ndarray:
    """A ramp, whose steps tell the size at which it is seen."""
    row = np.arange(width, dtype=np.uint8)[None, :, None]
    return np.broadcast_to(row, (height, width, 3)).copy()


def test_crops_are_seen_at_sizes_of_the_range() -> None:
    rng = np.random.default_rng(0)
    crops = [resized(smooth(200, 200), 40, rng) for _ in range(60)]
    assert {crop.shape for crop in crops} == {(40, 40, 3)}
    steps = np.array([np.diff(crop[20, 5:-5, 0]).mean() for crop in crops])
    octaves = -np.log2(steps)
    assert OCTAVES[0] - 0.1 < octaves.min() < OCTAVES[0] + 0.3 and OCTAVES[1] - 0.3 < octaves.max() < OCTAVES[1] + 0.1


@pytest.mark.parametrize("shape", [(40, 90), (40, 40), (90, 41)])
def test_images_no_larger_than_a_crop_give_one(shape: tuple[int, int]) -> None:
    for seed in range(20):
        crop = augmented_crop(smooth(*shape), 40, np.random.default_rng(seed))
        assert crop.shape == (40, 40, 3) and crop.dtype == np.uint8


def test_grain_has_no_mean_and_colours_stay_near_their_range() -> None:
    rng = np.random.default_rng(1)
    flat = np.full((64, 64, 3), 128.0)
    grains = [grainy(flat, rng) - flat for _ in range(20)]
    assert all(abs(grain.mean()) < 1 and 0.3 < grain.std() < 6 for grain in grains)
    picture = small_model.photograph(48, 48).astype(np.float64)
    for _ in range(20):
        coloured = recoloured(picture, rng)
        assert coloured.shape == picture.shape and -60 < coloured.min() <= coloured.max() < 360


def test_colours_of_every_second_pixel_keep_the_luminance() -> None:
    rng = np.random.default_rng(2)
    picture = small_model.photograph(48, 64).astype(np.float64)
    for _ in range(10):
        coarse = subsampled(picture, rng)
        assert np.abs((coarse - picture) @ LUMINANCE).max() < 1e-2
        apart, before = (crop[:, :, 2] - crop @ LUMINANCE for crop in (coarse, picture))
        assert np.abs(np.diff(apart, axis=1)).mean() < 0.8 * np.abs(np.diff(before, axis=1)).mean()
    flat = np.full((9, 11, 3), (10.0, 90.0, 200.0))
    assert np.allclose(subsampled(flat, rng), flat, atol=1e-3)


def test_a_folder_gives_them_in_their_share_and_the_others_as_before(tmp_path: Path) -> None:
    Image.fromarray(small_model.photograph(96, 96)).save(tmp_path / "a.png")
    photos = PhotoFolder(tmp_path, 32)
    plain, none, all_varied, again = (
        photos.batch(6, 32, np.random.default_rng(3), augmented=share) for share in (0.0, 1e-12, 1.0, 1.0)
    )
    windows = {photos.images[0][y : y + 32, x : x + 32].tobytes() for y in range(65) for x in range(65)}
    views = [{np.ascontiguousarray(turned).tobytes() for turned in turns(crop)} for crop in as_pixels(none)]
    assert all(view & windows for view in views)
    assert np.array_equal(np.asarray(plain), before(photos, np.random.default_rng(3)))
    assert plain.shape == all_varied.shape == (6, 3, 32, 32) and bool((all_varied == again).all())
    assert not any({np.ascontiguousarray(t).tobytes() for t in turns(crop)} & windows for crop in as_pixels(all_varied))


def before(photos: PhotoFolder, rng: np.random.Generator) -> np.ndarray:
    """Crops as they were drawn before any were varied: a recipe without them gives the run that it gave."""
    rng.choice(1, size=6, p=[1.0])
    rng.random(6)
    crops = []
    for _ in range(6):
        y, x = rng.integers(65), rng.integers(65)
        patch = photos.images[0][y : y + 32, x : x + 32]
        patch = patch[:, ::-1] if rng.random() < 0.5 else patch
        crops.append(np.rot90(patch) if rng.random() < 0.3 else patch)
    return np.stack(crops).transpose(0, 3, 1, 2)


def as_pixels(batch: object) -> np.ndarray:
    """Crops (N, H, W, 3) uint8."""
    return np.asarray(batch).transpose(0, 2, 3, 1).astype(np.uint8)


def turns(crop: np.ndarray) -> list[np.ndarray]:
    """A crop and what it may have been before it was mirrored and turned."""
    return [np.rot90(side, k) for side in (crop, crop[:, ::-1]) for k in range(4)]


def test_a_recipe_says_what_share_is_varied(tmp_path: Path) -> None:
    Image.fromarray(small_model.photograph(96, 96)).save(tmp_path / "a.png")
    photos = PhotoFolder(tmp_path, 32)
    drawn = [
        PhotoTask(small_model.CONFIG, PhotoRecipe(synthetic=0.0, augmented=share), photos, 0, None).drawn(
            4, 32, np.random.default_rng(5)
        )
        for share in (0.0, 1.0)
    ]
    wanted = [photos.batch(4, 32, np.random.default_rng(5), augmented=share) for share in (0.0, 1.0)]
    assert all(np.array_equal(one, other) for one, other in zip(drawn, wanted, strict=True))
    assert not np.array_equal(wanted[0], wanted[1])
