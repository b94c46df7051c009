"""The models' shape annotations are checked while tests run, in torch and in numpy."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from dvcodec.models.pixels.causal import Reach
from dvcodec.models.pixels.tokens import split


def test_a_tensor_of_a_wrong_shape_is_refused() -> None:
    reach = Reach(1, 1)
    assert reach.neighbours(torch.zeros(1, 2, 3)).shape == (1, 2, 3, 4)
    with pytest.raises(TypeCheckError, match="neighbours"):
        reach.neighbours(torch.zeros(2, 3))


def test_an_array_of_a_wrong_type_is_refused() -> None:
    split(np.zeros(3, np.int32))
    with pytest.raises(TypeCheckError, match="split"):
        split(np.zeros(3, np.float32))
