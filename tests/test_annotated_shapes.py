"""The check of annotated shapes finds what is wrong, and is on."""

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from geovq import lattice
from geovq.geometry.metric import field
from tests.annotated_shapes import WrongAnnotationError, checked


@checked
def product(a: Float[Tensor, "n m"], b: Float[Tensor, "m k"]) -> Float[Tensor, "n m"]:
    return a @ b


@checked
def pair(values: Float[np.ndarray, " n"] | None = None) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    values = np.zeros(3) if values is None else values
    return values, np.arange(len(values) if len(values) < 5 else 4)


def test_what_agrees_passes():
    assert product(torch.ones(2, 3), torch.ones(3, 3)).shape == (2, 3)
    assert len(pair()[0]) == len(pair(np.ones(4))[0]) - 1


def test_a_size_that_contradicts_another_is_found():
    with pytest.raises(WrongAnnotationError, match=r"product: return must be .*; got torch\.float32 \(2, 4\)"):
        product(torch.ones(2, 3), torch.ones(3, 4))
    with pytest.raises(WrongAnnotationError, match="pair: return"):
        pair(np.ones(5))


def test_a_kind_of_number_that_contradicts_is_found():
    with pytest.raises(WrongAnnotationError, match="product: a must be"):
        product(torch.ones(2, 2, dtype=torch.int64), torch.ones(2, 2, dtype=torch.int64))


def test_what_a_function_refuses_itself_is_its_own_error():
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        product(torch.ones(2, 3), torch.ones(2, 3))


def test_functions_of_geovq_are_checked():
    assert hasattr(lattice.cells_of, "__wrapped__")
    assert hasattr(field.metric_tensors, "__wrapped__")
