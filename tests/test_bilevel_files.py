"""Lossless black and white images of any size: exact in every environment, never much larger, hostile files refused."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import small_bilevel
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec.codec import decoder
from dvcodec.codec.bitstream import container, tiling
from dvcodec.codec.bitstream.assembly import Parts, assemble
from dvcodec.codec.loaders import Loaders
from dvcodec.codec.lossless import methods
from dvcodec.errors import DvcodecError, FormatError, UnsupportedImage, WeightsNotFound
from dvcodec.image_io.images import from_array, from_image
from dvcodec.models.integer.linear import QuantLinear
from dvcodec.models.interface.hierarchy import BilevelModel, PixelStep
from dvcodec.models.pixels.bilevel import export
from dvcodec.models.pixels.bilevel.config import HALF, SCORE_BITS, STEPS
from dvcodec.models.pixels.bilevel.ink_counts import counts, features, pattern
from dvcodec.models.pixels.bilevel.model import TiledBilevelModel
from dvcodec.models.pixels.bilevel.surroundings import RECTANGLES, window
from program import dvcodec as program

Pixels = NDArray[np.uint8]


def coded(white: Pixels, method: str = "bilevel", model: BilevelModel | None = None) -> bytes:
    """A lossless file of (H, W) pixels of 0 and 255 in mode 1."""
    found = methods.BilevelNetworks(model or small_bilevel.bilevel_model(), small_bilevel.WEIGHTS)
    picture = from_image(Image.fromarray(white != 0), keep_mode=True)
    return methods.compress(picture, method, lambda: None, load_bilevel=lambda: found).data


def decoded(data: bytes, model: BilevelModel | None = None) -> Pixels:
    """The pixels of a file."""

    def load(prefix: bytes) -> BilevelModel:
        assert prefix == small_bilevel.WEIGHTS
        return model or small_bilevel.bilevel_model()

    result = decoder.decompress(data, Loaders(bilevel=load))
    assert result.picture.mode == "1" and result.exact
    return result.picture.pixels


@st.composite
def images(draw: st.DrawFn) -> Pixels:
    """Images of any small size: noise of any density, flat ones, chequers, pages."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    kind = draw(st.sampled_from(["noise", "white", "black", "chequers", "page", "negative"]))
    if kind == "noise":
        return np.where(rng.random((height, width)) < rng.random(), 255, 0).astype(np.uint8)
    if kind == "chequers":
        y, x = np.indices((height, width))
        return np.where((x + y) % 2, 255, 0).astype(np.uint8)
    page = small_bilevel.page(height, width, int(rng.integers(2**31)))
    flat: dict[str, Pixels] = {
        "white": np.full_like(page, 255),
        "black": np.zeros_like(page),
        "page": page,
        "negative": 255 - page,
    }
    return flat[kind]


@given(images())
@settings(max_examples=12)
def test_any_image_comes_back(white: Pixels) -> None:
    assert (decoded(coded(white)) == white).all()


@given(images())
@settings(max_examples=8)
def test_auto_is_never_much_larger_than_the_bits(white: Pixels) -> None:
    height, width = white.shape
    assert len(coded(white, "auto")) <= height * -(-width // 8) + 64


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 90), (97, 3)])
def test_slim_images_come_back(size: tuple[int, int]) -> None:
    white = small_bilevel.page(*size)
    assert (decoded(coded(white)) == white).all()


@given(st.integers(1, 20000), st.integers(1, 20000))
def test_tiles_cover_an_image_once_and_bound_a_pass(height: int, width: int) -> None:
    sections = tiling.sections(height, width)
    tiles = [tile for section in sections for tile in section]
    assert sum((y.stop - y.start) * (x.stop - x.start) for y, x in tiles) == height * width
    assert len({(y.start, x.start) for y, x in tiles}) == len(tiles)
    assert all(y.stop <= height and x.stop <= width for y, x in tiles)
    for section in sections:
        rows, columns = (max(tile[axis].stop - tile[axis].start for tile in section) for axis in (0, 1))
        assert len(section) == 1 or len(section) * rows <= tiling.ROWS
        assert len(section) == 1 or len(section) * rows * columns <= tiling.AREA


