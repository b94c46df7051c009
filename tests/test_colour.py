"""What a file says of its colours outside an ICC profile becomes a profile of the same meaning."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import png_of_pixels
from numpy.typing import NDArray
from PIL import Image, ImageCms

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.archives.grouping import stands_alone
from dvcodec.errors import FormatError
from dvcodec.image_io import colour, images, metadata
from dvcodec.image_io.colour import ColourSpace
from fake import file_of, photograph

CASES = Path(__file__).parents[2] / "shared" / "cases"
PIXELS = photograph(24, 36)
SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_POINTS = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


def gama(gamma: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", gamma)


def chrm(*points: int) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *points)


def cicp(primaries: int, transfer: int, full: int = 1) -> tuple[bytes, bytes]:
    return b"cICP", bytes([primaries, transfer, 0, full])


def shown(pixels: NDArray[np.uint8], profile: bytes) -> NDArray[np.float64]:
    """Return linear light of sRGB's primaries, 0 to 1, as a viewer that manages colours would show the pixels."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    flags = ImageCms.Flags.NOOPTIMIZE
    made = ImageCms.profileToProfile(
        Image.fromarray(pixels), source, ImageCms.createProfile("sRGB"), ImageCms.Intent(1), "RGB", flags=flags
    )
    assert made is not None
    return linear(np.asarray(made) / 255)


def linear(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the light of sRGB's samples."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def xyz_of(points: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the matrix from linear light to XYZ."""
    xy = np.array(points).reshape(4, 2) / 100_000
    columns = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(1)) / xy[:, 1]])
    return columns[:, 1:] * np.linalg.solve(columns[:, 1:], columns[:, 0])


