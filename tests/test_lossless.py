"""Lossless files without a model: every mode comes back as it was, in a file that is never much larger than raw."""

import io
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec.codec import decoder
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.loaders import installed
from dvcodec.codec.lossless import raw_samples
from dvcodec.errors import DvcodecError, FormatError, InvalidArgument, UnsupportedImage, WeightsNotFound
from dvcodec.image_io.images import Palette
from dvcodec.image_io.limits import MODES
from dvcodec.models.runtime import kernels
from fake import file_of, photograph
from program import dvcodec as program

NOISE = np.random.default_rng(0)
SIZES = [(1, 1), (1, 17), (9, 1), (7, 13), (32, 40)]
pytestmark = pytest.mark.usefixtures("fake_weights")


def image_of(mode: str, width: int, height: int, content: str) -> Image.Image:
    """An image of any mode: noise, flat, or a drawing of few colours."""
    shape = (height, width, raw_samples.CHANNELS[mode])
    if content == "noise":
        values = NOISE.integers(0, 256, shape, np.uint8)
    elif content == "flat":
        values = np.full(shape, 255, np.uint8)
    else:
        values = (np.add.outer(np.arange(height), np.arange(width)) // 3 % 5 * 40).astype(np.uint8)[:, :, None]
        values = np.repeat(values, shape[2], axis=2)
    if mode == "1":
        return Image.fromarray(values[:, :, 0] > 100)
    image = Image.frombytes(mode, (width, height), values.tobytes())
    if mode in ("P", "PA"):
        image.putpalette([*range(256)] * 3)
    return image


def same(one: Image.Image, other: Image.Image) -> bool:
    """Whether two images are equal in mode, samples, palette and transparency."""
    facts = [
        (i.mode, i.size, i.tobytes(), i.getpalette(i.palette.mode) if i.palette else None, i.info.get("transparency"))
        for i in (one, other)
    ]
    return facts[0] == facts[1]


def raw_bytes(image: Image.Image) -> int:
    """What the pixels take without any coding: a bit in mode 1, a byte a sample; and the palette."""
    if image.mode == "1":
        return -(-image.width // 8) * image.height
    palette = len(image.getpalette(image.palette.mode) or ()) if image.palette else 0
    return len(image.tobytes()) + palette


@pytest.mark.parametrize("content", ["noise", "flat", "drawing"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_and_size_comes_back(mode: str, content: str) -> None:
    for width, height in SIZES:
        image = image_of(mode, width, height, content)
        for method in ("stored", "webp", None):
            data = dvcodec.compress(image, lossless=True, method=method)
            assert same(dvcodec.decompress(data), image), (width, height, method)
            if method != "webp":
                assert len(data) <= raw_bytes(image) + 64


def test_auto_is_the_smallest() -> None:
    for mode in MODES:
        for content in ("noise", "drawing"):
            image = image_of(mode, 40, 32, content)
            sizes = [len(dvcodec.compress(image, lossless=True, method=m)) for m in ("stored", "webp")]
            assert len(dvcodec.compress(image, lossless=True)) == min(sizes)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 2, 3, 4]), st.integers(0, 2**32 - 1))
def test_arrays_come_back(height: int, width: int, channels: int, seed: int) -> None:
    drawn = np.random.default_rng(seed)
    array: NDArray[np.uint8] = drawn.integers(0, 1 + int(drawn.integers(1, 256)), (height, width, channels), np.uint8)
    array = array[:, :, 0] if channels == 1 else array
    for method in ("stored", "webp"):
        coded = dvcodec.compress_array(array, lossless=True, method=method)
        assert (dvcodec.decompress_array(coded) == array).all()


@pytest.mark.parametrize("key", [3, bytes([0, 128, 255])])
def test_palettes_with_transparency_come_back(key: int | bytes) -> None:
    image = Image.frombytes("P", (4, 2), bytes([0, 1, 2, 3, 3, 2, 1, 0]))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.info["transparency"] = key
    read = Image.open(io.BytesIO(file_of(image, "PNG")))
    back = dvcodec.decompress(dvcodec.compress(read, lossless=True))
    assert same(back, read) and back.info["transparency"] == key
    assert back.convert("RGBA").tobytes() == read.convert("RGBA").tobytes()
    assert dvcodec.decompress_array(dvcodec.compress(read, lossless=True)).shape == (2, 4, 4)


def test_palettes_of_four_channels_come_back() -> None:
    image = Image.frombytes("P", (2, 1), bytes([0, 1]))
    image.putpalette(bytes([1, 2, 3, 4, 5, 6, 7, 8]), "RGBA")
    back = dvcodec.decompress(dvcodec.compress(image, lossless=True))
    assert back.convert("RGBA").tobytes() == bytes([1, 2, 3, 4, 5, 6, 7, 8])


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (1, 2, 3)), ("1", 255)])
def test_a_transparent_colour_comes_back(mode: str, key: object) -> None:
    image = image_of(mode, 6, 5, "noise")
    image.info["transparency"] = key
    back = dvcodec.decompress(dvcodec.compress(image, lossless=True))
    assert same(back, image) and back.info["transparency"] == key


