"""Pixels to symbols and back, by way of the fake hierarchy; previews; the reference decoder; the search."""

import itertools
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reference_decoder import decode as reference_decode

from dvcodec.codec import decoder
from dvcodec.codec.bitstream import alpha
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossy import encoder, symbol_chunks
from dvcodec.codec.lossy.encoder import Compressed, psnr_of
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import DvcodecError, FormatError, InvalidArgument, TruncatedFile
from dvcodec.image_io import images
from dvcodec.image_io.images import Picture
from dvcodec.models.interface.hierarchy import LayerSpec, PassSettings
from fake import FakeHierarchy, FakePhotoModel, State, photograph

WEIGHTS = b"12345678"


def compress(pixels: NDArray[np.uint8], quality: float = 50.0) -> Compressed:
    """Compress an array with the fake hierarchy."""
    return encoder.compress(images.from_array(pixels), FakeHierarchy(), WEIGHTS, CompressSettings(quality=quality))


def decompress(data: bytes, preview: int | str | None = None, hierarchy: FakeHierarchy | None = None) -> Picture:
    """Decompress with the fake hierarchy."""
    loaders = Loaders(hierarchy=lambda prefix: hierarchy or FakeHierarchy())
    return decoder.decompress(data, loaders, preview=preview).picture


@settings(max_examples=40)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 4), st.floats(1, 100), st.integers(1, 60))
def test_the_decoder_sees_what_the_encoder_saw(
    height: int, width: int, channels: int, quality: float, block: int
) -> None:
    pixels = np.random.default_rng(height * 71 + width).integers(0, 256, (height, width, channels)).astype(np.uint8)
    picture = images.from_array(pixels)
    made = encoder.compress(picture, FakeHierarchy(), WEIGHTS, CompressSettings(quality=quality))
    back = decompress(made.data, hierarchy=FakeHierarchy(block=block))
    assert back.mode == picture.mode and back.pixels.shape == picture.pixels.shape
    assert np.array_equal(back.alpha, picture.alpha)  # type: ignore[arg-type]
    shown = picture.pixels if picture.alpha is None else alpha.conceal(picture.pixels, picture.alpha)
    encoded = symbol_chunks.encode(shown, FakeHierarchy(), made.quality)
    grey = picture.pixels.ndim == 2
    assert (back.pixels == symbol_chunks.render(encoded.state, FakeHierarchy(), grey=grey)).all()


def test_blocks_never_show_in_the_file() -> None:
    pixels = photograph(130, 90)
    files = {
        encoder.compress(images.from_array(pixels), FakeHierarchy(block=block), WEIGHTS, CompressSettings()).data
        for block in (1, 7, 10**6)
    }
    assert len(files) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 200, 3), (130, 1, 1), (131, 77, 3), (64, 64, 1)])
def test_a_decoder_written_from_the_specification_reads_the_file(shape: tuple[int, int, int]) -> None:
    pixels = photograph(*shape[:2])[:, :, : shape[2]]
    data = compress(pixels).data
    state = reference_decode(data, FakeHierarchy(block=13))
    encoded = symbol_chunks.encode(images.from_array(pixels).pixels, FakeHierarchy(), 12800)
    wanted, found = cast(State, encoded.state).symbols, cast(State, state).symbols
    assert [symbols.tolist() for symbols in found] == [symbols.tolist() for symbols in wanted]


def test_quality_buys_fidelity_and_costs_bytes() -> None:
    pixels = photograph(160, 200)
    made = [compress(pixels, quality) for quality in (1, 30, 60, 100)]
    sizes = [len(each.data) for each in made]
    fidelity = [encoder.psnr_of(pixels, decompress(each.data).pixels) for each in made]
    assert sizes == sorted(sizes) and fidelity == sorted(fidelity) and fidelity[-1] > 30


def test_the_estimate_of_bits_is_the_size() -> None:
    made = compress(photograph(400, 500))
    ideal = sum(made.layer_bits) / 8
    assert ideal - made.chunks < made.symbol_bytes < ideal + 5 * made.chunks


def test_a_grey_image_pays_for_no_colour() -> None:
    made = compress(photograph(100, 100)[:, :, :1])
    coloured = [bits for bits, layer in zip(made.layer_bits, FakeHierarchy().layers, strict=True) if layer.chroma]
    assert coloured == [0, 0, 0]


@pytest.mark.usefixtures("small_chunks")
def test_chunks_close_at_scales_and_when_they_are_full() -> None:
    blocks = np.random.default_rng(0).integers(0, 256, (125, 125, 3)).astype(np.uint8)
    chunks = parse(compress(blocks.repeat(8, axis=0).repeat(8, axis=1)).data).chunks
    assert sum(chunk.layers for chunk in chunks) == 8
    assert [chunk.layers for chunk in chunks] == [2, 1, 2, 1, 2]
    assert [chunk.layers for chunk in parse(compress(photograph(32, 32)).data).chunks] == [8]


@pytest.mark.usefixtures("small_chunks")
def test_previews_get_better_and_have_the_full_size() -> None:
    pixels = photograph(300, 260)
    data = compress(pixels, 90).data
    total = len(parse(data).chunks)
    assert total >= 2
    fidelity = [encoder.psnr_of(pixels, decompress(data, preview=n).pixels) for n in range(1, total + 1)]
    assert fidelity == sorted(fidelity) and fidelity[0] < fidelity[-1]
    assert (decompress(data, preview=total + 5).pixels == decompress(data).pixels).all()


