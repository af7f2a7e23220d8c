import numpy as np
import pytest
import torch

from geovq.config import GeometryConfig
from geovq.errors import InvalidValueError
from geovq.geometry import LatentGeometry, measure_geometry, sample_landmarks
from geovq.geometry.active_plane import indicatrices, plane_field, plane_points
from geovq.geometry.worlds import LinearWorld, SphereWorld, World, scaled_plane


def geometry_of(world: World, n_lattices: int = 400) -> LatentGeometry:
    config = GeometryConfig(n_images=n_lattices, n_landmarks=300, n_neighbors=8, n_context=4, residual_variance=0.0)
    lattices = world.sample(n_lattices, height=2, width=2)
    return measure_geometry(world.decode, sample_landmarks(lattices, config, seed=0), config)


def test_a_linear_decoder_has_the_same_metric_everywhere() -> None:
    """Stretches 2 and 1/2: a patch keeps its area, and one direction counts four times the other."""
    field = plane_field(geometry_of(scaled_plane((2.0, 0.5))), resolution=20)
    np.testing.assert_allclose(field.log10_magnification[field.covered], 0.0, atol=1e-5)
    assert field.median_anisotropy == pytest.approx(4.0, rel=1e-5)


def test_ellipses_of_a_linear_decoder_are_its_inverse_stretches() -> None:
    outlines, distance = indicatrices(plane_field(geometry_of(scaled_plane((2.0, 1.0))), resolution=40), n_across=5)
    steps = outlines - outlines.mean(axis=1, keepdims=True, where=np.r_[[True] * 40, False][None, :, None])
    radii = np.linalg.norm(steps, axis=2)
    np.testing.assert_allclose(radii.max(axis=1), distance / 1.0, rtol=1e-4)
    np.testing.assert_allclose(radii.min(axis=1), distance / 2.0, rtol=1e-4)


def test_on_the_sphere_the_poles_are_magnified_least() -> None:
    """sqrt(det G) = cos(latitude); principal axes are longitude and latitude, up to order and sign."""
    world = SphereWorld()
    geometry = geometry_of(world, 2_000)
    field = plane_field(geometry, n_context=8, resolution=25)
    places = torch.from_numpy(np.stack(np.meshgrid(field.x, field.y), axis=-1).reshape(-1, 2))
    latitude = geometry.sample.subspace.lift(places)[:, 1].reshape(field.covered.shape).numpy()
    inside = field.covered & (abs(latitude) < 1.0)
    exact = np.log10(np.cos(latitude[inside]))
    np.testing.assert_allclose(field.log10_magnification[inside], exact, atol=0.04)  # means over 8 cells nearby


def test_the_field_is_unknown_far_from_all_cells() -> None:
    geometry = geometry_of(scaled_plane())
    cells = geometry.sample.lattices
    cells[0, :, 0, 0] = 30.0  # one cell far out makes the map large
    field = plane_field(geometry, resolution=60)
    assert not field.covered.all()
    assert np.isnan(field.log10_magnification[~field.covered]).all()
    assert np.isfinite(field.log10_magnification[field.covered]).all()


def test_of_more_directions_the_two_strongest_are_shown() -> None:
    rows = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 5.0))
    world = LinearWorld("space", rows, ((-3.0, 3.0), (-2.0, 2.0), (-1.0, 1.0)), ("x", "y", "z"))
    geometry = geometry_of(world)
    assert plane_points(geometry).shape == (300, 2)
    field = plane_field(geometry, resolution=20)
    assert abs(field.log10_magnification[field.covered]).max() < 0.05  # steps in the plane hardly touch the third


def test_a_single_active_direction_has_no_plane() -> None:
    world = LinearWorld("line", ((1.0, 0.0), (0.0, 1.0)), ((-1.0, 1.0), (0.0, 0.0)))
    with pytest.raises(InvalidValueError, match="line"):
        plane_points(geometry_of(world))
