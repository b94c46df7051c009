"""The light photograph model: its prior, its choices, its pass, and a run that goes on where it stopped."""

from pathlib import Path

import numpy as np
import pytest
import small_model
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dvcodec.models.light.conditioning import Conditioning
from dvcodec.models.light.config import LightConfig
from dvcodec.models.light.layers import EXACT_WIDTH, LEVELS
from dvcodec.models.light.model import LightPhotoModel
from dvcodec.models.light.prior import LogisticPrior, candidates, nats
from dvcodec.models.light.top_down import posterior_modes
from dvcodec.training import train
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.options import TrainOptions
from dvcodec.training.tasks import light
from dvcodec.training.tasks.light_start import initialise_grids
from dvcodec.training.warm_start.packed_run import pack_run, packed_run, start_from

SMALL = LightConfig(
    widths={64: 16, 32: 16, 16: 16, 8: 16},
    hidden=16,
    synthesis_width=16,
    synthesis_blocks=1,
    postfilter_width=8,
    postfilter_pairs=1,
)
SIZES = {"hidden": 16, "synthesis_width": 16, "synthesis_blocks": 1, "postfilter_width": 0}
NARROW = {"hidden": "16", "synthesis_width": "16", "synthesis_blocks": "1", "postfilter_width": "0", "batch": "2"}


def conditioning(batch: int, tuning: float = 1.0) -> Conditioning:
    """Middle qualities."""
    return Conditioning(torch.full((batch,), 2048), torch.full((batch,), tuning))


def built() -> LightPhotoModel:
    """A small model with random networks."""
    torch.manual_seed(0)
    return LightPhotoModel(SMALL).eval()


def pictures(count: int, side: int = 72) -> torch.Tensor:
    """Different pictures (count, 3, side, side)."""
    arrays = [small_model.photograph(side, side)[:, :, np.roll(np.arange(3), i)] for i in range(count)]
    return torch.tensor(np.stack(arrays)).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("scale", [-4.0, 0.0, 3.0])
@pytest.mark.parametrize("tail", [0.01, 0.4])
def test_the_probabilities_of_all_symbols_sum_to_one(scale: float, tail: float) -> None:
    symbols = torch.arange(-2000.0, 2001.0)[None, None]
    prior = LogisticPrior(torch.tensor([[0.3]]), torch.tensor([[scale]]), torch.tensor([[tail]]))
    total = float(torch.exp(-nats(symbols, prior)).sum())
    assert total == pytest.approx(1 + 4001 * 1e-7, abs=2e-4)


@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(-3, 4), st.floats(0.05, 0.5), st.floats(0.5, 6))
def test_the_cheapest_symbol_is_a_candidate(
    target: float, location: float, scale: float, tail: float, step: float
) -> None:
    """Distortion is half the squared distance in units of sigma; both it and the prior fall towards their centres."""
    every = torch.arange(-80.0, 81.0)[None, None]
    where = torch.tensor([[location]])
    prior = LogisticPrior(where, torch.tensor([[scale]]), torch.tensor([[tail]]))

    def cost(symbols: torch.Tensor) -> torch.Tensor:
        return 0.5 * ((symbols - target) * step).square() + nats(symbols, prior)

    few = candidates(torch.tensor([[target]]), where)
    assert float(cost(few).min()) <= float(cost(every).min()) + 0.1 + 0.6 * max(0.0, 3.2 - step)


def test_a_pass_does_not_depend_on_the_other_images_of_its_batch() -> None:
    model, x = built(), pictures(3)
    with torch.inference_mode():
        together = model.top_down_pass((72, 72), conditioning(3), posterior_modes(model.infer(x, conditioning(3))))
        alone = model.top_down_pass((72, 72), conditioning(1), posterior_modes(model.infer(x[1:2], conditioning(1))))
    assert float(together.nats[1]) == pytest.approx(float(alone.nats[0]), rel=1e-3)
    assert together.nats.shape == (3,) and float(together.nats[0]) != float(together.nats[1])


