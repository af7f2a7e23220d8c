from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.curves.curve import evenly_along, graph_curve, measure_curve, straight_curve
from geovq.geometry.worlds import SphereWorld, SwissRollWorld, scaled_plane

SPHERE = SphereWorld()


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_lengths_of_a_triangles_sides_add_up():
    curve = measure_curve(lambda y: 2 * y, tensor([0, 0], [3, 0], [3, 4]))
    np.testing.assert_array_equal(curve.step_lengths, [6, 8])
    np.testing.assert_array_equal(curve.cumulative_length, [0, 6, 14])
    assert curve.length == 14
    assert curve.energy == 2 * (36 + 64)
    assert curve.evenness == 14**2 / 200


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000), n_points=st.integers(2, 20))
def test_energy_is_at_least_the_squared_length(seed, n_points):
    """Cauchy-Schwarz; the ratio is 1 / (1 + v^2), v the coefficient of variation of the steps."""
    points = torch.randn(n_points, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    curve = measure_curve(SPHERE.embed, points)
    steps = curve.step_lengths.numpy()
    assert curve.energy >= curve.length**2 * (1 - 1e-12)
    np.testing.assert_allclose(curve.evenness, 1 / (1 + (steps.std() / steps.mean()) ** 2), rtol=1e-9)


def test_energy_equals_the_squared_length_of_an_even_curve():
    curve = measure_curve(SPHERE.embed, SPHERE.geodesic(*tensor([-1, 0.2], [1, 0.7]), 9))
    np.testing.assert_allclose(curve.energy, curve.length**2, rtol=1e-9)
    assert curve.evenness == pytest.approx(1, abs=1e-9)


def test_scaling_the_image_scales_length_and_leaves_evenness():
    points = torch.randn(7, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    once, thrice = measure_curve(SPHERE.embed, points), measure_curve(lambda y: 3 * SPHERE.embed(y), points)
    np.testing.assert_allclose(
        [thrice.length, thrice.energy, thrice.evenness], [3 * once.length, 9 * once.energy, once.evenness], rtol=1e-9
    )


def test_a_straight_curve_runs_in_even_latent_steps():
    curve = straight_curve(SPHERE.embed, *tensor([0, 0], [1, 0.5]), n_points=5)
    np.testing.assert_allclose(curve.points, np.linspace([0, 0], [1, 0.5], 5), rtol=1e-12)
    np.testing.assert_allclose(curve.images, SPHERE.embed(curve.points), rtol=1e-12)


def test_a_straight_line_of_a_plane_is_as_long_as_its_geodesic():
    world, ends = scaled_plane(), tensor([-1, 0.5], [2, 1])
    curve = straight_curve(world.embed, *ends)
    assert curve.length == pytest.approx(float(world.geodesic_distance(ends[:1], ends[1:])), rel=1e-9)
    assert curve.evenness == pytest.approx(1, abs=1e-9)


def test_a_polyline_is_divided_evenly_where_the_chart_is_not():
    """The roll's angle runs faster outside: even latent steps are uneven steps of the image."""
    world, nodes = SwissRollWorld(), tensor([5, 0], [6, 10], [14, 20])
    points = evenly_along(world.embed, nodes, 200)
    steps = measure_curve(world.embed, points).step_lengths
    assert torch.equal(points[[0, -1]], nodes[[0, -1]])
    assert float(steps.std() / steps.mean()) < 0.02
    along = torch.linspace(0, 1, 4_001, dtype=torch.float64)[:, None]
    polyline = torch.cat([torch.lerp(nodes[0], nodes[1], along), torch.lerp(nodes[1], nodes[2], along)])
    assert torch.cdist(points, polyline).amin(dim=1).max() < 1e-2  # between two samples: on the way, not off it


def test_a_graph_curve_is_no_longer_than_its_nodes_segments():
    nodes = torch.randn(40, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64).cumsum(dim=0) / 20
    fine = torch.cat([straight_curve(SPHERE.embed, *ends, n_points=50).points for ends in pairwise(nodes)])
    whole = measure_curve(SPHERE.embed, fine).length
    assert graph_curve(SPHERE.embed, nodes, n_points=25).length < whole
    assert graph_curve(SPHERE.embed, nodes, n_points=2_000).length == pytest.approx(whole, rel=1e-2)


def test_a_single_node_and_an_image_that_stands_still_make_curves_too():
    stay = graph_curve(SPHERE.embed, tensor([0.3, 0.1]), n_points=4)
    assert stay.length == 0
    assert stay.evenness == 1
    blind = graph_curve(lambda y: y[:, :1], tensor([0, 0], [0, 3]), n_points=4)
    np.testing.assert_allclose(blind.points, [[0, 0], [0, 1], [0, 2], [0, 3]], atol=1e-12)


def test_curves_keep_the_type_of_their_points():
    assert straight_curve(SPHERE.embed, torch.zeros(2), torch.ones(2)).points.dtype == torch.float32
    assert graph_curve(SPHERE.embed, torch.eye(2)).points.dtype == torch.float32


def test_bad_input_is_named():
    with pytest.raises(ShapeError, match=r"\(T, A\) with T of at least 2; got \(1, 2\)"):
        measure_curve(SPHERE.embed, torch.zeros(1, 2))
    with pytest.raises(NonFiniteError, match="points contain NaN"):
        measure_curve(SPHERE.embed, torch.full((2, 2), torch.nan))
    with pytest.raises(NonFiniteError, match="decoder returned NaN"):
        measure_curve(torch.log, tensor([1], [-1]))
    with pytest.raises(ShapeError, match=r"same shape \(A,\); got \(2,\), \(3,\)"):
        straight_curve(SPHERE.embed, torch.zeros(2), torch.zeros(3))
    with pytest.raises(InvalidValueError, match="n_points of at least 2, its two ends; got 1"):
        straight_curve(SPHERE.embed, torch.zeros(2), torch.ones(2), n_points=1)
    with pytest.raises(ShapeError, match=r"M of at least 1; got \(0, 2\)"):
        graph_curve(SPHERE.embed, torch.zeros(0, 2))
