"""Runs whose numbers break: they end with a line that says where, and what was good is saved."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dvcodec.errors import DvcodecError
from dvcodec.training.loop.checkpoints import BEST, FILE, Checkpoint
from dvcodec.training.loop.numerics import MOST_BROKEN
from dvcodec.training.loop.task import LossTerms, Progress
from toy_task import RECIPE, toy, train, trainer

pytestmark = pytest.mark.usefixtures("toy_is_known")


def test_a_loss_that_is_no_number_names_the_layer_and_saves(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    terms = toy(run).loss_terms

    def broken(batch: torch.Tensor, progress: Progress) -> LossTerms:
        good = terms(batch, progress)
        bad = {"a": torch.ones(2), "b": torch.tensor([1.0, math.nan])}
        return LossTerms(good.loss * math.nan, {}, bad) if progress.step == 2 else good

    toy(run).loss_terms = broken  # type: ignore[method-assign]
    with pytest.raises(DvcodecError, match="first in layer b"):
        train(run)
    saved = Checkpoint(tmp_path / FILE)
    assert saved.state["step"] == 2
    assert all(bool(torch.isfinite(value).all()) for name, value in saved.tensors.items() if name.startswith("model."))


@pytest.mark.parametrize("every", [1, 2])
def test_gradients_that_stay_no_numbers_end_the_run(tmp_path: Path, every: int) -> None:
    run, seen = trainer(tmp_path, replace(RECIPE, steps=60)), 0

    def broken(gradient: torch.Tensor) -> torch.Tensor:
        nonlocal seen
        seen += 1
        return gradient * math.nan if seen % every == 0 else gradient

    toy(run).module.second.weight.register_hook(broken)  # type: ignore[no-untyped-call]
    if every == 1:
        with pytest.raises(
            DvcodecError, match=f"{MOST_BROKEN + 1} gradients in a row are not numbers, first in second.we"
        ):
            train(run)
    else:
        train(run)
    saved = Checkpoint(tmp_path / FILE)
    assert saved.state["step"] == (MOST_BROKEN if every == 1 else 60)
    assert saved.state["skipped"] == (MOST_BROKEN + 1 if every == 1 else 30)
    assert all(bool(torch.isfinite(value).all()) for name, value in saved.tensors.items() if name.startswith("model."))


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_validation_that_is_no_number_ends_the_run(tmp_path: Path, broken: float) -> None:
    run = trainer(tmp_path, replace(RECIPE, steps=60, validate_every=2))
    toy(run).validations = [1.0, broken]
    with pytest.raises(DvcodecError, match="the validation's loss is not a number"):
        train(run)
    assert not (tmp_path / FILE).exists() and Checkpoint(tmp_path / BEST).state["step"] == 2