def test_the_tuning_is_undone_where_pixels_are_made() -> None:
    """Coefficients scaled for the eye give the same blocks as plain ones once they are decoded exactly."""
    model, x = built(), pictures(1, 64)
    shown = []
    with torch.inference_mode():
        for tuning in (0.0, 1.0):
            setting = conditioning(1, tuning)
            shown.append(model.transform.blocks(model.infer(x, setting), (64, 64), setting))
        plain, tuned = (model.infer(x, conditioning(1, t)) for t in (0.0, 1.0))
    assert torch.allclose(shown[0], shown[1], atol=1e-3)
    assert any(not torch.allclose(plain[stride], tuned[stride], rtol=0.1) for stride in plain)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two photographs."""
    folder = tmp_path_factory.mktemp("photographs")
    for i in range(2):
        Image.fromarray(np.roll(small_model.photograph(160, 160), 31 * i, axis=1)).save(folder / f"{i}.png")
    return folder


@pytest.mark.slow
def test_the_start_from_crops_lowers_the_rate() -> None:
    model, crops = built(), pictures(2)
    middle = conditioning(2)
    targets = model.infer(crops, middle)
    with torch.no_grad():
        before = model.top_down_pass((72, 72), middle, posterior_modes(targets)).nats
        initialise_grids(model, crops)
        after = model.top_down_pass((72, 72), middle, posterior_modes(targets)).nats
    assert (after < 0.9 * before).all()


@pytest.fixture
def _unfitted_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs start without fitting the priors' scales, which takes a minute."""
    monkeypatch.setattr(light, "initialise_grids", lambda model, crops: None)


def run(folder: Path, out: Path, steps: int, *, resume: bool = False, start: Path | None = None) -> Checkpoint:
    """Train a narrow model for some steps."""
    settings = NARROW | {
        "precision": "fp32",
        "schedule": "constant",
        "late_from": "1",
        "perceptual_from": "1",
        "integers_from": "1",
    }
    options = TrainOptions("rrvq-light", str(folder), out, steps, seed=3, quiet=True, overrides=settings)
    options = TrainOptions(**{**vars(options), "resume": resume, "start": start})
    train(options)
    return Checkpoint(out / FILE)


@pytest.mark.usefixtures("_unfitted_start")
def test_a_resumed_run_equals_an_uninterrupted_one(photographs: Path, tmp_path: Path) -> None:
    whole = run(photographs, tmp_path / "whole", 4).parameters()
    run(photographs, tmp_path / "parts", 2)
    parts = run(photographs, tmp_path / "parts", 4, resume=True).parameters()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.usefixtures("_unfitted_start")
def test_a_packed_run_starts_another(photographs: Path, tmp_path: Path) -> None:
    first = run(photographs, tmp_path / "first", 2)
    size = pack_run(tmp_path / "first", tmp_path / "packed.safetensors")
    assert size == (tmp_path / "packed.safetensors").stat().st_size
    tensors, settings, state = packed_run(tmp_path / "packed.safetensors")
    assert state["step"] == 2 and settings["preset"] == "rrvq-light"
    wanted = first.parameters()
    assert tensors.keys() == wanted.keys()
    assert all(torch.equal(tensors[name].float(), wanted[name].half().float()) for name in wanted)
    module = LightPhotoModel(LightConfig(**{**vars(LightConfig()), **SIZES}))
    start_from(module, tmp_path / "packed.safetensors")
    assert all(torch.equal(value.float(), tensors[name].float()) for name, value in module.state_dict().items())
    second = run(photographs, tmp_path / "second", 1, start=tmp_path / "packed.safetensors").parameters()
    cold = run(photographs, tmp_path / "cold", 1).parameters()

    def distance(one: dict[str, torch.Tensor]) -> float:
        return sum(float((one[name].float() - wanted[name].float()).abs().sum()) for name in wanted)

    assert 0 < distance(second) < distance(cold)


def test_sums_are_exact_in_float32_up_to_the_width_that_says_so() -> None:
    worst = 9 * 255 * LEVELS
    assert worst * EXACT_WIDTH < 2**24 <= worst * (EXACT_WIDTH + 1)
    assert 2 * 255 * LEVELS < 2**15
