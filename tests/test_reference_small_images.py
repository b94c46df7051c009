"""A second top-down pass, written from docs/FORMAT.md, gives the weights and maps of the shipped small-image models."""

import numpy as np
import pytest
from numpy.typing import NDArray
from reference_small_images import Floats, Reference
from reference_weights import contents

from dvcodec import weights
from dvcodec.models.interface.bits_back import BitsBackStep
from dvcodec.models.loading import bits_back_model


class Chosen:
    """Gives the symbols that the second pass chose, and keeps the priors' weights."""

    def __init__(self, symbols: list[NDArray[np.int64]]) -> None:
        self.symbols, self.seen = iter(symbols), list[Floats]()

    def next(self, step: BitsBackStep) -> NDArray[np.int32]:
        """Return the symbols of a layer."""
        self.seen.append(np.array(step.weights(), np.float64))
        return next(self.symbols).astype(np.int32)


@pytest.mark.parametrize("name", ["hdvae-mnist", "rrvq-cifar"])
def test_the_second_pass_equals_the_first(name: str) -> None:
    about, tensors = contents(weights.find(name).path.read_bytes())
    random, symbols, priors = np.random.default_rng(0), list[NDArray[np.int64]](), list[Floats]()

    def choose(_: int, prior: Floats) -> NDArray[np.int64]:
        priors.append(prior)
        symbols.append(np.array([random.choice(len(row), p=(row + 1) / (row + 1).sum()) for row in prior]))
        return symbols[-1]

    maps = Reference(about["config"], tensors).run(choose)
    source = Chosen(symbols)
    state = bits_back_model(weights.find(name).path, None).top_down_pass(1, source)
    assert [prior.tolist() for prior in priors] == [prior.tolist() for prior in source.seen]
    assert np.array_equal(maps, np.asarray(state)[0])
