"""Filters that are fitted to one image, in files: their bytes, both decoders, previews, photographs."""

from dataclasses import replace

import numpy as np
import pytest
import reference_filter
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference_decoder import parse
from test_image_filter import some_filter
from test_reference_photo import same, small

import dvcodec
from dvcodec.codec import decoder
from dvcodec.codec.bitstream import container
from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.header import EXTRA
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossy import adaptive_filter, symbol_chunks
from dvcodec.codec.lossy.encoder import psnr_of
from dvcodec.codec.settings import Preview
from dvcodec.errors import DvcodecError, FormatError
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.interface.photo import PhotoModel
from dvcodec.models.photo.adaptive_filter import fit as image_fit
from dvcodec.models.photo.adaptive_filter.fit import LARGEST
from dvcodec.models.photo.bands import fit_bands, render_bands
from dvcodec.models.photo.codec_model import PhotoCodecModel
from dvcodec.models.photo.network.model import DecoderOutput
from fake import FakeHierarchy
from written_files import lossy_file

Q40 = 40 * 256


@given(
    st.integers(1, 700),
    st.integers(1, 700),
    st.sampled_from([256, 512, 1024]),
    st.integers(0, 12),
    st.integers(0, 2**32 - 1),
)
def test_filters_come_back(height: int, width: int, side: int, precision: int, seed: int) -> None:
    made = replace(some_filter(height, width, side, seed), precision=precision)
    if seed % 2:
        made.steps[0, 0, 0, :2] = LARGEST, -LARGEST
    model = small("usual").hierarchy
    found = adaptive_filter.unpack(adaptive_filter.pack(made, model), model, height, width)
    assert (found.side, found.precision) == (made.side, made.precision) and np.array_equal(found.steps, made.steps)


@given(st.binary(max_size=80), st.integers(0, 200), st.integers(1, 255))
def test_bytes_that_are_no_filter_are_refused(section: bytes, place: int, flipped: int) -> None:
    model = small("usual").hierarchy
    good = bytearray(adaptive_filter.pack(some_filter(300, 600), model))
    good[1 + place % (len(good) - 1)] ^= flipped
    for broken in (section, bytes(good), bytes(good[: place % len(good)])):
        with pytest.raises(FormatError, match="filter is not valid"):
            adaptive_filter.unpack(broken, model, 300, 600)


