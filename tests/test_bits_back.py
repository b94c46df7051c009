"""Bits-back coding of sets: exact, and at the model's ELBO."""

from dataclasses import replace
from functools import lru_cache

import families_small as small
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dvcodec.codec.entropy.ans import Stack
from dvcodec.codec.entropy.bits_back import MOST, SHARES, BitsBack, batches
from dvcodec.errors import FormatError
from dvcodec.evaluation.likelihood.family_bound import measure
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.packing import pack, unpack
from dvcodec.models.families.runtime.bits_back import RuntimeBitsBackModel

BILEVEL = FamilyConfig(
    sides=(4, 2),
    symbols=(16, 16),
    variables=(2, 1),
    channels=1,
    image=8,
    hierarchy="skip-lvae",
    latent="memory",
    likelihood="neighbours",
    reach=(2, 2),
    pixel_width=8,
    pixel_features=4,
    width=8,
    embedding=4,
    values=4,
    reversible=True,
)
COLOUR = replace(BILEVEL, channels=3, hierarchy="resnet", latent="responsibilities", symbols=(8, 8))
KINDS = {"bilevel": BILEVEL, "colour": COLOUR}


@lru_cache(maxsize=4)
def model(kind: str) -> RuntimeBitsBackModel:
    """A frozen model of random weights."""
    return RuntimeBitsBackModel(kind, small.runtime(small.lively(KINDS[kind])))


def samples(kind: str, count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Images of the model's kind: (n, 8, 8) of 0 and 255, or (n, 8, 8, 3)."""
    rng = np.random.default_rng(seed)
    if kind == "bilevel":
        return ((rng.random((count, 8, 8)) < rng.random((count, 1, 1))) * 255).astype(np.uint8)
    return rng.normal(128, rng.uniform(2, 90), (count, 8, 8, 3)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 5, 33, *(pytest.param(count, marks=pytest.mark.slow) for count in (3, 4, 16))])
def test_every_image_comes_back(kind: str, count: int) -> None:
    coder, images = BitsBack(model(kind)), samples(kind, count)
    assert np.array_equal(coder.decode(coder.encode(images), count), images)


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_costs_what_the_bound_says(kind: str) -> None:
    found, images = model(kind), samples(kind, MOST)
    size = 8 * len(BitsBack(found).encode(images))
    x = torch.from_numpy(images.astype(np.float32))
    x = (x / 255)[:, None] if kind == "bilevel" else x.permute(0, 3, 1, 2)
    lively = small.lively(KINDS[kind])
    bound = measure(unpack(lively.config, pack(lively)), [x] * 4)
    bits = bound.bits_per_dim * bound.dimensions * MOST
    # Tables of tokens follow the mixture of logistics only roughly where residuals are as large as these.
    assert size == pytest.approx(bits, rel=0.02 if kind == "bilevel" else 0.04)
    assert bound.kl_nats > 0


def test_bits_come_back() -> None:
    found, images = model("bilevel"), samples("bilevel", 32)
    together = len(BitsBack(found).encode(images))
    apart = sum(len(BitsBack(found).encode(image[None])) - 4 for image in images)  # a word is not filled
    assert together < 0.97 * apart


def test_few_bits_on_the_stack_are_not_drawn_from() -> None:
    coder = BitsBack(model("bilevel"))
    first = coder.encode(samples("bilevel", 1))
    assert first[1] == 0  # nothing was there to draw from
    assert coder.encode(samples("bilevel", 40))[1] & 1  # the batch that is decoded first found enough


@given(st.integers(1, MOST), st.sampled_from(SHARES))
def test_batches_cover_a_set_and_grow(count: int, share: int) -> None:
    plan = batches(count, share)
    assert [i for batch in plan for i in range(batch.start, batch.stop)] == list(range(count))
    sizes = [batch.stop - batch.start for batch in plan]
    assert sizes[-1] == 1
    assert all(size <= max(1, sum(sizes[i + 1 :]) * share / (16 - share)) for i, size in enumerate(sizes))


@pytest.mark.parametrize(("count", "share"), [(0, 8), (MOST + 1, 8), (5, 0), (5, 16)])
def test_a_set_has_a_bounded_number_of_images(count: int, share: int) -> None:
    with pytest.raises(FormatError, match="1 to 256"):
        batches(count, share)


@lru_cache(maxsize=1)
def three() -> bytes:
    """A set of three images."""
    return BitsBack(model("bilevel")).encode(samples("bilevel", 3))


@given(data=st.data())
def test_damaged_sets_are_refused_or_give_other_pixels(data: st.DataObject) -> None:
    good = bytearray(three())
    place = data.draw(st.integers(0, len(good) - 1))
    good[place] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(good)))
    try:
        found = BitsBack(model("bilevel")).decode(bytes(good[:cut]), 3)
    except FormatError:
        return
    assert found.shape == (3, 8, 8)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=6), st.integers(2, 300), st.integers(0, 2**31))
def test_what_is_sampled_can_be_pushed_back(words: list[int], symbols: int, seed: int) -> None:
    top = [*words, 1]  # the word on top is not 0
    stack = Stack(np.array(top, np.uint32))
    rng = np.random.default_rng(seed)
    weights = np.floor(rng.dirichlet(np.ones(symbols), 5) * (2**24 - symbols)).astype(np.float32)
    weights[:, 0] += np.float32(2**24 - symbols) - weights.sum(axis=1)
    drawn = stack.sample(weights)
    assert drawn.min() >= 0 and drawn.max() < symbols
    stack.unsample(weights, drawn)
    assert stack.words().tolist() == top


def test_models_that_are_not_exact_throughout_are_refused() -> None:
    lively = small.lively(replace(BILEVEL, reversible=False, likelihood="bernoulli"))
    with pytest.raises(ValueError, match="not a reversible model"):
        RuntimeBitsBackModel("x", small.runtime(lively))


def test_only_images_of_the_models_kind_suit() -> None:
    assert model("bilevel").suits("1", 8, 8) and model("colour").suits("RGB", 8, 8)
    assert not model("bilevel").suits("L", 8, 8) and not model("colour").suits("RGB", 8, 9)
