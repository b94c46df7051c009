"""Gradient estimators for latent variables: the axis `estimator` of a recipe, as each of them is trained by.

reinforce, nvil        the score function, without and with a learnt baseline         any latent variables
vargrad, variance      baselines from other samples; half the variance of f           any, two samples or more
vimco                  the importance-weighted bound, with baselines from the others  any, two samples or more
muprop                 a baseline linear in the symbols                               symbols
rebar, relax           relaxed samples as control variates                            symbols
disarm                 antithetic pairs                                               two symbols

`relaxed`, biased but of low variance, is the objective of `training.tasks.families` itself.
"""

from __future__ import annotations

from collections.abc import Callable

from ...models.families.config import FamilyConfig
from ..recipes.families import FamilyRecipe
from . import score_function
from .antithetic import Disarm
from .control_variates import ControlVariate
from .mean_field import MuProp
from .sampled import Estimator as Estimator
from .sampled import Nvil, SampleEstimator

KINDS: dict[str, Callable[[int, FamilyConfig], Estimator]] = {
    "reinforce": lambda samples, config: SampleEstimator(samples, score_function.reinforce),
    "nvil": Nvil,
    "vargrad": lambda samples, config: SampleEstimator(samples, score_function.vargrad),
    "variance": lambda samples, config: SampleEstimator(samples, score_function.variance),
    "vimco": lambda samples, config: SampleEstimator(samples, score_function.vimco, tight=True),
    "muprop": lambda samples, config: MuProp(samples),
    "rebar": lambda samples, config: ControlVariate(samples, config, network=False),
    "relax": lambda samples, config: ControlVariate(samples, config, network=True),
    "disarm": lambda samples, config: Disarm(samples),
}


def estimator_of(recipe: FamilyRecipe, config: FamilyConfig) -> Estimator | None:
    """Return the estimator of a recipe, or None for relaxed samples."""
    if recipe.estimator == "relaxed":
        return None
    return KINDS[recipe.estimator](recipe.samples, config)