def expected(pixels: NDArray[np.uint8], points: tuple[int, ...], light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light that pixels mean, for points with the white of sRGB, in its primaries."""
    return np.clip(light @ (np.linalg.inv(xyz_of(SRGB_POINTS)) @ xyz_of(points)).T, 0, 1)


def test_colours_of_cicp_and_gamma_are_shown_as_they_are_meant() -> None:
    p3 = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    for chunks, points, light in (
        ([cicp(12, 13)], p3, linear(PIXELS / 255)),
        ([gama(45455), chrm(*ADOBE_POINTS)], ADOBE_POINTS, (PIXELS / 255) ** 2.2),
        ([gama(100_000)], SRGB_POINTS, PIXELS / 255),
        ([chrm(*p3)], p3, linear(PIXELS / 255)),
        ([cicp(1, 8)], SRGB_POINTS, PIXELS / 255),
    ):
        profile = images.read(png_of_pixels(PIXELS, *chunks)).metadata.icc
        assert np.abs(shown(PIXELS, profile) - expected(PIXELS, points, light)).max() < 0.012


def test_srgb_is_srgb() -> None:
    picture = images.read(png_of_pixels(PIXELS, (b"sRGB", b"\1"), gama(45455), chrm(*SRGB_POINTS)))
    assert picture.metadata.icc == ColourSpace(False, (1, 13, 1), intent=1).profile() != colour.srgb()
    assert np.abs(shown(PIXELS, picture.metadata.icc) - linear(PIXELS / 255)).max() < 0.01
    grey = images.read(png_of_pixels(PIXELS[:, :, 0], (b"sRGB", b"\0")))
    assert grey.metadata.icc == colour.srgb(grey=True)
    assert np.abs(shown(PIXELS[:, :, 0], grey.metadata.icc)[:, :, 1] - linear(PIXELS[:, :, 0] / 255)).max() < 0.01


def test_what_counts_among_several() -> None:
    icc = colour.srgb()
    both = file_of(Image.fromarray(PIXELS), "PNG", icc_profile=icc)
    at = both.index(b"iCCP") - 4
    body = png_of_pixels(PIXELS, cicp(12, 13))
    chunk = body[body.index(b"cICP") - 4 :][:16]
    assert images.read(both).metadata.icc == icc
    assert images.read(both[:at] + chunk + both[at:]).metadata.icc == ColourSpace(False, (12, 13, 1)).profile()
    assert images.read(png_of_pixels(PIXELS)).metadata.icc == b""
    assert images.read(png_of_pixels(PIXELS, cicp(2, 2))).metadata.icc == b""
    assert images.read(png_of_pixels(PIXELS, cicp(9, 16))).metadata.icc == ColourSpace(False, (9, 16, 1)).profile()


@pytest.mark.parametrize(
    "chunk", [cicp(12, 13, 0), cicp(99, 13), cicp(1, 99), chrm(*[0] * 8), chrm(*[31270, 32900] * 4), gama(1)]
)
def test_colours_that_no_profile_expresses_are_named(chunk: tuple[bytes, bytes]) -> None:
    picture = images.read(png_of_pixels(PIXELS, chunk))
    assert picture.metadata.icc == b"" and picture.notices == ("without its colour space, which no profile expresses",)


def avif(primaries: int, transfer: int, **options: bytes) -> bytes:
    """Return an AVIF file whose nclx box has these code points."""
    data = bytearray(file_of(Image.fromarray(PIXELS), "AVIF", **options))
    at = data.index(b"nclx") + 4
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


def test_code_points_of_avif() -> None:
    assert images.read(avif(12, 13)).metadata.icc == ColourSpace(False, (12, 13, 1)).profile()
    assert images.read(avif(1, 13)).metadata.icc == b"" == images.read(avif(2, 2)).metadata.icc
    assert images.read(avif(300, 13)).notices == ("without its colour space, which no profile expresses",)


def test_a_profile_takes_few_bytes_in_a_file_and_comes_back() -> None:
    for chunks, limit in (([(b"sRGB", b"\0")], 8), ([gama(45455), chrm(*SRGB_POINTS)], 42), ([cicp(9, 18)], 8)):
        data = png_of_pixels(PIXELS, *chunks)
        made, plain = (dvcodec.compress(one, lossless=True, method="stored") for one in (data, png_of_pixels(PIXELS)))
        assert len(made) - len(plain) <= limit + 8  # with its row in the table
        assert dvcodec.decompress(made).info["icc_profile"] == images.read(data).metadata.icc
        file, report = api.decompress_data(made)
        assert not report.dropped and images.read(file).metadata.icc == images.read(data).metadata.icc


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases that went wrong are not here")
def test_the_case_of_display_p3() -> None:
    original = (CASES / "10-cicp-p3.png").read_bytes()
    file, _ = api.decompress_data(dvcodec.compress(original, lossless=True, method="webp"))
    with Image.open(io.BytesIO(file)) as image:
        pixels = np.asarray(image)
        profile = image.info["icc_profile"]
    light, p3 = linear(pixels / 255), (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    assert np.abs(shown(pixels, profile) - expected(pixels, p3, light)).max() < 0.012


@given(st.binary(max_size=40))
def test_descriptions_are_what_they_say_or_refused(code: bytes) -> None:
    found = colour.of_code(code)
    if found is None or not found.profile():
        with pytest.raises(FormatError, match="unknown description"):
            metadata.unpack(b"\2" + code)
    else:
        assert found.code() == code
        assert metadata.unpack(b"\2" + code) == found.profile()
        assert metadata.pack(found.profile()) == b"\2" + code
        ImageCms.ImageCmsProfile(io.BytesIO(found.profile()))


def test_small_images_of_srgb_stand_together_in_archives() -> None:
    for chunks, alone in (([], False), ([(b"sRGB", b"\0")], False), ([cicp(12, 13)], True), ([gama(45455)], True)):
        assert stands_alone(images.read(png_of_pixels(PIXELS, *chunks), keep_mode=True)) == alone


def chunks_of(file: bytes) -> dict[bytes, bytes]:
    """Return the chunks of a PNG by their types."""
    found, at = {}, 8
    while at < len(file):
        size, kind = struct.unpack_from(">I4s", file, at)
        found[kind] = file[at + 8 : at + 8 + size]
        at += 12 + size
    return found


def test_chunks_come_back_as_chunks() -> None:
    for chunks in (
        [(b"sRGB", b"\2")],
        [cicp(12, 13)],
        [cicp(9, 16)],
        [gama(50_000)],
        [gama(70_000), chrm(*ADOBE_POINTS)],
    ):
        data = dvcodec.compress(png_of_pixels(PIXELS, *chunks), lossless=True, method="webp")
        file, _ = api.decompress_data(data)
        found = chunks_of(bytes(file))
        assert dict(chunks).items() <= found.items()
        assert (b"iCCP" in found) == (b"sRGB" not in found)
        assert images.read(file).metadata.icc == dvcodec.decompress(data).info["icc_profile"]


@pytest.mark.parametrize("format", ["WEBP", "AVIF", "JPEG", "TIFF", "PNG"])
def test_profiles_suit_the_channels_that_are_written(format: str) -> None:
    data = dvcodec.compress(png_of_pixels(PIXELS[:, :, 0], gama(100_000)), lossless=True, method="webp")
    file, report = api.decompress_data(data, format=format)
    again = images.read(file)
    space = b"RGB " if again.pixels.ndim == 3 else b"GRAY"
    assert not report.dropped and again.metadata.icc[16:20] == space
    foreign = bytearray(colour.srgb(grey=True))
    foreign[64] = 1  # not as it is made here
    image = Image.fromarray(PIXELS[:, :, 0])
    image.info["icc_profile"] = bytes(foreign)
    file, report = api.decompress_data(dvcodec.compress(image, lossless=True, method="webp"), format=format)
    assert report.dropped == (("ICC",) if space == b"RGB " else ())
    assert images.read(file).metadata.icc == (b"" if space == b"RGB " else bytes(foreign))
