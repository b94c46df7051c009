"""The light photograph model: its prior, its choices, its pass, and a run that goes on where it stopped."""

from pathlib import Path

import numpy as np
import pytest
import small_model
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from small_light import SMALL

from dvcodec import weights
from dvcodec.codec.lossy import symbol_chunks
from dvcodec.errors import DvcodecError
from dvcodec.models.light import file
from dvcodec.models.light.conditioning import Conditioning
from dvcodec.models.light.config import LightConfig
from dvcodec.models.light.layers import EXACT_WIDTH, LEVELS
from dvcodec.models.light.model import LightPhotoModel
from dvcodec.models.light.prior import LogisticPrior, candidates, nats
from dvcodec.models.light.top_down import posterior_modes
from dvcodec.models.photo.quality import QualityMap
from dvcodec.training import train
from dvcodec.training.export.exporting import export
from dvcodec.training.loop.checkpoints import FILE, Checkpoint
from dvcodec.training.options import TrainOptions
from dvcodec.training.tasks import light
from dvcodec.training.tasks.light_start import initialise_grids
from dvcodec.training.warm_start.light import warm_start_light_model

SIZES = {"hidden": 16, "postfilter_width": 0}
NARROW = {"hidden": "16", "postfilter_width": "0", "batch": "2"}


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
    """Distortion is half the squared distance in units of sigma; both it and the prior fall towards their centres.

    Between two whole numbers that are as near to the location, the candidate may be the farther one from the target.
    """
    assume(abs(location % 1 - 0.5) > 0.1)
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
        together = model.top_down_pass(
            (72, 72), conditioning(3), posterior_modes(model.infer(x, conditioning(3)), conditioning(3))
        )
        alone = model.top_down_pass(
            (72, 72), conditioning(1), posterior_modes(model.infer(x[1:2], conditioning(1)), conditioning(1))
        )
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
        before = model.top_down_pass((72, 72), middle, posterior_modes(targets, middle)).nats
        initialise_grids(model, crops)
        after = model.top_down_pass((72, 72), middle, posterior_modes(targets, middle)).nats
    assert (after < 0.9 * before).all()


@pytest.fixture
def _unfitted_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs start without fitting the priors' scales, which takes a minute."""
    monkeypatch.setattr(light, "initialise_grids", lambda model, crops: None)


def run(
    folder: Path, out: Path, steps: int, *, resume: bool = False, start: Path | None = None, seed: int = 3
) -> Checkpoint:
    """Train a narrow model for some steps."""
    settings = NARROW | {
        "precision": "fp32",
        "schedule": "constant",
        "late_from": "1",
        "perceptual_from": "1",
        "integers_from": "1",
    }
    options = TrainOptions("rrvq-light", str(folder), out, steps, seed=seed, quiet=True, overrides=settings)
    options = TrainOptions(**{**vars(options), "resume": resume, "start": start})
    train(options)
    return Checkpoint(out / FILE)


@pytest.mark.usefixtures("_unfitted_start")
def test_a_resumed_run_equals_an_uninterrupted_one(photographs: Path, tmp_path: Path) -> None:
    whole = run(photographs, tmp_path / "whole", 4).parameters()
    run(photographs, tmp_path / "parts", 2)
    parts = run(photographs, tmp_path / "parts", 4, resume=True).parameters()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("learns", ["priors", "postfilter"])
