"""The models' shape annotations are checked while tests run, in torch and in numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shape_checks
import torch
from jaxtyping import Float32, TypeCheckError, jaxtyped

from dvcodec.models.pixels.causal import ReceptiveField
from dvcodec.models.pixels.integer_heads import WavefrontStep
from dvcodec.models.pixels.neighbourhoods import neighbours
from dvcodec.models.pixels.tokens import ALPHABET
from dvcodec.models.pixels.wavefront.half_size import doubled, halved


def test_a_tensor_of_a_wrong_shape_is_refused() -> None:
    receptive_field = ReceptiveField(1, 1)
    assert neighbours(receptive_field, torch.zeros(1, 2, 3)).shape == (1, 2, 3, 4)
    with pytest.raises(TypeCheckError, match="neighbours"):
        neighbours(receptive_field, torch.zeros(2, 3))


def test_an_array_of_a_wrong_type_is_refused() -> None:
    ALPHABET.split(np.zeros(3, np.int32))
    with pytest.raises(TypeCheckError, match="split"):
        ALPHABET.split(np.zeros(3, np.float32))


def test_a_field_and_an_alias_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(TypeCheckError, match="WavefrontStep"):
        WavefrontStep(0, np.zeros(3, np.int32), np.zeros(4, np.int32), None)
    with pytest.raises(TypeCheckError, match="halved"):
        halved(np.zeros(3, np.uint8))


def test_functions_without_shapes_are_left_alone() -> None:
    assert hasattr(ReceptiveField.padded, "__wrapped__") and not hasattr(ReceptiveField.offsets, "__wrapped__")


def test_a_call_is_checked_where_none_like_it_was_right(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    checks: list[tuple[Any, ...]] = []

    def watched(function: Any, **settings: Any) -> Callable[..., Any]:
        inner = jaxtyped(function, **settings)

        def counted(*args: Any) -> Any:
            checks.append(args)
            return inner(*args)

        return counted

    def resized(x: Float32[np.ndarray, "n 3"], count: int) -> Float32[np.ndarray, "m 3"]:
        calls.append(count)
        return np.zeros((count, 3 + (count == 7)), np.float32)

    monkeypatch.setattr(shape_checks, "jaxtyped", watched)
    guarded, right = shape_checks.decorate(resized), np.zeros((2, 3), np.float32)
    for count in (1, 2, 1, 2):
        assert guarded(right, count).shape == (count, 3)
    assert calls == [1, 2, 1, 2] and [count for _, count in checks] == [1, 2]
    with pytest.raises(TypeCheckError, match="return value"):
        guarded(right, 7)
    for wrong in (right[0], right[:, :2], right.astype(np.float64)):
        with pytest.raises(TypeCheckError, match="parameters"):
            guarded(wrong, 1)
    assert len(calls) == 5


def test_sizes_named_alike_are_compared_in_every_combination() -> None:
    step = WavefrontStep(0, np.zeros(3, np.int32), np.zeros(3, np.int32), None)
    assert len(step.contexts) == len(WavefrontStep(0, np.zeros(4, np.int32), np.zeros(4, np.int32), None).middles) - 1
    for sizes in ((3, 4), (4, 3)):
        with pytest.raises(TypeCheckError, match="WavefrontStep"):
            WavefrontStep(0, np.zeros(sizes[0], np.int32), np.zeros(sizes[1], np.int32), None)


def test_sizes_that_arguments_name_are_compared_with_each_call() -> None:
    assert all(doubled(np.zeros((2, 2), np.uint8), n, 3).shape == (n, 3) for n in (3, 4))
