"""Encoding in several passes: what choices cause in finer layers is weighed before the last pass."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

import dvcodec
from dvcodec.codec import loading
from dvcodec.codec.lossy import encoder
from dvcodec.codec.lossy.encoder import psnr_of
from dvcodec.codec.lossy.symbol_chunks import decode, encode, render
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import InvalidArgument
from dvcodec.image_io.images import from_array
from dvcodec.models.interface.adaptive_filter import ImageFilter
from dvcodec.models.interface.hierarchy import PassSettings
from dvcodec.models.interface.photo import Region
from dvcodec.models.photo.codec_model import PhotoCodecModel
from dvcodec.models.photo.encoder import lookahead as lookahead_passes
from dvcodec.models.photo.encoder import lookahead_tiles as tiles
from dvcodec.models.photo.encoder.lookahead import lookahead
from dvcodec.models.photo.encoder.lookahead_tiles import lookahead_in_tiles, positions
from dvcodec.models.photo.network.chain import DifferentiableLayer
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.models.photo.network.top_down import PhotoStep
from dvcodec.progress import OnProgress, ignore
from fake import FakeHierarchy, FakePhotoModel

Q40 = 40 * 256


class Adding(FakePhotoModel):
    """A fake whose rendering adds 9 to every sample, which it knows if it may look ahead."""

    passes: int | None = None

    def lookahead_targets(
        self, pixels: NDArray[np.uint8], settings: PassSettings, passes: int, *, perceptual: bool
    ) -> object:
        """What is left for the symbols."""
        self.passes = passes
        return pixels.astype(np.float64) - 9

    def render(
        self,
        state: object,
        image_filter: ImageFilter | None = None,
        region: Region | None = None,
        on_progress: OnProgress = ignore,
    ) -> NDArray[np.uint8]:
        """The reconstruction as pixels, and 9."""
        raised: NDArray[np.uint8] = np.clip(super().render(state).astype(int) + 9, 0, 255).astype(np.uint8)
        return raised


def test_the_symbols_that_are_coded_aim_at_the_lookahead_targets() -> None:
    pixels, hierarchy = small_model.photograph(48, 56).clip(9, 255), Adding()
    encoded = encode(pixels, hierarchy, Q40, passes=4)
    assert hierarchy.passes == 3
    assert encoded.chunks == encode(pixels - 9, FakeHierarchy(), Q40).chunks
    assert psnr_of(pixels, hierarchy.render(encoded.state)) > psnr_of(pixels, FakeHierarchy().render(encoded.state))
    state = decode(encoded.chunks, hierarchy, PassSettings(48, 56, Q40))
    assert np.array_equal(hierarchy.render(state), hierarchy.render(encoded.state))


def test_the_least_effort_looks_nowhere() -> None:
    hierarchy = Adding()
    pixels = small_model.photograph(24, 24)
    assert encode(pixels, hierarchy, Q40).chunks == encode(pixels, FakeHierarchy(), Q40, passes=5).chunks
    assert hierarchy.passes is None


@pytest.mark.parametrize("effort", [1, 2, 3, 9])
def test_an_effort_is_a_number_of_passes(effort: int) -> None:
    hierarchy, settings = Adding(), CompressSettings(quality=40, effort=effort, tune="psnr")
    encoder.compress(from_array(small_model.photograph(24, 24)), hierarchy, b"12345678", settings)
    assert hierarchy.passes == (effort - 1 or None)


@pytest.mark.parametrize("effort", [0, 10, -1, 2.5, "3", True])
def test_efforts_out_of_range_are_refused(effort: object) -> None:
    with pytest.raises(InvalidArgument, match="effort"):
        CompressSettings(effort=effort)  # type: ignore[arg-type]


@pytest.mark.parametrize("grey", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_each_pass_makes_bits_and_distortion_cost_less(shipped: PhotoCodecModel, grey: bool) -> None:
    """Weighed as the quality weighs them, in nats."""
    pixels = small_model.photograph(128, 128)
    pixels = pixels[:, :, 1] if grey else pixels

    def cost(effort: int) -> float:
        encoded = encode(pixels, shipped, Q40, passes=effort)
        shown = render(encoded.state, shipped, grey=grey, image_filter=encoded.image_filter)
        error = (pixels.astype(float) - shown) ** 2
        sigma = float(shipped.network.sigma(shipped.network_quality(Q40)))
        return sum(encoded.layer_bits) * math.log(2) + float(error.sum()) * (3 if grey else 1) / (2 * sigma**2)

    costs = [cost(effort) for effort in (1, 2, 4)]
    assert all(after < before for before, after in pairwise(costs))
    assert costs[2] < 0.99 * costs[0]


class Repeated:
    """The posterior's mode the first time, the same symbols in every copy afterwards; sums -ln p by copy.

    Blocks of positions are numbered as they come; `blocks`: layer, positions in raster order and symbols of each.
    """

    def __init__(self) -> None:
        self.blocks: list[tuple[int, Tensor, Tensor]] = []
        self.block = 0
        self.nats = torch.zeros(())

    def next(self, step: PhotoStep) -> Tensor:
        """Symbols (copies * n,)."""
        scores = step.layer.scores(step.embedding)
        if self.block == len(self.blocks):
            self.blocks.append((step.index, small_model.places(step.rows), (step.costs() - scores).argmin(1)))
        known = self.blocks[self.block][2]
        self.block += 1
        chosen = known.repeat(len(scores) // len(known))
        self.nats = self.nats + torch.nn.functional.cross_entropy(scores, chosen, reduction="none").view(
            -1, len(known)
        ).sum(1)
        return chosen

    def total(self, model: PhotoRRVQ, x: Tensor, quality: Tensor, targets: dict[int, Tensor], copies: int) -> Tensor:
        """Bits and distortion of each copy, in nats. (copies,)"""
        self.nats, self.block = torch.zeros(()), 0
        known = {stride: tokens.repeat(copies, 1) for stride, tokens in targets.items()}
        decoded = model.top_down_pass((x.shape[2], x.shape[3]), quality.repeat(copies), self, known)
        error = (model.render(decoded) - x).square().flatten(1).sum(1)
        return self.nats + error / (2 * decoded.sigma.square())


@torch.no_grad()
def test_gradients_tell_what_other_codes_would_cost_further_down(
    shipped: PhotoCodecModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the networks see of sixty symbols of a picture, changed one at a time, against the estimate of each.

    How true estimates are is the weights' own, too (docs/experiments/lookahead.md).
    """
    model, copies = shipped.network, 60
    x = torch.tensor(small_model.photograph(64, 64)).permute(2, 0, 1)[None].float()
    quality, coded_size = shipped.network_quality(Q40), Repeated()
    targets = model.infer(x, quality)
    before = coded_size.total(model, x, quality, targets, 1)
    _, gradients = lookahead_passes._pass_with_gradients(model, x, quality, targets, {}, grey=False)
    generator, layers = torch.Generator().manual_seed(0), model.chain.layers()
    changes: list[tuple[int, int, int]] = []
    estimates = []
    for block in torch.randint(len(coded_size.blocks), (copies,), generator=generator).tolist():
        index, positions, symbols = coded_size.blocks[block]
        place = int(torch.randint(len(symbols), (1,), generator=generator))
        old, values = int(symbols[place]), layers[index].reconstruction_values()
        new = int((values - values[old]).square().sum(1).topk(2, largest=False).indices[1])
        changes.append((block, place, new))
        codewords = layers[index].codeword_table()
        estimates.append(float(gradients[index][positions[place]] @ (codewords[new] - codewords[old])))
    honest = DifferentiableLayer.codewords

    def changed(self: DifferentiableLayer, symbols: Tensor) -> Tensor:
        seen = symbols.clone()
        for copy, (block, place, symbol) in enumerate(changes):
            if len(symbols) and block == coded_size.block - 1:
                seen[copy * len(symbols) // copies + place] = symbol
        return honest(self, seen)

    monkeypatch.setattr(DifferentiableLayer, "codewords", changed)
    actual = coded_size.total(model, x, quality, targets, copies) - before
    assert float(torch.corrcoef(torch.stack([actual, torch.tensor(estimates)]))[0, 1]) > 0.5


def test_looking_ahead_leaves_the_network_as_it_was(shipped: PhotoCodecModel) -> None:
    model, pixels = shipped.network, small_model.photograph(64, 64)
    kept = [p.detach().clone() for p in model.parameters()]
    lookahead_in_tiles(model, pixels, shipped.network_quality(Q40), 1, grey=False)
    assert all(torch.equal(a, b) and b.grad is None for a, b in zip(kept, model.parameters(), strict=True))
    assert not model.training and not any(p.requires_grad for p in model.parameters())


def test_training_looks_ahead_without_gradients_of_its_own() -> None:
    model = small_model.trainable().train()
    lookahead(model, torch.full((1, 3, 64, 64), 99.0), torch.tensor([2000]), 2)
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


@cache
def looked_ahead() -> tuple[NDArray[np.uint8], bytes]:
    """A picture, and its file by the default weights."""
    pixels = small_model.photograph(40, 40)
    return pixels, dvcodec.compress_array(pixels, 40, effort=2)


@pytest.mark.parametrize(
    "around",
    [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu", torch.bfloat16)],
    ids=["inference_mode", "no_grad", "autocast"],
)
def test_a_caller_may_have_modes_of_its_own(around: Callable[[], AbstractContextManager[None]]) -> None:
    """Weights that are loaded there serve callers elsewhere too."""
    pixels, expected = looked_ahead()
    loading.forget()
    with around():
        assert dvcodec.compress_array(pixels, 40, effort=2) == expected
        dvcodec.decompress(expected)
    assert dvcodec.compress_array(pixels, 40, effort=2) == expected
    loading.forget()


def test_threads_share_a_network() -> None:
    pixels = [small_model.picture(24, 32, seed) for seed in range(2)]
    alone = [dvcodec.compress_array(each, 40, effort=2) for each in pixels]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda each: dvcodec.compress_array(each, 40, effort=2), [*pixels, pixels[0]]))
    assert found == [*alone, alone[0]]


