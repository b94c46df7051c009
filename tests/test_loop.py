"""The loop on a toy task: resuming, processes, schedules, clipping, validation, logs, interrupts."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import family_processes
import pytest
import small_model
import torch
from safetensors.torch import load_file
from torch.utils._python_dispatch import TorchDispatchMode

import toy_task
from dvcodec.errors import DvcodecError
from dvcodec.models.integer.linear import QuantConv
from dvcodec.training.loop import log_files, metrics_log
from dvcodec.training.loop.checkpoints import BEST, FILE, Checkpoint
from dvcodec.training.loop.gradient_clipper import GradientClipper
from dvcodec.training.loop.log_files import CsvLogs
from dvcodec.training.loop.numerics import choose_products
from dvcodec.training.loop.parameters import FlatParameters
from dvcodec.training.loop.task import ParameterGroup, Progress, Task
from dvcodec.training.recipes import registry
from dvcodec.training.recipes.base import Precision
from toy_task import RECIPE, differing, interrupt, resume, toy, train, trainer

pytestmark = pytest.mark.usefixtures("toy_is_known")


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("optimiser", ["adam", "adamax"])
def test_an_interrupted_run_goes_on_as_if_it_had_never_stopped(
    optimiser: Literal["adam", "adamax"], tmp_path: Path
) -> None:
    recipe = replace(RECIPE, optimiser=optimiser, clip=1.0, clip_norm=0.5)
    train(trainer(_made(tmp_path / "whole"), recipe))
    interrupt(trainer(_made(tmp_path / "cut"), recipe), after=3)
    assert Checkpoint(tmp_path / "cut" / FILE).state["step"] == 4
    resume(trainer(tmp_path / "cut", recipe))
    assert differing(tmp_path / "whole", tmp_path / "cut") == []


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


FAMILIES = ("hdvae-small", "vqvae")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have trained together: families, and the toy task."""
    folder = tmp_path_factory.mktemp("shared")
    command = [sys.executable, family_processes.__file__, str(folder), *FAMILIES]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return folder


def test_two_processes_equal_one_with_twice_the_batch(shared: Path, tmp_path: Path) -> None:
    train(trainer(tmp_path, replace(RECIPE, steps=6, batch=8), noise=0.0))
    two, one = load_file(shared / "toy" / FILE), load_file(tmp_path / FILE)
    names = [name for name in one if not name.startswith("rng.")]
    assert len(names) > 15 and two.keys() == one.keys()
    for name in names:
        assert torch.allclose(two[name], one[name], rtol=1e-4, atol=1e-6), name


def test_families_stay_equal_in_two_processes(shared: Path) -> None:
    for name in FAMILIES:
        first, second = (load_file(shared / f"{name}-{rank}.safetensors") for rank in (0, 1))
        assert len(first) > 30 and first.keys() == second.keys()
        assert [key for key in first if not torch.equal(first[key], second[key])] == []
    assert load_file(shared / FILE).keys() == load_file(shared / BEST).keys()


