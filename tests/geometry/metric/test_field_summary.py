import math

import numpy as np
import pytest
import torch

from geovq.config import GeometryConfig
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry import measure_geometry, metric_tensors, sample_landmarks
from geovq.geometry.curves.cell_context import cell_in_context
from geovq.geometry.metric.field_summary import summarise_field
from geovq.geometry.worlds import SphereWorld, ValleyWorld, scaled_plane
from tests.geometry.decoders import transposed_conv_decoder
from tests.geometry.principal_images import principal_images, pushed_images


def random_metrics(n=40, a=3, seed=0):
    factors = torch.randn(n, a + 1, a, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return factors.mT @ factors


def test_the_scaled_planes_ellipse_is_found():
    world = scaled_plane((3.0, 0.5), angle=0.7)
    summary = summarise_field(world.metric(torch.zeros(4, 2, dtype=torch.float64)))
    np.testing.assert_allclose(summary.stretches, np.tile([3.0, 0.5], (4, 1)), rtol=1e-9)
    np.testing.assert_allclose(summary.anisotropy, np.full(4, 6.0), rtol=1e-9)
    np.testing.assert_allclose(summary.log10_magnification, np.full(4, math.log10(1.5)), rtol=1e-9)
    along, across = summary.directions[0].T
    np.testing.assert_allclose(along, [math.cos(0.7), math.sin(0.7)], rtol=1e-9)
    np.testing.assert_allclose(across, [-math.sin(0.7), math.cos(0.7)], rtol=1e-9)


def test_the_valleys_magnification_is_the_hyperbolic_cosine_of_the_height():
    world = ValleyWorld()
    lattices = world.sample(30).double()
    summary = summarise_field(metric_tensors(world.decode, lattices, torch.eye(2, dtype=torch.float64))[:, 0, 0])
    height = lattices[:, 1, 0, 0]
    np.testing.assert_allclose(summary.log10_magnification, height.cosh().log10(), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(summary.anisotropy, height.cosh(), rtol=1e-7)


def test_tensors_are_put_together_again_from_their_summary():
    metrics = random_metrics()
    summary = summarise_field(metrics)
    rebuilt = summary.directions @ torch.diag_embed(summary.stretches.square()) @ summary.directions.mT
    np.testing.assert_allclose(rebuilt, metrics, rtol=1e-7, atol=1e-12)
    assert (summary.stretches.diff(dim=-1) <= 0).all()
    assert not summary.is_degenerate.any()


def test_magnification_is_that_of_the_geometry():
    world = ValleyWorld()
    config = GeometryConfig(n_images=50, n_landmarks=50, n_neighbors=5, n_context=4, residual_variance=0.0)
    geometry = measure_geometry(world.decode, sample_landmarks(world.sample(50), config, seed=0), config)
    found = summarise_field(geometry.metrics).log10_magnification
    np.testing.assert_allclose(found, geometry.log10_magnification, rtol=1e-4, atol=1e-5)


def test_scaling_the_metric_scales_the_stretches_and_nothing_else():
    metrics = random_metrics()
    once, scaled = summarise_field(metrics), summarise_field(100 * metrics)
    np.testing.assert_allclose(scaled.stretches, 10 * once.stretches, rtol=1e-9)
    np.testing.assert_allclose(scaled.directions, once.directions, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(scaled.anisotropy, once.anisotropy, rtol=1e-9)


def test_turning_latent_space_turns_the_directions():
    metrics = random_metrics()
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64))[0]
    plain, turned = summarise_field(metrics), summarise_field(turn.T @ metrics @ turn)
    np.testing.assert_allclose(turned.stretches, plain.stretches, rtol=1e-7)
    cosines = (turned.directions * (turn.T @ plain.directions)).sum(dim=-2)
    np.testing.assert_allclose(cosines.abs(), torch.ones_like(cosines), rtol=1e-7)


def test_the_largest_entry_of_a_direction_is_positive():
    directions = summarise_field(random_metrics()).directions
    largest = directions.gather(-2, directions.abs().argmax(dim=-2, keepdim=True))
    assert (largest > 0).all()


def test_a_field_keeps_its_axes():
    metrics = random_metrics(24).reshape(2, 3, 4, 3, 3)
    summary, flat = summarise_field(metrics), summarise_field(metrics.reshape(24, 3, 3))
    assert summary.stretches.shape == (2, 3, 4, 3)
    np.testing.assert_array_equal(summary.anisotropy.flatten(), flat.anisotropy)


def test_a_direction_that_changes_nothing_is_flagged_and_stays_finite():
    metrics = torch.stack([torch.diag(torch.tensor([4.0, 1.0, 0.0])), torch.eye(3), torch.zeros(3, 3)])
    summary = summarise_field(metrics)
    assert summary.is_degenerate.tolist() == [True, False, True]
    assert torch.isfinite(summary.anisotropy[:2]).all()
    assert torch.isfinite(summary.log10_magnification[:2]).all()
    assert summary.anisotropy[0] > 1_000
    assert summary.anisotropy[1] == 1
    assert summary.log10_magnification[2] == -torch.inf
    assert torch.isnan(summary.anisotropy[2])


def test_float32_tensors_are_trusted_to_float32_rounding():
    tensor = torch.diag(torch.tensor([1.0, 1e-10], dtype=torch.float64))
    assert not summarise_field(tensor[None]).is_degenerate[0]
    assert summarise_field(tensor[None].float()).is_degenerate[0]


def context():
    lattice = torch.randn(3, 7, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    config = GeometryConfig(n_images=2, n_landmarks=40, n_neighbors=5, residual_variance=0.0)
    subspace = sample_landmarks(torch.stack([lattice, -lattice]), config, seed=0).subspace
    return cell_in_context(transposed_conv_decoder(), lattice, (3, 3), subspace)


def test_images_of_the_principal_directions_are_orthogonal_and_as_long_as_their_stretch():
    decode = context()
    principal = principal_images(decode, decode.point)
    flat = principal.images.flatten(start_dim=1)
    assert principal.images.shape == (3, 1, 12, 12)
    np.testing.assert_allclose(flat @ flat.T, torch.diag(principal.summary.stretches.square()), rtol=1e-7, atol=1e-15)
    expected = metric_tensors(decode.decoder, decode.lattice[None], decode.subspace.basis.double())[0, 3, 3]
    np.testing.assert_allclose(
        principal.summary.stretches, summarise_field(expected[None]).stretches[0], rtol=1e-5
    )  # the point has passed through the float32 subspace


def test_a_pushed_image_is_the_difference_quotient_of_images():
    decode = context()
    direction = torch.tensor([[0.3], [-1.2], [0.5]], dtype=torch.float64)
    point, h = decode.point, 1e-5
    ahead, behind = decode.images(torch.stack([point + h * direction[:, 0], point - h * direction[:, 0]])).detach()
    pushed = pushed_images(decode.images, point, direction)
    np.testing.assert_allclose(pushed[0], (ahead - behind) / (2 * h), rtol=1e-5, atol=1e-8)


def test_on_the_sphere_the_strongest_direction_is_the_meridian():
    world = SphereWorld()
    principal = principal_images(world.embed, torch.tensor([0.4, 0.9], dtype=torch.float64))
    np.testing.assert_allclose(principal.summary.stretches, [1, math.cos(0.9)], rtol=1e-9)
    np.testing.assert_allclose(principal.summary.directions, [[0, 1], [1, 0]], atol=1e-9)


def test_bad_input_is_named():
    metrics = random_metrics()
    with pytest.raises(ShapeError, match=r"\(\.\.\., A, A\); got \(40, 3\)"):
        summarise_field(metrics[..., 0])
    with pytest.raises(NonFiniteError, match="metric tensors contain NaN"):
        summarise_field(metrics * torch.nan)
    with pytest.raises(InvalidValueError, match="must be symmetric"):
        summarise_field(metrics.triu())
    with pytest.raises(InvalidValueError, match="negative eigenvalues; the lowest is -"):
        summarise_field(-metrics)