def test_a_grey_picture_has_no_costs_of_colours(shipped: PhotoCodecModel) -> None:
    pixels = np.repeat(small_model.photograph(64, 64)[:, :, :1], 3, axis=2)
    layers = shipped.network.chain.layers()
    _, grey = lookahead_in_tiles(shipped.network, pixels, shipped.network_quality(Q40), 1, grey=True)
    assert set(grey) == {i for i, layer in enumerate(layers) if not layer.chroma}
    _, colour = lookahead_in_tiles(shipped.network, pixels, shipped.network_quality(Q40), 1, grey=False)
    assert set(colour) == set(range(len(layers)))


def test_each_tile_is_looked_at_as_an_image(shipped: PhotoCodecModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "SIDE", 64)
    pixels, quality = small_model.photograph(72, 68), shipped.network_quality(Q40)
    layers = shipped.network.chain.layers()
    correction, ahead = lookahead_in_tiles(shipped.network, pixels, quality, 1, grey=False)
    assert correction.shape == pixels.shape
    for tile in tiles.tiles((72, 68)):
        x = torch.tensor(pixels[tile]).permute(2, 0, 1)[None].float()
        added, costs = lookahead(shipped.network, x, quality, 1)
        assert np.allclose(correction[tile], added[0].permute(1, 2, 0).numpy(), atol=1e-2)
        for index, known in costs.items():
            stride = layers[index].stride
            place = ahead[index].view(-(-72 // stride), -(-68 // stride), -1)[positions(tile, stride)]
            assert torch.allclose(place.flatten(0, 1).float(), known, rtol=1e-3, atol=1e-3)


def test_lookahead_in_bfloat16_chooses_nearly_the_same(
    shipped: PhotoCodecModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.tensor(small_model.photograph(64, 64)).permute(2, 0, 1)[None].float()
    quality, found, kinds = shipped.network_quality(Q40), [], set[torch.dtype]()
    convolution = torch.nn.functional.conv2d

    def watched(*arguments: Any, **settings: Any) -> Tensor:
        out = convolution(*arguments, **settings)
        kinds.add(out.dtype)
        return out

    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    for has in (False, True):
        monkeypatch.setattr(lookahead_passes, "has_bfloat16", lambda _, has=has: has)
        found.append(lookahead(shipped.network, x, quality, 1)[1])
        assert (torch.bfloat16 in kinds) == has
    plain, low = (torch.cat([costs.float().flatten() for costs in each.values()]) for each in found)
    assert torch.corrcoef(torch.stack([plain, low]))[0, 1] > 0.8 and not torch.equal(plain, low)


@given(st.integers(1, 5000), st.integers(1, 5000), st.sampled_from([64, 200, 384]))
def test_tiles_cover_an_image_once(height: int, width: int, side: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "SIDE", side)
        parts = list(tiles.tiles((height, width)))
    for stride in (1, 8, 16, 32, 64):
        places = [positions(tile, stride) for tile in parts]
        rows, columns = ({(part.start, part.stop) for part in axis} for axis in zip(*places, strict=True))
        for axis, length in ((sorted(rows), height), (sorted(columns), width)):
            assert axis[0][0] == 0 and axis[-1][1] == -(-length // stride)
            assert all(a[1] == b[0] for a, b in pairwise(axis))
        assert len(set(map(str, places))) == len(rows) * len(columns) == len(parts)
    assert all(part.stop - part.start <= -(-side // 64) * 64 for tile in parts for part in tile)
    assert all(part.start % 64 == 0 for tile in parts for part in tile)


def test_lookahead_of_no_passes_changes_nothing(shipped: PhotoCodecModel) -> None:
    correction, ahead = lookahead(shipped.network, torch.full((1, 3, 16, 16), 99.0), shipped.network_quality(Q40), 0)
    assert not ahead and not correction.any()