def test_a_part_learns_alone(photographs: Path, tmp_path: Path, learns: str) -> None:
    """Everything else stays as it was, the grids too."""
    start = tmp_path / "start.safetensors"
    before = LightPhotoModel(LightConfig(hidden=16, postfilter_width=8, postfilter_pairs=1))
    start.write_bytes(file.write(before, QualityMap(0, 4096), "start"))
    settings = {"learns": learns, "pool": "2", "pool_side": "128", "crop": "64", "late_crop": "64", "batch": "2"}
    sizes = {"hidden": "16", "postfilter_width": "8", "postfilter_pairs": "1", "precision": "fp32", "warm_up": "1"}
    sizes["perceptual_from"] = "0"
    options = TrainOptions(
        "rrvq-light", str(photographs), tmp_path / "out", 3, seed=1, quiet=True, overrides=settings | sizes
    )
    train(TrainOptions(**{**vars(options), "start": start}))
    kept = LightPhotoModel(before.config)
    warm_start_light_model(kept, start)
    found = Checkpoint(tmp_path / "out" / FILE).parameters()
    changed = {name.split(".")[0] for name, value in kept.named_parameters() if not torch.equal(value, found[name])}
    assert changed == {"priors": {"top_down"}, "postfilter": {"postfilter"}}[learns]
    grids = [name for name in found if name.endswith(light.GRIDS)]
    assert grids and all(torch.equal(found[name], kept.state_dict()[name]) for name in grids)


@pytest.mark.usefixtures("_unfitted_start")
def test_weights_and_checkpoints_start_another_run(photographs: Path, tmp_path: Path) -> None:
    first = run(photographs, tmp_path / "first", 2)
    exported = export([tmp_path / "first" / FILE], tmp_path / "mine.safetensors", {"name": "mine"})
    model = first.model()
    assert isinstance(model, LightPhotoModel)
    for start, allowed in ((tmp_path / "first" / FILE, 0.0), (exported, 0.02)):
        other = LightPhotoModel(model.config)
        warm_start_light_model(other, start)
        for name, wanted in model.top_down.scales.state_dict().items():
            if not name.endswith(("tail", "prior_head.bias")):  # a weights file holds their sum
                off = (other.top_down.scales.state_dict()[name] - wanted).abs().max()
                assert off <= allowed * (wanted.abs().max() + 0.1), name  # vectors are in steps of 2**-8
        again = file.runtime(other, QualityMap(0, 4096))
        pixels = small_model.photograph(40, 72)
        theirs = file.runtime(model, QualityMap(0, 4096))
        for perceptual in (False, True):
            mine, wanted = (symbol_chunks.encode(pixels, m, 9000, perceptual=perceptual) for m in (again, theirs))
            assert [chunk.payload for chunk in mine.chunks] == [chunk.payload for chunk in wanted.chunks]
            off = np.abs(again.render(mine.state).astype(int) - theirs.render(wanted.state))
            assert off.max() <= 1 and off.mean() < 0.05
    second = run(photographs, tmp_path / "second", 1, start=exported).parameters()
    cold = run(photographs, tmp_path / "cold", 1, seed=9).parameters()
    kept = first.parameters()

    def distance(one: dict[str, torch.Tensor]) -> float:
        names = [name for name in kept if name.endswith("weight")]
        return sum(float((one[name].float() - kept[name].float()).abs().sum()) for name in names)

    assert 0 < distance(second) < distance(cold)


@pytest.mark.usefixtures("_unfitted_start")
def test_a_run_does_not_start_from_another_kind(photographs: Path, tmp_path: Path) -> None:
    run(photographs, tmp_path / "first", 1)
    wide = LightPhotoModel(SMALL)
    for start in (tmp_path / "first" / FILE, weights.find("bilevel-pages").path):
        with pytest.raises(DvcodecError, match="of other sizes, or of another kind"):
            warm_start_light_model(wide, start)
    (tmp_path / "no.safetensors").write_bytes(b"no")
    with pytest.raises(DvcodecError, match="is not a weights file"):
        warm_start_light_model(wide, tmp_path / "no.safetensors")


def test_sums_are_exact_in_float32_up_to_the_width_that_says_so() -> None:
    worst = 9 * 255 * LEVELS
    assert worst * EXACT_WIDTH < 2**24 <= worst * (EXACT_WIDTH + 1)
    assert 2 * 255 * LEVELS < 2**15
