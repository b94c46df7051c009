"""Bias and standard deviation of every gradient estimator on a model of 64 states, where the gradient can be summed up.

    python benchmarks/estimators.py [--images 20000] [--json]

The model has six binary variables and perceptrons with hidden layers of tanh; its weights are drawn at random, the
same every time, and wide enough for posteriors that are far from uniform. Estimators with parameters of their own first
learn these for `--fit` steps, while the model stays as it is. Gradients are those of the inference network. Columns,
the first three as shares of the enumerated gradient's norm:

bias        distance of the mean estimate from the enumerated gradient ...
noise       ... and what that distance would be, on average, for an unbiased estimator: sd / sqrt(images)
sd          standard deviation of one estimate, over all coordinates
ms          milliseconds of a step of 500 images, forward and backward
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dvcodec.evaluation.likelihood.enumeration import enumerate_states
from dvcodec.models.families.config import FamilyConfig
from dvcodec.models.families.model import FamilyVAE
from dvcodec.training.loop.task import Progress
from dvcodec.training.objectives.family_bounds import importance_weighted
from dvcodec.training.recipes.families import FamilyRecipe
from dvcodec.training.tasks.families import ElboTask

CONFIG = FamilyConfig(
    sides=(1,),
    symbols=(2,),
    variables=(6,),
    channels=1,
    image=4,
    latent="logits",
    prior="direct",
    likelihood="bernoulli",
    network="mlp",
    block="tanh",
    width=12,
    values=2,
    weight_norm=False,
    centred=False,
    exact=False,
)
BATCH = 500
WIDTH = 2.5
"""Factor of the weights of heads and pixels."""
RELAXED = [{"temperatures": (t,), "fractions": (0.0,)} for t in (1.0, 0.5, 0.1)]
ROWS: list[tuple[str, dict[str, Any]]] = [
    *((f"gumbel-softmax, T = {row['temperatures'][0]:g}", row) for row in RELAXED),
    ("straight-through", {"relaxation": "straight-through"}),
    ("straight-through Gumbel, T = 0.5", {**RELAXED[1], "relaxation": "straight-through-gumbel"}),
    ("reinforce", {"estimator": "reinforce"}),
    ("reinforce, 2 samples", {"estimator": "reinforce", "samples": 2}),
    ("nvil", {"estimator": "nvil"}),
    ("muprop", {"estimator": "muprop"}),
    ("rebar", {"estimator": "rebar"}),
    ("relax", {"estimator": "relax"}),
    ("disarm, a pair", {"estimator": "disarm"}),
    ("vargrad, 2 samples", {"estimator": "vargrad", "samples": 2}),
    ("variance, 2 samples", {"estimator": "variance", "samples": 2}),
    ("vargrad, 8 samples", {"estimator": "vargrad", "samples": 8}),
    ("vimco, 2 samples", {"estimator": "vimco", "samples": 2}),
]


class Copies:
    """One binary image, as often as it is asked for."""

    def __init__(self) -> None:
        self.image = (torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(1)) < 0.5).double()

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """Return copies, (count, 1, 4, 4)."""
        return self.image.expand(count, -1, -1, -1)


def task_of(row: dict[str, Any]) -> ElboTask:
    """Return the task of a row, in double precision, its model and its estimator from fixed seeds."""
    torch.manual_seed(0)
    task = ElboTask(CONFIG, FamilyRecipe(batch=BATCH, **row), Copies())
    torch.manual_seed(0)
    model = FamilyVAE(CONFIG)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "head.last.weight" in name or "synthesis" in name:
                parameter.mul_(WIDTH)
    task.module.load_state_dict(model.state_dict(), strict=False)
    task.module.double().train()
    return task


def inference(model: FamilyVAE) -> list[Tensor]:
    """Return the parameters of the inference network."""
    parts = ("stem.", "up.", "latents.0.bottom_up_head.", "latents.0.top_down_head.")
    return [parameter for name, parameter in model.named_parameters() if name.startswith(parts)]


def gradient(model: FamilyVAE, value: Tensor) -> Tensor:
    """Return the gradient of a scalar by the inference network, as one vector."""
    own = inference(model)
    found = torch.autograd.grad(value, own, allow_unused=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in zip(own, found, strict=True)])


def enumerated(model: FamilyVAE, x: Tensor, samples: int) -> Tensor:
    """Return the gradient of the bound of so many samples; of one, that of the ELBO."""
    likelihood, costs = enumerate_states(model, x)
    log_q = torch.stack(costs.log_q).sum(0)
    f = likelihood + costs.log_ratio()
    tuples = torch.tensor(list(product(range(len(f)), repeat=samples))).T
    return gradient(model, (log_q[tuples].sum(0).exp() * importance_weighted(f[tuples])).sum())


def measure(row: dict[str, Any], images: int, fit: int) -> dict[str, float]:
    """Return the figures of a row."""
    task = task_of(row)
    model, batch = task.module, task.batch(np.random.default_rng(0), Progress(0, 0.0))
    wanted = enumerated(model, batch[:1], row["samples"] if row.get("estimator") == "vimco" else 1)
    own = [] if task.estimator is None else list(task.estimator.parameters())
    optimiser = torch.optim.Adam(own or [torch.zeros(1)], 1e-2)
    for _ in range(fit if own else 0):
        optimiser.zero_grad()
        task.loss_terms(batch, Progress(0, 0.0)).loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    started, found = time.perf_counter(), []
    for _ in range(images // BATCH):
        found.append(-gradient(model, task.loss_terms(batch, Progress(0, 0.0)).loss))
    seconds = (time.perf_counter() - started) / len(found)
    estimates = torch.stack(found)
    total, norm = float(estimates.var(0).sum() * BATCH), float(wanted.norm())
    bias = float((estimates.mean(0) - wanted).norm())
    noise = (total / (len(found) * BATCH)) ** 0.5
    return {"bias": bias / norm, "noise": noise / norm, "sd": total**0.5 / norm, "ms": 1000 * seconds}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000, help="estimates of each row")
    parser.add_argument("--fit", type=int, default=200, help="steps for an estimator's own parameters")
    parser.add_argument("--only", default="", help="rows whose names begin with this")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.images < 2 * BATCH:
        parser.error(f"--images {options.images}: a standard deviation needs two batches of {BATCH}")
    torch.set_num_threads(1)
    chosen = [(name, row) for name, row in ROWS if name.startswith(options.only)]
    rows = {}
    for name, row in chosen:
        rows[name] = figures = measure(row, options.images, options.fit)
        if not options.json:
            shown = (f"{100 * figures[key]:8.2f} %" for key in ("bias", "noise", "sd"))
            print(f"{name:34}", *shown, f"{figures['ms']:8.1f}", flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