def test_hidden_colours_come_back() -> None:
    array = NOISE.integers(0, 256, (20, 30, 4), np.uint8)
    array[:, :, 3] = 0
    for method in (None, "webp"):
        assert (dvcodec.decompress_array(dvcodec.compress_array(array, lossless=True, method=method)) == array).all()


def test_what_is_not_kept_is_refused() -> None:
    with pytest.raises(UnsupportedImage, match="YCbCr"):
        dvcodec.compress(Image.new("YCbCr", (4, 4)), lossless=True)
    with pytest.raises(UnsupportedImage, match="webp"):
        dvcodec.compress(Image.new("L", (16384, 1)), lossless=True, method="webp")
    assert len(dvcodec.compress(Image.new("L", (16384, 1)), lossless=True)) < 100
    with pytest.raises(UnsupportedImage, match="mode P"):
        dvcodec.compress(Image.new("P", (4, 4)), lossless=True, method="model")
    with pytest.raises(WeightsNotFound):
        dvcodec.compress(Image.new("L", (4, 4)), lossless=True, method="model")


def test_contradictions_are_refused() -> None:
    image = Image.new("L", (4, 4))
    for settings_ in ({"quality": 50}, {"target_bpp": 1.0}, {"target_size": 99}, {"target_psnr": 30.0}):
        with pytest.raises(InvalidArgument, match="lossless"):
            dvcodec.compress(image, lossless=True, **settings_)
    with pytest.raises(InvalidArgument, match="method"):
        dvcodec.compress(image, method="webp")
    with pytest.raises(InvalidArgument, match="zip"):
        dvcodec.compress(image, lossless=True, method="zip")


def test_the_header_is_small_and_says_what_it_is() -> None:
    data = dvcodec.compress(image_of("1", 30, 20, "drawing"), lossless=True, method="stored")
    info = dvcodec.info(data)
    assert (info.format_version, info.lossless, info.method, info.mode, info.bit_depth) == (4, True, "stored", "1", 1)
    assert info.quality is None and info.weights_id is None and info.chunks == () and info.fault is None
    assert info.header_bytes + info.pixel_bytes == len(data) and info.header_bytes <= 24
    assert json.loads(json.dumps(info.as_dict()))["mode"] == "1"


def test_metadata_are_kept_or_stripped() -> None:
    image = image_of("P", 9, 9, "drawing")
    tags = Image.Exif()
    tags[0x010E] = "a caption"
    image.info.update(icc_profile=b"icc" * 9, exif=tags.tobytes(), xmp=b"<xmp/>")
    back = dvcodec.decompress(dvcodec.compress(image, lossless=True))
    assert [back.info[key] for key in ("icc_profile", "exif", "xmp")] == [b"icc" * 9, tags.tobytes(), b"<xmp/>"]
    bare = dvcodec.decompress(dvcodec.compress(image, lossless=True, strip=True))
    assert not {"icc_profile", "exif", "xmp"} & set(bare.info)


def test_a_wrong_pixel_is_noticed_behind_right_checksums() -> None:
    array = photograph(8, 8)
    data = bytearray(dvcodec.compress_array(array, lossless=True, method="stored"))
    other = array.copy()
    other[3, 3, 0] ^= 1
    forged = bytearray(dvcodec.compress_array(other, lossless=True, method="stored"))
    first = parse(bytes(data))
    forged[9:13] = data[9:13]
    end = first.header_bytes - 4
    forged[end : end + 4] = zlib.crc32(bytes(forged[:end])).to_bytes(4, "little")
    with pytest.raises(FormatError, match="checksum"):
        dvcodec.decompress(bytes(forged))


