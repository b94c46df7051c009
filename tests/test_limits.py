"""The limits of other libraries do not become ours: healthy files decode, and what was written is read again."""

import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import OutputFailed
from dvcodec.image_io import images, writing
from dvcodec.image_io.images import Palette, Picture
from dvcodec.image_io.metadata import Metadata
from dvcodec.image_io.opening import opened
from fake import file_of, photograph

SOFT = np.dstack([photograph(64, 80), photograph(64, 80)[:, :, :1]])


def test_a_low_limit_of_the_host_makes_no_file_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [dvcodec.compress_array(SOFT, lossless=True, method=method) for method in ("webp", "stored")]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for data in made:
        assert (dvcodec.decompress_array(data) == SOFT).all()
    file, _ = api.decompress_data(made[0], format="PNG")
    assert (images.to_array(images.read(file)) == SOFT).all()
    assert Image.MAX_IMAGE_PIXELS == 10


def test_many_threads_read_without_a_trace_in_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    filters, data = list(warnings.filters), file_of(Image.fromarray(SOFT), "PNG")
    seen = []

    def work() -> None:
        picture = images.read(data)
        seen.append((picture.pixels.shape, Image.MAX_IMAGE_PIXELS))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [((64, 80, 3), 10)] * 8
    assert warnings.filters == filters


def test_warnings_of_readers_are_ignored_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(SOFT).save(path)
    with opened(path) as image:
        warnings.warn_explicit("of Pillow", UserWarning, "x.py", 1, "PIL.PngImagePlugin")
        with pytest.raises(UserWarning, match="of the host"):
            warnings.warn_explicit("of the host", UserWarning, "x.py", 1, "host")
    assert image.size == (80, 64)
    with pytest.raises(UserWarning, match="of Pillow"):
        warnings.warn_explicit("of Pillow", UserWarning, "x.py", 1, "PIL.PngImagePlugin")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "PPM", "WEBP", "TGA", "JPEG2000", "SGI"])
def test_formats_are_recognised_as_pillow_does(format: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(file_of(Image.fromarray(photograph(16, 20)), format))
    with opened(path) as image, Image.open(path) as expected:
        assert (type(image), image.size, image.mode) == (type(expected), expected.size, expected.mode)


def test_a_png_with_a_large_profile_is_written_without_it_and_opens() -> None:
    profile, xmp = bytes(2**20 + 1), b"x" * 2**22
    picture = Picture(photograph(8, 8), None, Metadata(profile, b"", xmp))
    file, dropped = writing.write(picture, "PNG")
    assert dropped == ("ICC",)
    assert images.read(file).metadata == Metadata(b"", b"", xmp)
    picture = Picture(photograph(8, 8), None, Metadata(profile[1:]))
    file, dropped = writing.write(picture, "PNG")
    assert not dropped and images.read(file).metadata == picture.metadata


@st.composite
def _pictures(draw: st.DrawFn) -> Picture:
    """Draw a small picture of any mode, flat, noisy or smooth, with any metadata."""
    mode = draw(st.sampled_from(["1", "L", "LA", "RGB", "RGBA", "P"]))
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    levels = draw(st.sampled_from([1, 2, 256]))
    samples = rng.integers(0, levels, (height, width, 4), dtype=np.uint8)
    if mode == "1":
        samples = ((samples & 1) * np.uint8(255)).astype(np.uint8)
    palette = Palette("RGB", rng.bytes(768), draw(st.sampled_from([None, 3, b"\x07\x80"]))) if mode == "P" else None
    if mode in ("1", "L", "RGB") and draw(st.booleans()):
        palette = Palette("", b"", (0, 1, 2) if mode == "RGB" else 255)
    alpha = np.ascontiguousarray(samples[:, :, 3]) if mode.endswith("A") else None
    pixels = samples[:, :, :3] if mode.startswith("RGB") else samples[:, :, 0]
    blob = st.binary(max_size=40) | st.just(rng.bytes(70_000))
    kept = Metadata(draw(blob), draw(blob), draw(st.sampled_from([b"", b"<x:xmpmeta/>", b"<x/>" * 20_000])))
    return Picture(np.ascontiguousarray(pixels), alpha, kept, palette, mode == "1")


@settings(max_examples=60)
@given(_pictures(), st.sampled_from(["webp", "stored"]), st.sampled_from(["PNG", "WEBP", "TIFF", "BMP", "JPEG", "GIF"]))
def test_what_is_compressed_comes_back_and_what_is_written_is_read(picture: Picture, method: str, format: str) -> None:
    """Compress, decompress to a file, read it and compress it again."""
    data, _ = api.compress_picture(picture, CompressSettings(lossless=True, method=method))
    same = api.decompress_picture(data).picture
    assert (images.to_array(same) == images.to_array(picture)).all()
    assert (same.mode, same.palette, same.metadata) == (picture.mode, picture.palette, picture.metadata)
    try:
        file, dropped = writing.write(same, format)
    except OutputFailed:
        return
    again = images.read(file, keep_mode=True)
    assert again.pixels.shape[:2] == picture.pixels.shape[:2]
    for name in {"icc", "exif", "xmp"} - {name.lower() for name in dropped} if format != "TIFF" else ():
        assert getattr(again.metadata, name) == getattr(picture.metadata, name), name
    api.compress_picture(again, CompressSettings(lossless=True, method=method))
    if format in ("PNG", "WEBP", "TIFF", "BMP"):
        expected, found = (images.to_image(one).convert("RGBA") for one in (picture, again))
        assert expected.tobytes() == found.tobytes()


@pytest.mark.slow
def test_more_pixels_than_pillow_opens_come_back() -> None:
    pixels = np.zeros((13400, 13400), np.uint8)
    data = dvcodec.compress_array(pixels, lossless=True, method="webp")
    assert (dvcodec.decompress_array(data) == pixels).all()
    file, _ = api.decompress_data(data, format="PNG")
    assert (images.read(file).pixels == pixels).all()