def test_every_group_learns_at_its_own_rate(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    run.begin()
    run.one_step(Progress(5, 0.0))
    assert [group["lr"] for group in run.optimiser.param_groups] == [0.05, 0.005]


def test_parameters_without_a_group_are_refused() -> None:
    model = toy_task.Model()
    with pytest.raises(ValueError, match="exactly one group"):
        FlatParameters(model, [ParameterGroup("first", list(model.first.parameters()), 1.0)])


def test_updates_on_spikes_are_left_out(tmp_path: Path) -> None:
    recipe, clipper = replace(RECIPE, clip=0.0, clip_norm=0.0, skip=10.0), GradientClipper()
    assert all(clipper.scale(1.0, recipe) for _ in range(11))
    assert clipper.scale(10.5, recipe) is None and clipper.scale(math.inf, recipe) is None
    assert clipper.scale(9.5, recipe) == 1 and clipper.skipped == 2
    run = trainer(tmp_path)
    run.begin()
    before = run.flat.vectors()["first"].clone()
    run.flat.norm = lambda: math.nan  # type: ignore[method-assign]
    run.one_step(Progress(0, 0.0))
    assert torch.equal(before, run.flat.vectors()["first"]) and run.clipper.skipped == 1


def test_the_average_follows_the_parameters(tmp_path: Path) -> None:
    run = trainer(tmp_path)
    run.begin()
    before = run.flat.vectors()["first"].clone()
    run.one_step(Progress(0, 0.0))
    after = run.flat.vectors()["first"].clone()
    assert torch.allclose(run.flat.average["first"], before + 0.95 * (after - before))  # 1 - 1/20 at the start
    with run.flat.averaged():
        assert torch.equal(run.flat.vectors()["first"], run.flat.average["first"])
    assert torch.equal(run.flat.vectors()["first"], after)


def test_validation_keeps_the_best_and_ends_an_overfitted_run(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=100, validate_every=2, stop_after=3, schedule="plateau")
    run, plain = (
        trainer(tmp_path, recipe),
        trainer(_made(tmp_path / "plain"), replace(recipe, steps=12, validate_every=0)),
    )
    toy(run).validations = (5.0, 3.0, 4.0, 4.5, 3.5, 1.0)
    train(run)
    train(plain)
    assert run.step == 10 and Checkpoint(tmp_path / BEST).state["step"] == 4
    assert toy(run).losses == toy(plain).losses[:10]  # what validation draws disturbs nothing


class Unmeasured(toy_task.ToyTask):
    """A task without validation."""

    validate = Task.validate


def test_a_task_that_cannot_be_validated_says_so(tmp_path: Path) -> None:
    run = trainer(tmp_path, replace(RECIPE, validate_every=1))
    run.task = Unmeasured(run.recipe)
    run.module = run.task.module
    with pytest.raises(DvcodecError, match="no validation"):
        train(run)


def test_bfloat16_is_used_where_it_is_asked_for(tmp_path: Path) -> None:
    kinds = {}
    for precision in ("bf16", "fp32"):
        run = trainer(tmp_path, replace(RECIPE, precision=precision))
        seen: list[torch.dtype] = []
        toy(run).module.first.register_forward_hook(lambda m, x, y, seen=seen: seen.append(y.dtype))
        run.begin()
        run.one_step(Progress(0, 0.0))
        kinds[precision] = seen
    assert kinds == {"bf16": [torch.bfloat16], "fp32": [torch.float32]}


def test_logs_hold_means_layers_and_codes(tmp_path: Path) -> None:
    train(trainer(tmp_path, replace(RECIPE, steps=45)), CsvLogs(tmp_path, 0))
    log, layers = rows(tmp_path / "log.csv"), rows(tmp_path / "layers.csv")
    assert [row["step"] for row in log] == ["20", "40"]
    assert list(log[0])[:4] == ["step", "seconds", "loss", "error"] and float(log[0]["loss"]) > 0
    assert [(row["layer"], row["codes"]) for row in layers] == [("a", "3"), ("b", "")] * 2


def test_a_resumed_run_rewrites_the_rows_after_its_step(tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=60)
    train(trainer(tmp_path, replace(recipe, steps=40)), CsvLogs(tmp_path, 0))
    path = tmp_path / "log.csv"
    path.write_text(path.read_text() + "60,9,9,9,9,9,9,\n")  # as if it had gone on without saving
    again = trainer(tmp_path, recipe)
    again.resume(Checkpoint(tmp_path / FILE))
    again.train(metrics_log.MetricsLog([CsvLogs(tmp_path, again.step)]))
    assert [row["step"] for row in rows(path)] == ["20", "40", "60"] and rows(path)[2]["loss"] != "9"


def test_the_display_shows_layers_and_codes(capsys: pytest.CaptureFixture[str]) -> None:
    from dvcodec.training.loop.display import Display, figures, layers
    from dvcodec.training.loop.metrics_log import MetricsRow

    row = MetricsRow(20, 1.0, {"loss": 2.5}, {"z2": (3.14159, 12), "z1": (1.0, None)}, 7.25)
    assert figures(row) == "loss 2.5  validation 7.25"
    assert layers(row) == ["z2 3.1 b 12 codes", "z1 1.0 b"]
    display = Display(40, quiet=False)  # the tests' stderr is no terminal
    display.row(row)
    display.close()
    assert capsys.readouterr().err == ""


def test_tensorboard_is_asked_for_by_name_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(DvcodecError, match="pip install tensorboard"):
        log_files.tensorboard_writer()


def test_tensorboard_takes_every_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, float] = {}

    class Writer:
        def __init__(self, folder: str) -> None:
            written["opened"] = 1.0

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written[f"{name}@{step}"] = value

        def close(self) -> None:
            written["closed"] = 1.0

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    train(trainer(tmp_path, replace(RECIPE, steps=20)), log_files.TensorBoardLog(tmp_path))
    assert {"opened", "closed", "loss@20", "error@20", "bits/a@20", "codes/a@20", "bits/b@20"} <= written.keys()


def test_a_checkpoint_of_another_model_or_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(trainer(tmp_path, replace(RECIPE, steps=1)))
    monkeypatch.setattr(registry, "module", lambda settings: torch.nn.Linear(2, 2))
    with pytest.raises(DvcodecError, match="of another model"):
        Checkpoint(tmp_path / FILE).model()
    (tmp_path / "none").write_bytes(b"nothing of the kind")
    with pytest.raises(DvcodecError, match="cannot be read as a checkpoint"):
        Checkpoint(tmp_path / "none")


def test_sizes_that_a_checkpoint_does_not_hold_are_never_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(trainer(tmp_path, replace(RECIPE, steps=1)))
    made: list[str] = []

    def claimed(settings: object) -> torch.nn.Module:
        made.append(torch.empty(0).device.type)
        return torch.nn.Linear(2**20, 2**20)  # 4 TiB

    monkeypatch.setattr(registry, "module", claimed)
    with pytest.raises(DvcodecError, match="of another model"):
        Checkpoint(tmp_path / FILE).model()
    assert made == ["meta"]


def test_a_checkpoint_without_its_state_cannot_be_gone_on_from(tmp_path: Path) -> None:
    train(trainer(tmp_path, replace(RECIPE, steps=1)))
    for part in ("gradient_norms", "numpy_rng", "step"):
        checkpoint = Checkpoint(tmp_path / FILE)
        del checkpoint.state[part]
        with pytest.raises(DvcodecError, match=f"cannot be resumed: KeyError: '{part}'"):
            trainer(tmp_path).resume(checkpoint)


class ProductTypes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Collects the number formats that convolutions receive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note a convolution's number format and run it."""
        if "convolution" in str(func):
            self.seen.add(args[0].dtype)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("precision", "low"), [("bf16", True), ("fp32", False)])
def test_photograph_models_train_in_the_number_format_that_is_asked_for(precision: Precision, low: bool) -> None:
    model = small_model.trainable().train()
    choose_products(model, precision)
    images = torch.full((1, 3, 64, 64), 100.0)
    with ProductTypes() as products:
        model.synthesis(images, torch.tensor([0]), torch.zeros(1, model.config.widths[8], 8, 8))
        spatial = next(layer for layer in model.modules() if isinstance(layer, QuantConv))
        spatial(torch.ones(1, spatial.weight.shape[1] // 9, 8, 8))
    assert (torch.bfloat16 in products.seen) == low