@pytest.mark.usefixtures("small_chunks")
def test_a_preview_is_the_pass_as_it_stands_after_its_chunks() -> None:
    data = compress(photograph(300, 260)).data
    parsed = parse(data)
    first = parsed.chunks[0].layers
    state = FakeHierarchy().top_down_pass(PassSettings(300, 260, 12800, stop=first), _Replay(data))
    assert (decompress(data, preview=1).pixels == FakeHierarchy().render(state)).all()


class _Replay:
    """Replays the symbols that the reference decoder found."""

    def __init__(self, data: bytes) -> None:
        self.symbols = cast(State, reference_decode(data, FakeHierarchy(block=10**6))).symbols
        self.at = [0] * len(self.symbols)

    def next(self, step: object) -> NDArray[np.int32]:
        layer, count = step.layer, step.count  # type: ignore[attr-defined]
        self.at[layer] += count
        return np.asarray(self.symbols[layer][self.at[layer] - count : self.at[layer]])


@pytest.mark.usefixtures("small_chunks")
def test_a_cut_file_shows_what_is_whole() -> None:
    data = compress(photograph(300, 260)).data
    parsed = parse(data)
    cut = data[: parsed.chunks[-1].offset + 5]
    with pytest.raises(TruncatedFile, match=r'cut short: \d of \d chunks are whole \(`preview="all"` decodes them\)'):
        decompress(cut)
    whole = len(parsed.chunks) - 1
    assert (decompress(cut, "all").pixels == decompress(data, whole).pixels).all()
    assert (decompress(cut, whole).pixels == decompress(data, whole).pixels).all()
    with pytest.raises(TruncatedFile):
        decompress(cut, whole + 1)
    with pytest.raises(TruncatedFile, match="nothing of it can be decoded"):
        decompress(data[: parsed.chunks[0].offset + 5], "all")


def test_what_a_preview_misses_counts_as_opaque_and_absent() -> None:
    pixels = np.dstack([photograph(80, 80), np.random.default_rng(0).integers(0, 256, (80, 80), np.uint8)])
    data = compress(pixels).data
    assert np.array_equal(decompress(data).alpha, pixels[:, :, 3])  # type: ignore[arg-type]
    cut = decompress(data[:-1], "all")
    assert cut.mode == "RGBA" and cut.alpha is not None and (cut.alpha == 255).all()


def test_the_wrong_prior_is_noticed() -> None:
    data = compress(photograph(100, 100)).data
    with pytest.raises(FormatError):
        decompress(data, hierarchy=FakeHierarchy(salt=1))


def test_weights_with_other_layers_are_noticed() -> None:
    layers = FakeHierarchy().layers
    data = compress(photograph(100, 100)).data
    for other in (layers[:-1], (*layers, LayerSpec("8/more", 8, 4, False, 0))):
        with pytest.raises(FormatError, match="8 layers, its weights have"):
            decompress(data, hierarchy=FakeHierarchy(layers=other))


@pytest.mark.parametrize("preview", [0, -1, "some", 1.5, True])
def test_a_preview_is_a_count_or_all(preview: int | str) -> None:
    with pytest.raises(InvalidArgument):
        decompress(compress(photograph(8, 8)).data, preview)


@pytest.mark.parametrize("quality", [0.5, 101, float("nan"), -3])
def test_quality_has_a_range(quality: float) -> None:
    with pytest.raises(DvcodecError):
        compress(photograph(8, 8), quality)


def test_one_goal_at_a_time() -> None:
    picture = images.from_array(photograph(8, 8))
    with pytest.raises(InvalidArgument, match="`quality` and `target_bpp` exclude each other"):
        encoder.compress(picture, FakeHierarchy(), WEIGHTS, CompressSettings(quality=50, target_bpp=1.0))
    with pytest.raises(InvalidArgument, match="not a positive number"):
        encoder.compress(picture, FakeHierarchy(), WEIGHTS, CompressSettings(target_size=0))


class Saturating(FakePhotoModel):
    """A fake whose pictures get worse above quality 40, and which says so."""

    def saturation(self, state: object, targets: object) -> float:
        """Return what is wrong at the quality that was asked for last."""
        return 2.0 if self.asked > 40 * 256 else 0.5

    def infer(self, pixels: np.ndarray, quality: int) -> object:
        """Remember the quality; above 40 the targets are off by the excess."""
        self.asked = quality
        off = max(0, quality // 256 - 40)
        return super().infer(np.clip(pixels.astype(np.int16) + off, 0, 255).astype(np.uint8), quality)


def test_no_quality_above_the_best_is_coded() -> None:
    picture = images.from_array(np.clip(photograph(48, 64), 40, 160))
    made = {
        q: encoder.compress(picture, Saturating(), WEIGHTS, CompressSettings(quality=q))
        for q in (30.0, 40.0, 40.5, 41.0, 60.0, 100.0)
    }
    assert made[30.0].quality == 30 * 256 and made[40.0].quality == 40 * 256
    best = {made[q].quality for q in (60.0, 100.0)}
    assert len(best) == 1 and 38 * 256 <= best.pop() <= 43 * 256
    shown = [psnr_of(picture.pixels, decompress(one.data).pixels) for one in made.values()]
    assert all(later >= earlier - 0.3 for earlier, later in itertools.pairwise(shown))