@pytest.mark.parametrize(
    ("size", "rows"), [((40, 55), 16), ((40, 55), 64), ((23, 40), 1000), ((50, 23), 64), ((16, 64), 1000)]
)
def test_tiles_of_uneven_sizes_come_back(size: tuple[int, int], rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "SIDE", 16)
    monkeypatch.setattr(tiling, "ROWS", rows)
    white = small_bilevel.page(*size)
    assert (decoded(coded(white)) == white).all()


class Watch:
    """Takes the image's pixels and notes under which contexts."""

    def __init__(self) -> None:
        self.contexts: list[NDArray[np.int32]] = []

    def next(self, step: PixelStep) -> NDArray[np.int32]:
        """The pixels as they are."""
        self.contexts.append(step.contexts)
        return step.residuals()


def watched(model: TiledBilevelModel, white: Pixels, tiles: list[tiling.Tile]) -> list[NDArray[np.int32]]:
    """The contexts of every wavefront."""
    watch = Watch()
    model.autoregressive_pass(tiles, white // 255, watch, known=True)
    return watch.contexts


def whole(white: Pixels) -> list[tiling.Tile]:
    """An image as one tile."""
    return [(slice(0, white.shape[0]), slice(0, white.shape[1]))]


@pytest.mark.parametrize("size", [(1, 1), (3, 4), (60, 90), (130, 200)])
def test_the_contexts_of_the_pass_are_those_of_the_trained_network(size: tuple[int, int]) -> None:
    model, white = small_bilevel.bilevel_model(), small_bilevel.page(*size)
    net, plane = small_bilevel.quantised().net, torch.from_numpy(white // 255).float()[None]
    receptive_field = net.config.receptive_field
    found = counts(plane, window(receptive_field) + RECTANGLES)
    maps = features(found[..., 2:], RECTANGLES).permute(0, 3, 1, 2)
    with torch.inference_mode():
        scored = (net(plane, maps)[0] * 2**SCORE_BITS + HALF).int()
    quiet = (found[0, ..., :2] == 0).all(-1)
    expected = torch.where(quiet, STEPS + pattern(found[0, ..., 2:]), scored)
    fronts = [expected.numpy()[y, x] for y, x in receptive_field.wavefronts(*size) if len(y)]
    for ours, theirs in zip(watched(model, white, whole(white)), fronts, strict=True):
        assert np.array_equal(ours, theirs)
    assert size[0] < 60 or 0.2 < float(quiet.float().mean()) < 0.95


def test_tiles_do_not_see_each_other_and_share_wavefronts() -> None:
    model, white = small_bilevel.bilevel_model(), small_bilevel.page(40, 80)
    tiles: list[tiling.Tile] = [(slice(0, 40), slice(0, 40)), (slice(0, 40), slice(40, 80))]
    together = watched(model, white, tiles)
    alone = [watched(model, white, [tile]) for tile in tiles]
    for both, left, right in zip(together, *alone, strict=True):
        assert np.array_equal(both, np.concatenate([left, right]))


@pytest.mark.parametrize("place", ["first", "rest.0", "last"])
def test_one_step_of_a_weight_is_noticed(place: str) -> None:
    data, net = coded(small_bilevel.page(60, 90)), small_bilevel.quantised()
    linear = net.net.get_submodule(place)
    assert isinstance(linear, QuantLinear)
    linear.weight.data[:, 0] += torch.exp2(-linear.exponents())
    changed = small_bilevel.load(export.write(net, "changed"))
    with pytest.raises(DvcodecError):
        decoded(data, changed)


def test_the_paper_is_the_commoner_colour() -> None:
    white = small_bilevel.page(64, 64)
    sizes = [len(coded(image)) for image in (white, 255 - white)]
    assert sizes[0] == sizes[1]


def test_hostile_bytes_are_format_errors() -> None:
    data = coded(small_bilevel.page(30, 40))
    rng = np.random.default_rng(0)
    for cut in (*range(0, 40, 3), len(data) - 1):
        refused(data[:cut])
    for _ in range(150):
        spoilt = bytearray(data)
        spoilt[rng.integers(len(data))] ^= int(rng.integers(1, 256))
        refused(bytes(spoilt))
    refused(data + b"x")


def refused(data: bytes) -> None:
    """One line, not a traceback; nothing decodes."""
    with pytest.raises(DvcodecError):
        decoder.decompress(data, Loaders(bilevel=known))


def nowhere(prefix: bytes) -> NoReturn:
    """No weights."""
    raise WeightsNotFound("not installed")


def known(prefix: bytes) -> BilevelModel:
    """The small model, by its id alone."""
    if prefix != small_bilevel.WEIGHTS:
        raise WeightsNotFound("not installed")
    return small_bilevel.bilevel_model()


def rewritten(change: Callable[[bytes], bytes], data: bytes) -> bytes:
    """A file whose header is changed and carries the right checksum."""
    end = container.parse(data).header_bytes
    head = change(data[: end - 4])
    return head + zlib.crc32(head).to_bytes(4, "little") + data[end:]


def test_sections_with_right_checksums_and_wrong_contents_are_refused() -> None:
    white = small_bilevel.page(30, 40)
    header = container.parse(coded(white)).header
    section = coded(white)[container.parse(coded(white)).header_bytes :]
    for content in (b"\2" + section[1:], section[:1], section[:-3] + b"\x01", b"\0" + bytes(range(1, 200))):
        with pytest.raises(FormatError):
            decoded(assemble(header, Parts(pixels=(content,))))


def test_headers_that_make_no_sense_are_refused() -> None:
    data = coded(small_bilevel.page(30, 40))
    with pytest.raises(FormatError, match="a bilevel image of mode L"):
        decoded(rewritten(lambda head: head[:6] + bytes([head[6] | 1]) + head[7:], data))
    with pytest.raises(FormatError, match="features"):
        decoded(rewritten(lambda head: head[:6] + b"\x07" + head[7:], data))


def test_other_modes_are_refused() -> None:
    grey = from_array(np.zeros((4, 4), np.uint8))
    with pytest.raises(UnsupportedImage, match="method bilevel cannot code"):
        methods.compress(grey, "bilevel", lambda: None)


def test_a_decoder_without_the_model_says_so() -> None:
    with pytest.raises(WeightsNotFound):
        decoder.decompress(coded(small_bilevel.page(9, 9)), Loaders())
    with pytest.raises(WeightsNotFound):
        decoder.verify(coded(small_bilevel.page(9, 9)), Loaders(bilevel=nowhere))


def test_the_command_line_takes_the_bilevel_model(tmp_path: Path) -> None:
    source, target = tmp_path / "scan.png", tmp_path / "scan.dvq"
    Image.fromarray(small_bilevel.page(70, 90) != 0).save(source)
    for more in ((), ("--method", "bilevel", "--force")):
        done = program("compress", source, "--lossless", *more)
        assert done.code == 0, done.err
    facts = json.loads(program("info", target, "--json").out)
    assert facts["method"] == "bilevel" and facts["mode"] == "1" and facts["pixel_weights_name"] == "bilevel-pages"
    shown = program("info", target)
    assert (
        shown.code == 0
        and "lossless, bilevel" in shown.out
        and "bilevel-pages" in shown.out
        and "preview" not in shown.out
    )
    assert program("verify", target).code == 0
    assert program("decompress", target, "-o", tmp_path / "back.png").code == 0
    with Image.open(tmp_path / "back.png") as back, Image.open(source) as first:
        assert back.mode == "1" and back.tobytes() == first.tobytes()
    grey = tmp_path / "grey.png"
    Image.new("L", (9, 9)).save(grey)
    done = program("compress", grey, "--lossless", "--method", "bilevel")
    assert done.code == 1 and "method bilevel cannot code" in done.err


def test_the_shipped_model_beats_group_4_on_dots_and_text() -> None:
    white = np.asarray(Image.radial_gradient("L").convert("1"), np.uint8) * np.uint8(255)
    data = dvcodec.compress(Image.fromarray(white != 0), lossless=True)
    assert dvcodec.info(data).method == "bilevel"
    assert len(data) < 0.8 * len(dvcodec.compress(Image.fromarray(white != 0), lossless=True, method="webp"))
