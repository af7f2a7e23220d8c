"""Metric-weighted Lloyd against k-means, brute force and its own laws."""

import itertools

import numba
import numpy as np
import pytest
from sklearn.cluster import KMeans

from geovq.codebook import MeasuredPoints, WeightedSolver, medoid_silhouette, weighted_lloyd
from geovq.codebook.silhouette import two_smallest
from geovq.codebook.weighted_step import PricedCodes, log2_frequencies, moved
from geovq.errors import Cancelled, InvalidValueError, NonFiniteError, ShapeError
from geovq.progress import SilentProgress


def sample(n=400, n_axes=3, seed=0):
    """Points, and metrics of very different strength and direction."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, n_axes)).astype(np.float32)
    roots = rng.normal(size=(n, n_axes, n_axes)) * rng.lognormal(size=(n, 1, 1))
    return points, (roots @ roots.swapaxes(1, 2)).astype(np.float32)


def identity(n, n_axes=3):
    return np.eye(n_axes, dtype=np.float32)[None].repeat(n, axis=0)


def errors_of(points, metrics, codes):
    """(N, K), in float64."""
    steps = points[:, None].astype(np.float64) - codes[None].astype(np.float64)
    return np.einsum("nka,nab,nkb->nk", steps, metrics.astype(np.float64), steps)


def test_under_the_identity_and_without_a_price_it_is_lloyds_k_means():
    points, metrics = sample(500)[0], identity(500)
    codes = PricedCodes(points[:12].copy(), np.zeros(12), 0.0)
    measured = MeasuredPoints(points, metrics, np.arange(500))
    for _ in range(200):
        codes = moved(codes, measured.assign(codes), points)
    model = KMeans(12, init=points[:12].astype(np.float64), n_init=1, max_iter=200, tol=0, algorithm="lloyd")
    model.fit(points.astype(np.float64))
    np.testing.assert_allclose(codes.places, model.cluster_centers_, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(measured.assign(codes).labels, model.labels_)


@pytest.mark.parametrize("bit_price", [0, 0.3, 2])
def test_labels_cost_and_error_are_those_of_the_definition(bit_price):
    points, metrics = sample()
    found = weighted_lloyd(points, metrics, 16, bit_price=bit_price)
    errors = errors_of(points, metrics, found.codebook)
    costs = errors - (found.price_per_bit * found.log2_frequencies if bit_price else 0)
    np.testing.assert_array_equal(found.labels, costs.argmin(axis=1))
    assert found.cost == pytest.approx(costs.min(axis=1).mean(), rel=1e-5)
    assert found.error == pytest.approx(errors[np.arange(400), found.labels].mean(), rel=1e-4)
    assert found.price_per_bit == pytest.approx(bit_price * weighted_lloyd(points, metrics, 16).error, rel=1e-6)


def test_a_code_moves_to_where_the_summed_error_of_its_points_is_least():
    points, metrics = sample(60)
    codes = PricedCodes(points[:1], np.zeros(1), 0.0)
    found = MeasuredPoints(points, metrics, np.arange(60)).assign(codes)
    place = moved(codes, found, points).places[0]
    total = metrics.astype(np.float64).sum(axis=0)
    expected = np.linalg.solve(total, np.einsum("nab,nb->a", metrics.astype(np.float64), points.astype(np.float64)))
    np.testing.assert_allclose(place, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("bit_price", "n_codes", "seed"), [*itertools.product([0, 0.3, 3], [1, 7, 40], [0, 1])])
def test_the_cost_never_rises(bit_price, n_codes, seed):
    points, metrics = sample(seed=seed)
    measured = MeasuredPoints(points, metrics, np.arange(len(points)))
    shares = np.full(n_codes, -np.log2(n_codes))
    codes = PricedCodes(points[:n_codes].copy(), shares, bit_price * 0.1)
    costs = []
    for _ in range(30):
        found = measured.assign(codes)
        costs.append(found.mean_cost)
        codes = moved(codes, found, points)
    assert (np.diff(costs) <= 1e-6 * costs[0]).all()  # float32 costs
    history = weighted_lloyd(points, metrics, n_codes, bit_price=bit_price, seed=seed).cost_history
    assert (np.diff(history) < 0).all()


def test_frequencies_are_those_of_the_labels_once_it_has_converged():
    points, metrics = sample(2_000)
    found = weighted_lloyd(points, metrics, 8, bit_price=0.5, max_iterations=1_000)
    assert found.converged
    np.testing.assert_allclose(2**found.log2_frequencies, np.bincount(found.labels, minlength=8) / 2_000, atol=2e-3)


def test_a_price_buys_fewer_bits_at_more_error():
    points, metrics = sample(3_000)
    made = [weighted_lloyd(points, metrics, 32, bit_price=price) for price in (0, 0.1, 0.3, 1, 3)]
    bits = [-(p[p > 0] * np.log2(p[p > 0])).sum() for p in (np.bincount(m.labels) / 3_000 for m in made)]
    assert (np.diff(bits) < 0).all()
    assert (np.diff([m.error for m in made]) > 0).all()


def test_a_price_without_end_leaves_one_code_at_the_weighted_mean():
    points, metrics = sample()
    found = weighted_lloyd(points, metrics, 16, bit_price=1e6)
    assert found.n_used == 1
    alone = weighted_lloyd(points, metrics, 1)
    np.testing.assert_allclose(found.codebook[found.labels[0]], alone.codebook[0], rtol=1e-4, atol=1e-5)
    assert np.isneginf(np.delete(found.log2_frequencies, found.labels[0])).all()


def test_a_linear_map_of_the_points_and_its_inverse_on_the_metrics_change_nothing():
    """y -> M y with G -> M^-T G M^-1 keeps every error; powers of two and a permutation keep every bit, too."""
    points, metrics = sample(600)
    scales, order = np.array([4, 0.25, 2], dtype=np.float32), [2, 0, 1]
    mapped = (points * scales)[:, order]
    pulled = (metrics / np.outer(scales, scales))[:, order][:, :, order]
    expected = weighted_lloyd(points, metrics, 10, bit_price=0.2)
    found = weighted_lloyd(mapped, pulled, 10, bit_price=0.2)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.codebook, (expected.codebook * scales)[:, order], rtol=1e-4, atol=1e-5)
    assert found.cost == pytest.approx(expected.cost, rel=1e-5)


def test_one_step_commutes_with_any_linear_map():
    points, metrics = sample(600)
    matrix = np.random.default_rng(3).normal(size=(3, 3))
    inverse = np.linalg.inv(matrix)
    mapped = (points @ matrix.T).astype(np.float32)
    pulled = (inverse.T @ metrics @ inverse).astype(np.float32)
    places = []
    for some, measures, codes in ((points, metrics, points[:9]), (mapped, pulled, mapped[:9])):
        priced = PricedCodes(codes, np.log2(np.arange(1, 10) / 45), 0.05)
        found = MeasuredPoints(some, measures, np.arange(600)).assign(priced)
        places.append((found.labels, moved(priced, found, some).places))
    (labels, expected), (mapped_labels, place) = places
    np.testing.assert_array_equal(mapped_labels, labels)
    np.testing.assert_allclose(place, expected @ matrix.T, rtol=1e-3, atol=1e-4)  # float32 metrics, mapped


def test_scaled_metrics_give_the_same_codes_at_a_scaled_price():
    points, metrics = sample()
    once, scaled = (weighted_lloyd(points, some, 12, bit_price=0.4) for some in (metrics, 16 * metrics))
    np.testing.assert_array_equal(once.codebook, scaled.codebook)
    assert scaled.price_per_bit == pytest.approx(16 * once.price_per_bit)


def test_a_code_keeps_its_place_along_a_direction_without_weight():
    """Metrics that see the first axis only: the sum is singular, and the second axis is left alone."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(50, 2)).astype(np.float32)
    metrics = np.zeros((50, 2, 2), dtype=np.float32)
    metrics[:, 0, 0] = rng.uniform(1, 2, size=50)
    codes = PricedCodes(np.array([[0.5, 7.0]], dtype=np.float32), np.zeros(1), 0.0)
    found = MeasuredPoints(points, metrics, np.arange(50)).assign(codes)
    place = moved(codes, found, points).places[0]
    weights = metrics[:, 0, 0]
    np.testing.assert_allclose(place, [np.average(points[:, 0], weights=weights), 7.0], rtol=1e-5)
    blank = weighted_lloyd(points, np.zeros_like(metrics), 3)
    assert blank.cost == 0
    assert np.isfinite(blank.codebook).all()


