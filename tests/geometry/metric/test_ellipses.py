"""Ellipses of one cell, against planes whose answer is known."""

import math

import numpy as np
import pytest
import torch

from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry import ActiveSubspace
from geovq.geometry.metric.ellipses import (
    deviation_ellipse,
    indicatrix,
    plane_covariance,
    readable_distance,
)

BASIS = torch.linalg.qr(torch.tensor([[1.0, 0.2], [0.5, -1.0], [0.0, 2.0]]))[0]
METRIC = torch.tensor([[4.0, 1.0], [1.0, 2.0]])


def test_every_point_of_the_indicatrix_moves_the_image_equally_far() -> None:
    outline = indicatrix(METRIC, 0.3).outline
    lengths = torch.einsum("ti,ij,tj->t", outline, METRIC.double(), outline).sqrt()
    torch.testing.assert_close(lengths, torch.full_like(lengths, 0.3))
    torch.testing.assert_close(outline[0], outline[-1])


def test_an_ellipse_that_is_too_long_is_cut_and_says_so() -> None:
    metric = torch.diag(torch.tensor([1.0, 1e-6]))
    cut = indicatrix(metric, 1.0, longest=5.0)
    assert cut.is_cut
    assert cut.outline.norm(dim=1).max() == pytest.approx(5.0)
    assert not indicatrix(metric, 1.0, longest=2000.0).is_cut


def test_the_deviation_ellipse_reaches_one_standard_deviation_along_every_axis() -> None:
    outline = deviation_ellipse(METRIC)
    np.testing.assert_allclose(outline.amax(dim=0), [2.0, math.sqrt(2.0)], rtol=2e-3)  # at 73 points


def test_the_covariance_of_a_plane_is_that_of_projected_draws() -> None:
    subspace = ActiveSubspace(torch.zeros(3), BASIS, torch.ones(3))
    deviations = torch.tensor([0.5, 1.0, 2.0])
    draws = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(0)) * deviations
    expected = (draws @ BASIS).T.cov()
    np.testing.assert_allclose(plane_covariance(deviations.square(), subspace), expected, atol=0.03)  # of 200,000 draws


def test_at_the_readable_distance_both_ellipses_are_about_equally_large() -> None:
    covariance = torch.tensor([[0.02, 0.0], [0.0, 0.3]])
    distance = readable_distance(METRIC, covariance)
    assert f"{distance:.0e}"[0] in "125"
    exact = math.sqrt(math.sqrt(float(METRIC.det() * covariance.det())))
    assert 0.6 < distance / exact < 1.6


def test_a_cell_that_changes_nothing_has_no_readable_distance() -> None:
    with pytest.raises(InvalidValueError, match="does not change the image"):
        readable_distance(torch.zeros(2, 2), METRIC)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match="metric must have shape"):
        indicatrix(torch.eye(3), 1.0)
    with pytest.raises(ShapeError, match="one per channel"):
        plane_covariance(torch.ones(2), ActiveSubspace(torch.zeros(3), BASIS, torch.ones(3)))
