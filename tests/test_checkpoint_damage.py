"""Checkpoints that are not what they say, or of a kind that a command has no use for: one line, nothing allocated."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from dvcodec import training
from dvcodec.errors import DvcodecError
from dvcodec.training import running
from dvcodec.training.loading import load_checkpoint
from dvcodec.training.loop.checkpoints import FILE, FORMAT, Checkpoint
from dvcodec.training.options import TrainOptions
from dvcodec.training.recipes import registry
from program import dvcodec


def written(path: Path, settings: Any, state: Any = "{}", **tensors: torch.Tensor) -> Path:
    """A checkpoint of a few tensors; `settings` and `state` as JSON holds them, or their text."""
    metadata = {"format": FORMAT, "settings": settings, "state": state}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    save_file(tensors or {"model.x": torch.zeros(1)}, path, texts)
    return path


def plain(preset: str, **config: Any) -> dict[str, Any]:
    """A preset's settings with sizes changed, unchecked."""
    settings = registry.resolve(preset, {}, None).plain()
    return {**settings, "config": {**settings["config"], **config}}


def whole(path: Path, preset: str) -> Path:
    """A checkpoint of a preset's model as it begins."""
    settings = registry.resolve(preset, {}, None)
    state = registry.module(settings).state_dict()
    return written(path, settings.plain(), **{f"model.{name}": value.clone() for name, value in state.items()})


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ("[" * 100_000, "{}"),
        (plain("rrvq-l5"), "[" * 100_000),
        (plain("rrvq-l5"), "5"),
        ([], "{}"),
        (plain("rrvq-l5", width=float("nan")), "{}"),
    ],
    ids=["deep settings", "deep state", "no state", "no settings", "no width"],
)
def test_what_is_no_settings_is_refused(settings: Any, state: Any, tmp_path: Path) -> None:
    with pytest.raises(DvcodecError, match="not a checkpoint of this release") as caught:
        Checkpoint(written(tmp_path / FILE, settings, state))
    assert len(str(caught.value)) < 200


def test_hours_of_building_are_refused() -> None:
    deep = plain("rrvq-l5", sides=[1] * 64, symbols=[4] * 64, variables=[1] * 64, image=2, blocks=2)
    assert registry.restored(deep | {"config": {**deep["config"], "head_blocks": 0}}).config.levels == 64
    with pytest.raises(ValueError, match="levels times blocks and head_blocks are more than 128"):
        registry.restored(deep)


@pytest.mark.parametrize("preset", ["rrvq", "rrvq-l5", "pixels", "bilevel"])
def test_a_run_goes_on_only_from_tensors_of_its_model(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "task_of", lambda settings, options: pytest.fail("a task was built"))
    written(tmp_path / FILE, plain(preset))
    with pytest.raises(DvcodecError, match=r"of another model: its \S+ is missing, the model wants") as caught:
        training.train(TrainOptions(preset, ".", tmp_path, resume=True, device="cpu", quiet=True))
    assert len(str(caught.value)) < 200


def test_the_tensor_that_does_not_fit_is_named(tmp_path: Path) -> None:
    settings = registry.resolve("bilevel", {"width": "8"}, None)
    state = registry.module(settings).state_dict()
    name = next(iter(state))
    tensors = {f"model.{key}": value.clone() for key, value in state.items()}
    path = written(tmp_path / FILE, settings.plain(), **tensors, **{f"average.{name}": torch.zeros(2, 3)})
    with pytest.raises(DvcodecError, match=rf"its {name} has shape \(2, 3\), the model wants"):
        Checkpoint(path).model()
    path = written(tmp_path / FILE, settings.plain(), **tensors, **{f"average.{'x' * 5000}": torch.zeros(1)})
    with pytest.raises(DvcodecError, match=r"its x{80} has shape \(1,\), the model has no such tensor"):
        Checkpoint(path).model()
    wider = replace(settings, config=replace(settings.config, width=9))
    with pytest.raises(DvcodecError, match="of another model"):
        Checkpoint(written(path, settings.plain(), **tensors)).refuse_other_sizes(wider)


@pytest.mark.parametrize("preset", ["pixels", "bilevel"])
def test_models_that_are_coded_with_alone_are_not_measured(preset: str, tmp_path: Path) -> None:
    with pytest.raises(DvcodecError, match=f"{preset} is of a kind that cannot be measured, sampled or started from"):
        load_checkpoint(whole(tmp_path / FILE, preset), "cpu")


@pytest.mark.parametrize(
    ("name", "kind"), [("bilevel-pages", "black and white images"), ("pixels-photo", "lossless pixels")]
)
def test_weights_of_another_kind_say_which(name: str, kind: str, tmp_path: Path) -> None:
    seen = dvcodec("sample", "--weights", name, "-o", tmp_path / "x.png", "--device", "cpu")
    assert seen.code == 1 and f"it is a model of {kind}, not of photographs or a family of small images" in seen.err
