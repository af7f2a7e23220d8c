import numpy as np
import pytest
import torch
from scipy.integrate import quad

import geovq
from geovq.config import DiscretizationConfig, GeometryConfig
from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry import PullbackMetric, measure_geometry, metric_tensors, sample_landmarks
from geovq.geometry.worlds import WORLDS, SphereWorld, SwissRollWorld, ValleyWorld, plane, scaled_plane, unrolled
from geovq.lattice import cells_of

ALL = pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
EYE = torch.eye(2, dtype=torch.float64)


def points_of(world, n, seed=0):
    return cells_of(world.sample(n, seed=seed)).double()


@ALL
def test_the_decoder_pulls_back_the_metric_in_closed_form(world):
    lattices = world.sample(20, height=3, width=2).double()
    measured = metric_tensors(world.decode, lattices, EYE).flatten(end_dim=2)
    np.testing.assert_allclose(measured, world.metric(cells_of(lattices)), rtol=1e-7, atol=1e-12)


@ALL
def test_geodesics_have_the_length_of_the_closed_form(world):
    """Chords of a smooth curve fall short of it by a second-order term, which extrapolation removes."""
    starts, ends = points_of(world, 10).split(5)
    for start, end, exact in zip(starts, ends, world.geodesic_distance(starts, ends), strict=True):
        few, many = (decoded_length(world, world.geodesic(start, end, n)) for n in (401, 801))
        np.testing.assert_allclose((4 * many - few) / 3, exact, rtol=1e-7)


@ALL
def test_geodesics_are_even_and_keep_their_ends(world):
    start, end = points_of(world, 2)
    curve = world.geodesic(start, end, 200)
    steps = torch.linalg.vector_norm(world.embed(curve).diff(dim=0), dim=1)
    np.testing.assert_allclose(steps, steps.mean().expand(199), rtol=2e-3)  # chords of a curve that bends unevenly
    np.testing.assert_allclose(curve[[0, -1]], torch.stack([start, end]), rtol=1e-7, atol=1e-12)


@ALL
def test_no_way_over_a_third_point_is_shorter(world):
    a, b, c = points_of(world, 3_000).split(1_000)
    direct, through = world.geodesic_distance(a, b), world.geodesic_distance(a, c) + world.geodesic_distance(c, b)
    assert (direct <= through * (1 + 1e-9)).all()
    np.testing.assert_allclose(world.geodesic_distance(b, a), direct, rtol=1e-9)