def test_codes_without_points_go_where_the_error_is_while_bits_are_free():
    points = np.array([[0.0], [1.0], [10.0], [10.1]], dtype=np.float32)
    codes = PricedCodes(np.array([[0.5], [99.0]], dtype=np.float32), np.zeros(2), 0.0)
    found = MeasuredPoints(points, identity(4, 1), np.arange(4)).assign(codes)
    assert moved(codes, found, points).places[1, 0] == np.float32(10.1)
    priced = codes._replace(price_per_bit=1.0, log2_frequencies=log2_frequencies(np.array([4, 0])))
    found = MeasuredPoints(points, identity(4, 1), np.arange(4)).assign(priced)
    assert moved(priced, found, points).places[1, 0] == 99
    assert np.isinf(found.margins).all()


def test_one_point_and_duplicates_are_coded_without_error():
    one = weighted_lloyd(np.ones((1, 2), np.float32), identity(1, 2), 1, bit_price=0.5)
    assert (one.cost, one.labels.tolist(), one.codebook.tolist()) == (0, [0], [[1, 1]])
    twice = np.repeat(np.array([[0, 0], [1, 0], [0, 3]], dtype=np.float32), 5, axis=0)
    found = weighted_lloyd(twice, identity(15, 2), 6, bit_price=0.5)
    assert found.cost == 0
    assert found.n_used == 3