@pytest.mark.parametrize("exponents", [(0, 6), (1, 0), (3, 12)])
@pytest.mark.parametrize("share", [0.01, 0.1, 0.6])
def test_the_second_decoder_reads_all_densities(exponents: tuple[int, int], share: float) -> None:
    side, precision = 256 << exponents[0], exponents[1]
    rng = np.random.default_rng(0)
    steps = rng.integers(-LARGEST, LARGEST + 1, (-(-700 // side), -(-600 // side), 3, 62))
    made = ImageFilter(side, precision, (steps * (rng.random(steps.shape) < share)).astype(np.int32))
    model = small("usual").hierarchy
    chunks = (Chunk(1, b"abc"),)
    data = lossy_file((700, 600), chunks, adaptive_filter=adaptive_filter.pack(made, model))
    found = reference_filter.coefficients(parse(data))
    assert found[0] == side and np.array_equal(found[1], made.steps / 2.0**precision)
    assert reference_filter.tables() == image_fit.tables().tolist()


def test_files_are_verified_with_their_filters() -> None:
    pixels, model = small_model.picture(33, 40), small("usual").hierarchy
    chunks = symbol_chunks.encode(pixels, model, Q40).chunks
    loaders = Loaders(hierarchy=lambda prefix: model)
    good = adaptive_filter.pack(some_filter(33, 40), model)
    decoder.verify(lossy_file((33, 40), chunks, adaptive_filter=good), loaders)
    broken = lossy_file((33, 40), chunks, adaptive_filter=b"\x60abcdefgh")
    for preview in (None, "all"):
        with pytest.raises(FormatError, match="filter is not valid"):
            decoded(broken, preview)
    with pytest.raises(FormatError, match="filter is not valid"):
        decoder.verify(broken, loaders)


def test_unknown_kinds_are_refused() -> None:
    model = small("usual").hierarchy
    section = adaptive_filter.pack(some_filter(300, 300), model)
    for first in (13, 13 << 4, 0xFF):
        with pytest.raises(FormatError, match="kind"):
            adaptive_filter.unpack(bytes([first]) + section[1:], model, 300, 300)


def filtered_file(pixels: NDArray[np.uint8], found: ImageFilter) -> bytes:
    """A file of the small model with a filter."""
    model = small("usual")
    chunks = symbol_chunks.encode(pixels, model.hierarchy, Q40).chunks
    packed = adaptive_filter.pack(found, model.hierarchy)
    return lossy_file(pixels.shape[:2], chunks, weights=model.weights.id, adaptive_filter=packed)


def test_the_second_decoder_filters_alike() -> None:
    pixels = small_model.picture(17, 262)
    data = filtered_file(pixels, some_filter(17, 262))
    assert parse(data).sections["filter"] and data[6] & EXTRA
    chunks = symbol_chunks.encode(pixels, small("usual").hierarchy, Q40).chunks
    plain = assemble(container.parse(data).header, Parts(chunks))
    assert not np.array_equal(same(small("usual"), data), same(small("usual"), plain))
    same(small("usual"), data, 1)


def decoded(data: bytes, preview: Preview = None) -> NDArray[np.uint8]:
    """The pixels of a file of the small model."""
    loaders = Loaders(hierarchy=lambda prefix: small("usual").hierarchy)
    return decoder.decompress(data, loaders, preview=preview).picture.pixels


def test_previews_filter_only_what_is_whole() -> None:
    pixels = small_model.picture(65, 90)
    data = filtered_file(pixels, some_filter(65, 90))
    section = container.parse(data).adaptive_filter
    assert section is not None and not np.array_equal(decoded(data), decoded(plain := data[: section.offset], "all"))
    assert np.array_equal(decoded(data, "all"), decoded(data))
    broken = bytearray(data)
    broken[section.offset + 3] ^= 1
    assert np.array_equal(decoded(bytes(broken), "all"), decoded(plain, "all"))
    with pytest.raises(DvcodecError, match="filter"):
        decoded(bytes(broken))
    assert np.array_equal(decoded(data, 1), decoded(plain, 1))


def test_weights_without_filters_refuse_them() -> None:
    pixels = small_model.picture(33, 33)
    chunks = symbol_chunks.encode(pixels, FakeHierarchy(), Q40).chunks
    data = lossy_file((33, 33), chunks, adaptive_filter=b"\x60abc")
    assert not isinstance(FakeHierarchy(), PhotoModel)
    with pytest.raises(FormatError, match="filter"):
        decoder.decompress(data, Loaders(hierarchy=lambda prefix: FakeHierarchy()))


def test_grey_images_have_none() -> None:
    data = lossy_file((8, 8), (Chunk(1, b"abc"),), mode="L", adaptive_filter=b"\x60abc")
    with pytest.raises(FormatError, match="grey"):
        container.parse(data)
    assert dvcodec.info(dvcodec.compress_array(small_model.photograph(128, 128)[:, :, 1], 60)).filter_bytes == 0


def test_lossless_files_have_none() -> None:
    assert dvcodec.info(dvcodec.compress_array(small_model.photograph(48, 48), lossless=True)).filter_bytes == 0


def test_bands_of_few_rows_fit_and_show_alike(shipped: PhotoCodecModel) -> None:
    pixels, rows = small_model.photograph(200, 160), 64
    decoded = symbol_chunks.encode(pixels, shipped, 85 * 256).state
    assert isinstance(decoded, DecoderOutput)
    network = small_model.network(shipped)
    with torch.inference_mode():
        whole, banded = (fit_bands(network, decoded, pixels, count) for count in (None, rows))
        shown = [
            render_bands(network, decoded, *how) for how in ((None, None), (None, whole), (rows, whole), (rows, banded))
        ]
    assert whole is not None and banded is not None
    assert np.abs(shown[1].astype(int) - shown[2]).max() <= 1 and (shown[1] != shown[2]).mean() < 0.01
    plain, *filtered = (psnr_of(pixels, one) for one in shown)
    assert min(filtered) > plain + 0.1 and max(filtered) < min(filtered) + 0.02


def test_files_for_the_eye_carry_one_as_well(shipped: PhotoCodecModel) -> None:
    pixels = small_model.photograph(192, 256)
    encoded = symbol_chunks.encode(pixels, shipped, 70 * 256, passes=2, perceptual=True)
    assert encoded.image_filter is not None
    found = (encoded.image_filter, None)
    filtered, plain = (symbol_chunks.render(encoded.state, shipped, grey=False, image_filter=one) for one in found)
    assert psnr_of(pixels, filtered) > psnr_of(pixels, plain)


def test_files_of_photographs_are_filtered_and_look_better(shipped: PhotoCodecModel) -> None:
    pixels = small_model.photograph(192, 256)
    encoded = symbol_chunks.encode(pixels, shipped, 80 * 256)  # one pass is enough
    assert encoded.image_filter is not None
    plain, better = (
        psnr_of(pixels, symbol_chunks.render(encoded.state, shipped, grey=False, image_filter=found))
        for found in (None, encoded.image_filter)
    )
    assert better > plain + 0.05
    data = dvcodec.compress_array(pixels, 80, tune="psnr")
    assert 0 < dvcodec.info(data).filter_bytes < 200
    assert psnr_of(pixels, dvcodec.decompress_array(data)) == pytest.approx(better, abs=0.02)  # floats round otherwise
    assert symbol_chunks.encode(pixels[:, :, 0], shipped, 80 * 256).image_filter is None