@ALL
def test_a_short_geodesic_is_as_long_as_its_metric_says(world):
    starts = points_of(world, 50)
    steps = 1e-5 * torch.randn(50, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    metric = world.metric(starts + steps / 2)
    expected = torch.einsum("na,nab,nb->n", steps, metric, steps).sqrt()
    np.testing.assert_allclose(world.geodesic_distance(starts, starts + steps), expected, rtol=1e-5)


@ALL
def test_a_geodesic_to_itself_stays(world):
    point = points_of(world, 1)[0]
    np.testing.assert_allclose(world.geodesic(point, point, 5), point.repeat(5, 1), rtol=1e-7, atol=1e-12)


@ALL
def test_curvature_is_what_the_metric_says(world):
    """Gauss: for a metric diag(E, 1) it is -(sqrt E)_yy / sqrt E; a constant metric has none."""
    points = points_of(world, 30).requires_grad_()
    metric = world.metric(points)
    if not metric.requires_grad:
        assert torch.equal(metric, metric[:1].expand_as(metric))
        assert world.curvature == 0
        return
    root = metric[:, 0, 0].sqrt()
    (slope,) = torch.autograd.grad(root.sum(), points, create_graph=True)
    bend = torch.autograd.grad(slope[:, 1].sum(), points)[0][:, 1] if slope[:, 1].any() else torch.zeros(30)
    np.testing.assert_allclose(-bend / root.detach(), np.full(30, world.curvature), rtol=1e-7, atol=1e-12)


@ALL
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_cell_is_one_pixel_of_the_given_type(world, dtype):
    lattices = world.sample(2, height=3, width=4).to(dtype)
    images = world.decode(lattices)
    assert images.shape == (2, 3, 3, 4)
    assert images.dtype == dtype
    np.testing.assert_allclose(images[1, :, 2, 1], world.embed(lattices[1:, :, 2, 1])[0], rtol=1e-5)


@ALL
def test_samples_fill_the_domain_and_follow_their_seed(world):
    lattices = world.sample(500, height=2, width=2, seed=3)
    points, (low, high) = cells_of(lattices), torch.tensor(world.domain).T
    assert world.contains(points).all()
    assert ((points.amin(dim=0) - low) < 0.01 * (high - low)).all()
    assert ((high - points.amax(dim=0)) < 0.01 * (high - low)).all()
    assert torch.equal(world.sample(500, height=2, width=2, seed=3), lattices)
    assert not torch.equal(world.sample(500, height=2, width=2, seed=4), lattices)
    assert not world.contains(high[None] + 1).any()


@ALL
def test_pictures_stay_finite_beyond_the_domain(world):
    low, high = torch.tensor(world.domain).T
    beyond = torch.stack([low - (high - low), high + (high - low)])[:, :, None, None]
    assert torch.isfinite(world.decode(beyond)).all()
    assert torch.isfinite(metric_tensors(world.decode, beyond, torch.eye(2))).all()


def relative_errors(world, n_landmarks, n_neighbors):
    """Graph distances of 20 landmarks to all that are not near, against the closed form."""
    config = GeometryConfig(
        n_images=n_landmarks, n_landmarks=n_landmarks, n_neighbors=n_neighbors, n_context=1, residual_variance=0.0
    )
    sample = sample_landmarks(world.sample(n_landmarks), config, seed=0)
    metric = PullbackMetric(measure_geometry(world.decode, sample, config).metrics.numpy())
    lengths = metric.edge_lengths(sample.landmarks.numpy(), sample.graph.tails, sample.graph.heads)
    latents = sample.landmark_latents.double()
    # On the sphere, the great circles between these do not leave the patch.
    inner = latents[:, 1].abs() < 0.8 if isinstance(world, SphereWorld) else torch.ones(n_landmarks, dtype=torch.bool)
    sources = inner.nonzero()[:: int(inner.sum()) // 20, 0]
    found = torch.from_numpy(geovq.geodesic_distances(sample.graph.weighted(lengths), sources.numpy())).double()
    exact = torch.stack([world.geodesic_distance(latents[s].expand_as(latents), latents) for s in sources])
    far = (exact > 0.3 * exact.max()) & inner
    return found[far] / exact[far] - 1


@ALL
def test_graph_distances_converge_to_the_closed_form(world):
    """Neighbourhoods must shrink while they fill (Bernstein, de Silva, Langford, Tenenbaum 2000).

    With k = N^0.6 edges have length O(N^-0.2), so the trapezoid rule errs by O(N^-0.4); the zigzag over the landmarks
    was seen to fall faster than that. So a fourfold N must divide the error by at least 4^0.4.
    """
    sizes = (250, 1_000, 4_000)
    errors = [float(relative_errors(world, n, round(n**0.6)).square().mean().sqrt()) for n in sizes]
    assert errors[1] < errors[0] / 4**0.4
    assert errors[2] < errors[1] / 4**0.4
    assert errors[2] < 0.005


def test_ten_neighbours_overestimate_by_a_few_percent_however_many_landmarks():
    """On a plane, where every edge is exact: paths zigzag, and with k fixed they do not stop doing so."""
    means = [float(relative_errors(plane(), n, 10).mean()) for n in (1_000, 4_000)]
    assert all(0.02 < mean < 0.07 for mean in means)


def test_the_haversine_distance_is_the_angle_between_unit_vectors():
    world = SphereWorld()
    a, b = points_of(world, 200).split(100)
    angle = (world.embed(a) * world.embed(b)).sum(dim=1).acos()
    np.testing.assert_allclose(world.geodesic_distance(a, b), angle, rtol=1e-7)


def test_unrolling_measures_the_spirals_arc_length():
    (arc, height), (inner, _) = unrolled(torch.tensor([[12.0, 3.0], [5.0, 3.0]], dtype=torch.float64))
    expected = quad(lambda t: np.sqrt(1 + t**2), 5.0, 12.0)[0]
    np.testing.assert_allclose(arc - inner, expected, rtol=1e-9)
    assert height == 3
    assert SwissRollWorld().n_coordinates == 2


def test_in_the_valley_the_geodesic_goes_down_and_no_lower_than_clairaut_allows():
    """On a surface of revolution radius * cos(angle to the parallel) is constant: least radius = that constant."""
    world = ValleyWorld()
    ends = torch.tensor([[-1.4, 1.2], [1.4, 1.2]], dtype=torch.float64)
    curve = world.geodesic(*ends, 2_001)
    lowest = curve[1000, 1]
    velocity = (curve[2:] - curve[:-2])[0]
    metric = world.metric(curve[1:2])[0]
    cosine = metric[0, 0].sqrt() * velocity[0] / (velocity @ metric @ velocity).sqrt()
    np.testing.assert_allclose(lowest.cosh(), metric[0, 0].sqrt() * cosine, rtol=1e-5)  # velocity by differences
    assert 0 < lowest < 0.6
    assert world.geodesic_distance(ends[:1], ends[1:])[0] < 0.8 * 2.8 * ends[0, 1].cosh()


def test_the_scaled_plane_stretches_along_its_angle():
    world = scaled_plane((3.0, 0.5), angle=0.7)
    along = torch.tensor([[np.cos(0.7), np.sin(0.7)], [-np.sin(0.7), np.cos(0.7)]])
    np.testing.assert_allclose(world.geodesic_distance(torch.zeros_like(along), along), [3.0, 0.5], rtol=1e-7)


@pytest.mark.slow
def test_a_world_can_be_tokenized_like_a_trained_decoder():
    world = ValleyWorld()
    lattices = world.sample(60, height=3, width=3)
    config = DiscretizationConfig(
        method="riemannian", n_codes=8, n_images=60, n_landmarks=300, n_neighbors=8, n_context=4, n_restarts=1
    )
    tokenizer = geovq.discretize(world.decode, lattices, config)
    tokens = tokenizer.encode(lattices)
    assert tokens.shape == (60, 3, 3)
    assert len(tokens.unique()) == 8


def test_bad_input_is_named():
    world = plane()
    with pytest.raises(ShapeError, match="2 channels, the coordinates of the world 'plane'"):
        world.decode(torch.zeros(1, 3, 1, 1))
    with pytest.raises(ShapeError, match=r"\(B, D, H, W\)"):
        world.decode(torch.zeros(1, 2))
    with pytest.raises(InvalidValueError, match="at least 1; got 0, 1 and 1"):
        world.sample(0)
    with pytest.raises(InvalidValueError, match="n_points of at least 2"):
        world.geodesic(torch.zeros(2), torch.ones(2), 1)


def decoded_length(world, points):
    return torch.linalg.vector_norm(world.embed(points).diff(dim=0), dim=1).sum()
