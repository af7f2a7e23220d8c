"""One cell's Jacobian, against decoders whose derivative is known."""

import pytest
import torch
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import metric_tensors
from geovq.geometry.metric.cell_jacobian import cell_jacobian

LATTICE = torch.linspace(-1, 1, 3 * 4 * 5).reshape(3, 4, 5)
BASIS = torch.linalg.qr(torch.tensor([[1.0, 0.2], [0.5, -1.0], [0.0, 2.0]]))[0]
MIXING = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])


def curved(lattices: Tensor) -> Tensor:
    """Two pixels per cell, each a sine of a mixture of its channels."""
    return torch.einsum("pd,bdhw->bphw", MIXING, lattices).sin()


def test_columns_are_the_derivative_of_the_image_by_that_cell_alone() -> None:
    columns = cell_jacobian(curved, LATTICE, (2, 3), BASIS)
    slopes = (MIXING @ LATTICE[:, 2, 3]).cos()[:, None] * (MIXING @ BASIS)  # chain rule, (pixels, A)
    torch.testing.assert_close(columns[:, :, 2, 3], slopes.T)
    columns[:, :, 2, 3] = 0
    assert not columns.any()


def test_inner_products_of_the_columns_are_the_metric_of_the_field() -> None:
    columns = cell_jacobian(curved, LATTICE, (1, 4), BASIS).flatten(start_dim=1)
    torch.testing.assert_close(columns @ columns.T, metric_tensors(curved, LATTICE[None], BASIS)[0, 1, 4])


@pytest.mark.parametrize("position", [(4, 0), (0, 5), (-1, 0)])
def test_a_position_outside_the_lattice_is_named(position: tuple[int, int]) -> None:
    with pytest.raises(InvalidValueError, match="4 by 5 lattice"):
        cell_jacobian(curved, LATTICE, position, BASIS)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match="basis"):
        cell_jacobian(curved, LATTICE, (0, 0), BASIS[:2])


def test_a_derivative_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(NonFiniteError):
        cell_jacobian(lambda lattices: lattices.abs().sqrt(), torch.zeros(3, 2, 2), (0, 0), BASIS)
