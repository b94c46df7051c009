"""Lossy archives: each image is a lossy file of its own, with the settings of the archive."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sample_archives import kinds
from test_lossless import image_of

import dvcodec
from dvcodec.codec.archives.layout import FILES
from dvcodec.errors import InvalidArgument, TargetUnreachable, UnsupportedImage
from fake import file_of, photograph

pytestmark = pytest.mark.usefixtures("fake_weights")


@pytest.mark.parametrize("settings", [{}, {"quality": 80}, {"target_psnr": 12}])
def test_images_are_those_of_single_files(settings: dict[str, Any], tmp_path: Path) -> None:
    photos = [Image.fromarray(photograph(30 + seed, 40, seed)) for seed in range(4)]
    photos.append(image_of("LA", 9, 8, "drawing"))
    photos[0].info["icc_profile"] = b"profile"
    report = dvcodec.compress_archive([(f"{i}.jpg", one) for i, one in enumerate(photos)], tmp_path / "a", **settings)
    assert report.images == 5 and kinds(tmp_path / "a") == [(FILES, 5)]
    with dvcodec.open_archive(tmp_path / "a") as archive:
        for found, photo in zip(archive, photos, strict=True):
            alone = dvcodec.decompress(dvcodec.compress(photo, **settings))
            assert (found.mode, found.tobytes(), found.info) == (alone.mode, alone.tobytes(), alone.info)
    info = dvcodec.archive_info(tmp_path / "a")
    assert [image.lossless for image in info.segments[0].images] == [False] * 5 and not info.faults


def test_what_a_file_has_an_archive_strips(tmp_path: Path) -> None:
    photo = Image.fromarray(photograph(30, 40))
    photo.info["xmp"] = b"<x/>"
    dvcodec.compress_archive([("a.png", photo)], tmp_path / "a", strip=True, names=False)
    archive = dvcodec.open_archive(tmp_path / "a")
    assert "xmp" not in archive[0].info and archive.names == ("00001.png",)


def test_images_come_from_anything_that_compress_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = photograph(30, 40)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    for name in ("x.png", "deep/y.png"):
        (tmp_path / name).write_bytes(file_of(Image.fromarray(pixels), "PNG"))
    given: list[Any] = [
        pixels,
        Image.fromarray(pixels),
        tmp_path / "x.png",
        "./deep/y.png",
        (tmp_path / "x.png").read_bytes(),
    ]

    def each() -> Iterator[Any]:
        yield from given
        yield "named.png", io.BytesIO(given[-1])

    for lossless in (False, True):
        dvcodec.compress_archive(each(), tmp_path / "a", lossless=lossless, force=True)
        archive = dvcodec.open_archive(str(tmp_path / "a"))
        assert archive.names == ("00001.png", "00002.png", "x.png", "deep/y.png", "00005.png", "named.png")
        assert all((np.asarray(image) == np.asarray(archive[0])).all() for image in archive)


@pytest.mark.parametrize("wrong", [None, 5, "a.png", b"data", [5], [None], [(5, photograph(4, 4))], [("a", "b", "c")]])
def test_what_is_no_image_is_refused(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        dvcodec.compress_archive(wrong, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_settings_are_those_of_one_image(tmp_path: Path) -> None:
    photo = [photograph(30, 40)]
    for settings in ({"method": "stored"}, {"quality": 5, "lossless": True}, {"effort": 2, "lossless": True}):
        with pytest.raises(InvalidArgument):
            dvcodec.compress_archive(photo, tmp_path / "a", **settings)
    with pytest.raises(InvalidArgument, match="is not a path"):
        dvcodec.compress_archive(photo, 5)  # type: ignore[arg-type]
    with pytest.raises(TargetUnreachable):
        dvcodec.compress_archive(photo, tmp_path / "a", target_size=40)
    with pytest.raises(UnsupportedImage):
        dvcodec.compress_archive([Image.new("F", (4, 4))], tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