@pytest.mark.parametrize("mode", MODES)
def test_the_plug_in_keeps_modes(mode: str, tmp_path: Path) -> None:
    dvcodec.register()
    image = image_of(mode, 11, 6, "drawing")
    image.save(tmp_path / "x.dvq", lossless=True)
    with Image.open(tmp_path / "x.dvq") as back:
        assert (back.mode, back.size, back.info["lossless"]) == (mode, image.size, True)
        assert same(back, image)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_the_program_there_and_back(mode: str, suffix: str, tmp_path: Path) -> None:
    image = image_of(mode, 11, 6, "drawing")
    source = tmp_path / "in.dvq"
    source.write_bytes(dvcodec.compress(image, lossless=True))
    seen = program("decompress", source, "-o", tmp_path / f"out.{suffix}")
    assert seen.code == 0, seen.err
    with Image.open(tmp_path / f"out.{suffix}") as back:
        assert back.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()
        if suffix == "png" and mode != "PA":
            assert back.mode == mode


def test_the_program_compresses_and_reports(tmp_path: Path) -> None:
    image_of("P", 40, 32, "drawing").save(tmp_path / "a.png")
    seen = program("compress", tmp_path / "a.png", "--lossless", "--json")
    facts = json.loads(seen.out)
    assert facts["method"] in ("webp", "stored") and facts["quality"] is None and facts["mode"] == "P"
    assert "lossless, " in program("info", tmp_path / "a.dvq").out
    assert program("verify", tmp_path / "a.dvq").code == 0
    assert program("decompress", tmp_path / "a.dvq", "-o", tmp_path / "b.png").code == 0
    assert same(Image.open(tmp_path / "a.png"), Image.open(tmp_path / "b.png"))
    assert "lossless" in program("compress", tmp_path / "a.png", "-f", "-v", "--lossless", "--method", "stored").err


def test_the_program_refuses_contradictions(tmp_path: Path) -> None:
    image_of("L", 4, 4, "flat").save(tmp_path / "a.png")
    seen = program("compress", tmp_path / "a.png", "--lossless", "-q", "50")
    assert seen.code == 2 and "-q and --lossless exclude each other" in seen.usage
    seen = program("compress", tmp_path / "a.png", "--method", "webp")
    assert seen.code == 2 and "--lossless" in seen.usage
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["stored", "webp"])
def test_every_cut_and_every_flipped_byte_is_noticed(mode: str, method: str) -> None:
    data = dvcodec.compress(image_of(mode, 13, 7, "noise"), lossless=True, method=method)
    for length in range(len(data)):
        for preview in (None, "all", 1):
            with pytest.raises(DvcodecError):
                decoder.decompress(data[:length], installed(), preview=preview)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << position % 8
        with pytest.raises(DvcodecError):
            decoder.decompress(bytes(changed), installed())


def test_a_preview_of_a_file_without_chunks_is_the_picture() -> None:
    array = photograph(9, 9)
    data = dvcodec.compress_array(array, lossless=True, method="stored")
    for preview in (1, "all"):
        assert (dvcodec.decompress_array(data, preview=preview) == array).all()


@pytest.mark.parametrize("mode", ["P", "PA"])
def test_a_transparent_index_beyond_all_palettes_is_refused(mode: str) -> None:
    assert raw_samples.unpack_palette(raw_samples.pack_palette(Palette("RGB", bytes(6), 255)), mode) is not None
    with pytest.raises(FormatError, match="the palette is not valid"):
        raw_samples.unpack_palette(raw_samples.pack_palette(Palette("RGB", bytes(6), 256)), mode)


@pytest.mark.parametrize("content", ["noise", "drawing"])
def test_the_number_of_threads_changes_no_file(content: str) -> None:
    """Methods without a model work beside it where there is a second processor."""
    image, before = image_of("RGB", 32, 40, content), kernels.threads()
    files = []
    try:
        for count in (1, 2):
            kernels.use_threads(count)
            files.append(dvcodec.compress(image, lossless=True))
    finally:
        kernels.use_threads(before)
    assert files[0] == files[1]
    assert same(dvcodec.decompress(files[0]), image)
