"""Gradient estimators in the training loop: the bound rises, runs resume, and exports hold nothing of the estimator."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import families_small as small
import numpy as np
import pytest
import torch

import toy_task
from dvcodec.models.families.model import FamilyVAE
from dvcodec.models.families.packing import pack
from dvcodec.training.estimators import KINDS
from dvcodec.training.loading import load_checkpoint
from dvcodec.training.loop.checkpoints import FILE
from dvcodec.training.loop.distributed import DistributedContext
from dvcodec.training.loop.task import LossTerms, Progress
from dvcodec.training.loop.trainer import RunLimits, Trainer
from dvcodec.training.recipes.families import FamilyRecipe
from dvcodec.training.recipes.registry import Settings
from dvcodec.training.tasks.families import ElboTask
from dvcodec.training.warm_start.families import warm_start_family

TRAINED = replace(small.BINARY, exact=True, weight_norm=True)


def run_of(name: Any, folder: Path) -> Trainer:
    """The loop over a few steps with an estimator."""
    recipe = FamilyRecipe(steps=10, batch=16, rate=0.05, warm_up=1, schedule="constant", estimator=name, samples=2)
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    task = ElboTask(TRAINED, recipe, small.Discs(TRAINED))
    return Trainer(task, Settings("family", "hdvae", TRAINED, recipe), RunLimits(folder), DistributedContext(), {})


@pytest.mark.parametrize("name", KINDS)
def test_every_estimator_trains_through_the_loop_and_exports(name: Any, tmp_path: Path) -> None:
    """The bound rises, and neither export nor a run that starts from this one sees the estimator's parameters."""
    run, losses = run_of(name, tmp_path / "run"), list[float]()
    step = run.one_step

    def watched(progress: Progress) -> tuple[LossTerms, float]:
        terms, norm = step(progress)
        losses.append(float(terms.loss.detach()))
        return terms, norm

    run.one_step = watched  # type: ignore[method-assign]
    toy_task.train(run)
    assert np.mean(losses[-3:]) < 0.9 * losses[0], losses
    model = load_checkpoint(tmp_path / "run" / FILE, "cpu")
    assert isinstance(model, FamilyVAE)
    assert not [key for key in pack(model) if "estimator" in key]
    other = run_of(name, tmp_path / "other").module
    assert isinstance(other, FamilyVAE)
    warm_start_family(other, tmp_path / "run" / FILE)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", ["nvil", "relax"])
def test_runs_of_estimators_with_parameters_go_on_as_if_never_stopped(name: str, tmp_path: Path) -> None:
    toy_task.train(run_of(name, tmp_path / "whole"))
    toy_task.interrupt(run_of(name, tmp_path / "cut"), after=2)
    toy_task.resume(run_of(name, tmp_path / "cut"))
    assert toy_task.differing(tmp_path / "whole", tmp_path / "cut") == []


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ({"estimator": "vimco"}, "samples=2"),
        ({"samples": 2}, "bound=iw"),
        ({"estimator": "vargrad", "samples": 2, "bound": "iw"}, "bound=joint"),
        ({"estimator": "nvil", "free_bits": 1.0}, "free_bits=0"),
        ({"estimator": "best"}, "estimator"),
    ],
)
def test_recipes_that_do_not_exist_are_refused(recipe: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        FamilyRecipe(**recipe)