def test_shared_metrics_are_the_same_as_copies():
    points, metrics = sample(300)
    which = np.random.default_rng(1).integers(20, size=300)
    shared = weighted_lloyd(points, metrics[:20], 8, metric_of_point=which, bit_price=0.3)
    copied = weighted_lloyd(points, metrics[which], 8, bit_price=0.3)
    np.testing.assert_array_equal(shared.codebook, copied.codebook)


def test_threads_change_no_bit():
    points, metrics = sample(9_000)
    expected = weighted_lloyd(points, metrics, 16, bit_price=0.3)
    n_threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(weighted_lloyd(points, metrics, 16, bit_price=0.3).codebook, expected.codebook)
    finally:
        numba.set_num_threads(n_threads)


def test_starts_on_a_part_of_many_points_end_with_all_of_them(monkeypatch):
    points, metrics = sample(4_000)
    whole = weighted_lloyd(points, metrics, 10)
    monkeypatch.setattr("geovq.codebook.weighted._POINTS_OF_A_START", 1_000)
    found = weighted_lloyd(points, metrics, 10)
    assert len(found.labels) == 4_000
    errors = errors_of(points, metrics, found.codebook)
    np.testing.assert_array_equal(found.labels, errors.argmin(axis=1))
    assert found.converged
    assert found.cost_history[0] > found.cost == pytest.approx(errors.min(axis=1).mean(), rel=1e-5)
    assert not np.isin(found.restart_costs, whole.restart_costs).any()


def test_the_best_start_is_kept():
    points, metrics = sample()
    found = weighted_lloyd(points, metrics, 20, n_restarts=5)
    assert found.cost == found.restart_costs.min() < found.restart_costs.max()


def test_its_silhouette_takes_codes_for_medoids():
    points, metrics = sample()
    solver = WeightedSolver(MeasuredPoints(points, metrics, np.arange(400)), 0.2, 2, 100, 0, SilentProgress())
    found = solver.solve(9)
    distances = np.sqrt(errors_of(points, metrics, found.codebook))
    expected = medoid_silhouette(*two_smallest(distances.T))
    assert solver.silhouette(found) == pytest.approx(expected, rel=1e-4)


def test_it_stops_when_asked():
    class Impatient(SilentProgress):
        def stop_requested(self):
            return True

    with pytest.raises(Cancelled):
        weighted_lloyd(*sample(), 4, progress=Impatient())


def test_bad_input_is_named():
    points, metrics = sample(50)
    with pytest.raises(ShapeError, match=r"got \(50, 2, 2\)"):
        weighted_lloyd(points, metrics[:, :2, :2], 4)
    with pytest.raises(ShapeError, match=r"got \(40, 3, 3\) and \(40,\) for \(50, 3\)"):
        weighted_lloyd(points, metrics[:40], 4)
    with pytest.raises(InvalidValueError, match=r"metric_of_point must be in \[0, 40\), the metrics; got 0 to 49"):
        weighted_lloyd(points, metrics[:40], 4, metric_of_point=np.arange(50))
    with pytest.raises(InvalidValueError, match=r"n_codes must be in \[1, 50\], the points; got 51"):
        weighted_lloyd(points, metrics, 51)
    for price in (-0.1, np.inf, np.nan):
        with pytest.raises(InvalidValueError, match="bit_price must be a finite number of at least 0"):
            weighted_lloyd(points, metrics, 4, bit_price=price)
    with pytest.raises(NonFiniteError, match="points contain NaN"):
        weighted_lloyd(np.where(points > 2, np.nan, points).astype(np.float32), metrics, 4)
    with pytest.raises(NonFiniteError, match="metrics contain NaN"):
        weighted_lloyd(points, metrics * np.float32(np.nan), 4)
