"""Images that were decoded from JPEG files: every sampling, quality and mode, beside the files themselves."""

import io
from typing import Any

import jpeg_coefficients
import numpy as np
import pytest
import reference_jpeg
from golden.make import crop
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.lossless import jpeg, jpeg_components, jpeg_corrections, raw_samples
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import FormatError, UnsupportedImage
from dvcodec.models.pixels.jpeg import detection, reconstruction, recovery, tables, tokens
from dvcodec.models.pixels.jpeg.frame import FULL, GREY, HALF, HALF_WIDTH, Frame
from fake import photograph

SAMPLINGS = {GREY: None, FULL: 0, HALF_WIDTH: 1, HALF: 2}
"""What Pillow calls each sampling."""


def file_of(image: Image.Image, quality: int, sampling: int, **how: Any) -> bytes:
    """Return a JPEG file."""
    stream = io.BytesIO()
    if sampling != GREY:
        how["subsampling"] = SAMPLINGS[sampling]
    image.convert("L" if sampling == GREY else "RGB").save(stream, "JPEG", quality=quality, **how)
    return stream.getvalue()


def pixels_of(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def by_frequency(found: jpeg_coefficients.JpegFile, frame: Frame) -> list[NDArray[np.int32]]:
    """Return coefficients as the package has them."""
    every = []
    for i, own in enumerate(found.coefficients):
        rows, columns = frame.blocks(i)
        every.append(own[:rows, :columns].transpose(2, 0, 1).reshape(8, 8, rows, columns).astype(np.int32))
    return every


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("size", [(64, 48), (37, 21), (5, 9), (17, 33), (1, 1), (3, 50), (6, 6), (200, 8)])
def test_pixels_of_coefficients_are_those_of_pillow(size: tuple[int, int], sampling: int) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    for quality, image in ((1, crop(200, 100, 200 + size[0], 100 + size[1])), (50, noise), (92, noise), (100, noise)):
        data = file_of(image if isinstance(image, Image.Image) else Image.fromarray(image), quality, sampling)
        found, frame = jpeg_coefficients.parse(data), Frame(size[1], size[0], sampling)
        steps = [step.astype(np.int64) for step in found.steps[:2]]
        assert (reconstruction.pixels(by_frequency(found, frame), steps, frame) == pixels_of(data)).all()


def test_bands_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    data = file_of(crop(100, 100, 150, 170), 80, HALF)
    found, frame = jpeg_coefficients.parse(data), Frame(70, 50, HALF)
    monkeypatch.setattr(reconstruction, "_AREA", 300)
    steps = [step.astype(np.int64) for step in found.steps[:2]]
    assert (reconstruction.pixels(by_frequency(found, frame), steps, frame) == pixels_of(data)).all()


@pytest.mark.parametrize(("quality", "sampling"), [(75, GREY), (92, FULL), (85, HALF_WIDTH), (75, HALF), (90, HALF)])
def test_coefficients_are_recovered(quality: int, sampling: int) -> None:
    data = file_of(crop(280, 130, 408, 226), quality, sampling)
    pixels, frame = pixels_of(data), Frame(96, 128, sampling)
    origin = detection.origin_of(pixels)
    assert origin is not None and origin.frame == frame and {table.quality for table in origin.tables} == {quality}
    steps = tuple(table.steps for table in origin.tables)
    found = recovery.recovered(pixels, frame, steps)
    wrong = jpeg_corrections.wrong_blocks(pixels, reconstruction.pixels(found, steps, frame))
    assert wrong.mean() < 0.05
    size = len(dvcodec.compress_array(pixels, lossless=True, method="jpeg"))
    assert size < 0.92 * len(file_of(crop(280, 130, 408, 226), quality, sampling, optimize=True))


def test_tables_that_are_not_standard_are_found() -> None:
    luma, chroma = [6] * 10 + [10] * 20 + [18] * 34, [8] * 10 + [16] * 54
    data = file_of(crop(100, 50, 420, 290), 75, HALF, qtables=[luma, chroma])
    origin, steps = detection.origin_of(pixels_of(data)), jpeg_coefficients.parse(data).steps
    assert origin is not None and origin.tables[0].quality == 0
    low = [1, 2, 8, 9, 16]
    assert (origin.tables[0].steps[low] == steps[0][low]).all()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_mode_comes_back(mode: str) -> None:
    data = file_of(crop(300, 150, 396, 214), 88, GREY if mode[0] == "L" else HALF)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    if mode.endswith("A"):
        image.putalpha(Image.radial_gradient("L").resize(image.size))
    made = dvcodec.compress(image, lossless=True)
    info = dvcodec.info(made)
    assert (info.method, info.mode) == ("jpeg", mode) and (info.alpha_bytes is not None) == mode.endswith("A")
    back = dvcodec.decompress(made)
    assert back.mode == mode and (np.asarray(back) == np.asarray(image)).all()
    assert api.verify_data(made).exact


def test_a_jpeg_file_becomes_smaller_than_itself() -> None:
    image = crop(300, 150, 396, 214)
    image.info["comment"] = b"kept"
    data = file_of(image, 85, HALF, comment=b"kept", dpi=(300, 300))
    made, report = api.compress_data(data, CompressSettings(lossless=True))
    assert report.method == "jpeg" and len(made) < 0.95 * len(data)
    back = dvcodec.decompress(made)
    assert (np.asarray(back) == pixels_of(data)).all() and back.info["dpi"] == (300, 300)
    kept = dvcodec.compress(data, lossless=True, method="file")
    assert len(made) < len(kept) and api.decompress_data(kept)[0] == data


def test_other_images_are_refused_and_left_to_other_methods() -> None:
    for image in (crop(300, 150, 396, 214), Image.fromarray(photograph(40, 50)), Image.new("RGB", (64, 64), "red")):
        with pytest.raises(UnsupportedImage, match="do not seem to come from a JPEG"):
            dvcodec.compress(image, lossless=True, method="jpeg")
        assert dvcodec.info(dvcodec.compress(image, lossless=True)).method != "jpeg"
    with pytest.raises(UnsupportedImage, match="cannot code"):
        dvcodec.compress(Image.new("P", (9, 9)), lossless=True, method="jpeg")


def test_pixels_that_were_changed_are_corrected() -> None:
    pixels = pixels_of(file_of(crop(300, 150, 396, 214), 90, HALF)).copy()
    pixels[3:6, 10:14] = (255, 0, 7)
    pixels[-1, -1] ^= 1
    made = dvcodec.compress_array(pixels, lossless=True, method="jpeg")
    assert len(parse(made).pixels[-1].payload or b"") > 1
    assert (dvcodec.decompress_array(made) == pixels).all()
    assert (reference_jpeg.decode(made) == pixels).all()


def coded(
    image: Image.Image, quality: int, sampling: int, patch: pytest.MonkeyPatch
) -> tuple[bytes, NDArray[np.uint8]]:
    """Return a file and its pixels: those of a JPEG image that is too small for being noticed."""
    pixels = pixels_of(file_of(image, quality, sampling))
    every = [tables.Table(tables.standard(quality, chroma=chroma), quality, 1.0) for chroma in (False, True)]
    frame = Frame(pixels.shape[0], pixels.shape[1], sampling)
    patch.setattr(detection, "origin_of", lambda pixels: detection.Origin(frame, tuple(every[: 1 + (sampling > 0)])))
    return dvcodec.compress_array(pixels, lossless=True, method="jpeg"), pixels


@pytest.mark.parametrize(
    ("sampling", "size"), [(GREY, (41, 32)), (FULL, (32, 25)), (HALF_WIDTH, (37, 19)), (HALF, (35, 33)), (HALF, (3, 9))]
)
def test_a_second_decoder_agrees(sampling: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    made, pixels = coded(crop(310, 160, 310 + size[0], 160 + size[1]), 80, sampling, monkeypatch)
    assert (dvcodec.decompress_array(made) == pixels).all()
    assert (reference_jpeg.decode(made) == pixels).all()


@settings(max_examples=15, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 6),
    st.integers(1, 2),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 1, 8, 300]),
)
def test_any_coefficients_come_back(rows: int, columns: int, count: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, 256, 64)
    shape = (8, 8, rows, columns)
    most = (32767 // steps).reshape(8, 8, 1, 1)
    every = [np.rint(rng.laplace(0, scale, shape)).clip(-most, most).astype(np.int32) for _ in range(count)]
    every[0][rng.integers(8)] = 0
    section = jpeg_components.encode(every, steps)
    found = jpeg_components.decode(section, (rows, columns), count, steps)
    assert all((a == b).all() for a, b in zip(every, found, strict=True))


def test_tokens() -> None:
    sizes = np.array([0, 1, 15, 16, 17, 31, 32, 4000, 65535], np.int64)
    token, raw, bits = tokens.split(sizes)
    assert 0 <= token.min() <= token.max() == tokens.TOKENS - 1 and (raw < 2**bits).all()
    assert (tokens.join(token, raw) == sizes).all() and (tokens.raw_bits(token) == bits).all()
    assert tokens.first_counts().min() >= 1


def test_standard_tables_are_those_of_pillow() -> None:
    for quality in (1, 30, 49, 50, 75, 90, 100):
        found = jpeg_coefficients.parse(file_of(crop(0, 0, 16, 16), quality, HALF))
        for chroma, steps in zip((False, True), found.steps, strict=False):
            assert (tables.standard(quality, chroma=chroma) == steps).all()


def sections() -> tuple[tuple[bytes, ...], Any]:
    """Return the sections and the header of a file."""
    with pytest.MonkeyPatch.context() as patch:
        data, _ = coded(crop(300, 150, 332, 182), 80, HALF, patch)
    file = parse(data)
    return tuple(section.payload or b"" for section in file.pixels), file.header


@pytest.mark.parametrize(
    ("index", "bad"),
    [
        (0, b"\0\0\0\0\0\x50\x50"),
        (0, b"\x08\0\0\0\0\x50\x50"),
        (0, b"\7\x20\0\0\0\x50\x50"),
        (0, b"\7\0\0\0\0\x65\x50"),
        (0, b"\7\0\0\0\0\x50"),
        (0, b"\7\0\0\0\0\x50\x50\0"),
        (0, b"\7\0\0\0\0\x50\0" + bytes(64)),
        (3, b"\0\0"),
        (3, b"\2"),
        (3, b"\1\3\0"),
        (3, b"\1" + raw_samples.deflated(b"\1\0" + bytes(192))[:-1]),
        (3, b"\1" + raw_samples.deflated(b"\1\0" + bytes(191))),
        (3, b"\1" + raw_samples.deflated(b"\0\0\1")),
    ],
)
def test_sections_that_are_not_valid(index: int, bad: bytes) -> None:
    good, header = sections()
    assert jpeg.decode(good, header).shape == (32, 32, 3)
    with pytest.raises(FormatError):
        jpeg.decode([bad if i == index else own for i, own in enumerate(good)], header)


@pytest.mark.parametrize("seed", range(16))
def test_damage_is_a_format_error(seed: int) -> None:
    good, header = sections()
    rng = np.random.default_rng(seed)
    changed = [bytearray(section) for section in good]
    own = changed[1 + seed % 2]
    for at in rng.integers(0, min(len(own), 200 if seed % 4 < 2 else 2**20), 2):
        own[at] = int(rng.integers(256))
    try:
        found = jpeg.decode([bytes(section[: -1 if seed == 5 else None]) for section in changed], header)
    except FormatError:
        return
    assert found.shape == (32, 32, 3)


def test_coefficients_that_are_too_large_are_refused() -> None:
    steps = np.full(64, 200)
    coefficients = np.zeros((8, 8, 2, 2), np.int32)
    coefficients[0, 0], coefficients[3, 2] = 100, 163
    section = jpeg_components.encode([coefficients], steps)
    assert (jpeg_components.decode(section, (2, 2), 1, steps)[0] == coefficients).all()
    with pytest.raises(FormatError, match="too large"):
        jpeg_components.decode(section, (2, 2), 1, steps + 2)


def test_chroma_whose_steps_were_misjudged_gets_those_of_lumas_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = pixels_of(file_of(crop(256, 128, 512, 320), 75, HALF))
    found = detection.origin_of(pixels)
    assert found is not None and [table.quality for table in found.tables] == [75, 75]
    misjudged = tables.Table(np.full(64, 29), 0, 0.0)
    wrong = detection.Origin(found.frame, (found.tables[0], misjudged))
    expected = jpeg.encode(pixels)
    monkeypatch.setattr(detection, "origin_of", lambda _: wrong)
    assert expected is not None and jpeg.encode(pixels) == expected
