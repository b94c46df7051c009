"""The models' shape annotations are checked while tests run, in torch and in numpy."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from dvcodec.models.pixels.causal import ReceptiveField
from dvcodec.models.pixels.integer_heads import PlaneStep
from dvcodec.models.pixels.neighbourhoods import neighbours
from dvcodec.models.pixels.tokens import split
from dvcodec.models.pixels.wavefront.half_size import halved


def test_a_tensor_of_a_wrong_shape_is_refused() -> None:
    receptive_field = ReceptiveField(1, 1)
    assert neighbours(receptive_field, torch.zeros(1, 2, 3)).shape == (1, 2, 3, 4)
    with pytest.raises(TypeCheckError, match="neighbours"):
        neighbours(receptive_field, torch.zeros(2, 3))


def test_an_array_of_a_wrong_type_is_refused() -> None:
    split(np.zeros(3, np.int32))
    with pytest.raises(TypeCheckError, match="split"):
        split(np.zeros(3, np.float32))


def test_a_field_and_an_alias_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(TypeCheckError, match="PlaneStep"):
        PlaneStep(0, np.zeros(3, np.int32), np.zeros(4, np.int32), None)
    with pytest.raises(TypeCheckError, match="halved"):
        halved(np.zeros(3, np.uint8))


def test_functions_without_shapes_are_left_alone() -> None:
    assert hasattr(ReceptiveField.padded, "__wrapped__") and not hasattr(ReceptiveField.offsets, "__wrapped__")
