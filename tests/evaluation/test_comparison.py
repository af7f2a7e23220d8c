import math

import numpy as np
import pytest
from scipy import stats

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation import comparison, paired_difference
from geovq.evaluation.comparison import standard_error


def test_a_constant_difference_is_certain():
    a = np.random.default_rng(0).normal(size=50)
    measured = paired_difference(a + 0.25, a, seed=0)
    np.testing.assert_allclose([measured.mean_difference, measured.lower, measured.upper], 0.25, rtol=1e-12)
    assert measured.n == 50
    assert measured.excludes_zero


def test_two_equal_measurements_do_not_differ():
    a = np.arange(10.0)
    measured = paired_difference(a, a, seed=0)
    assert (measured.mean_difference, measured.lower, measured.upper) == (0.0, 0.0, 0.0)
    assert not measured.excludes_zero


def test_the_interval_is_that_of_the_normal_for_many_normal_differences():
    differences = np.random.default_rng(0).normal(loc=0.3, size=2_000)
    measured = paired_difference(differences, np.zeros(2_000), confidence=0.9, n_resamples=4_000, seed=0)
    half_width = stats.norm.ppf(0.95) * stats.sem(differences)
    expected = differences.mean() + half_width * np.array([-1, 1])
    # a 5 % quantile of 4,000 resamples has a standard error of 5 % of the half width / 1.64; 10 % is over three of them
    np.testing.assert_allclose([measured.lower, measured.upper], expected, atol=0.1 * half_width)


def test_the_interval_is_that_of_scipys_bootstrap():
    rng = np.random.default_rng(1)
    a, b = rng.exponential(size=200), rng.exponential(size=200)
    measured = paired_difference(a, b, n_resamples=5_000, seed=0)
    reference = stats.bootstrap((a - b,), np.mean, n_resamples=5_000, method="percentile", random_state=rng)
    width = measured.upper - measured.lower
    interval = reference.confidence_interval
    # both are random: the standard error of a 2.5 % quantile of 5,000 resamples is 1.5 % of the width
    np.testing.assert_allclose([measured.lower, measured.upper], [interval.low, interval.high], atol=0.08 * width)


def test_the_interval_holds_the_true_difference_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(200):
        measured = paired_difference(rng.normal(loc=1, size=60), rng.normal(size=60), n_resamples=300, seed=seed)
        held += measured.lower <= 1 <= measured.upper
    assert (
        0.88 <= held / 200 <= 0.99
    )  # binomial(200, 0.95) stays within 0.90 and 0.99; percentile intervals are a little short


def test_pairing_removes_what_the_images_have_in_common():
    rng = np.random.default_rng(3)
    hardness = rng.normal(scale=100, size=300)
    a = hardness + rng.normal(scale=0.1, size=300)
    paired = paired_difference(a, hardness - 0.1, seed=0)
    shuffled = paired_difference(a, rng.permutation(hardness) - 0.1, seed=0)
    assert paired.excludes_zero
    assert not shuffled.excludes_zero


def test_exchanging_the_methods_changes_the_sign():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=40), rng.normal(size=40)
    forward, backward = paired_difference(a, b, seed=0), paired_difference(b, a, seed=0)
    np.testing.assert_allclose(
        [backward.mean_difference, backward.lower, backward.upper],
        [-forward.mean_difference, -forward.upper, -forward.lower],
        rtol=1e-7,
    )


def test_a_higher_confidence_gives_a_wider_interval():
    a = np.random.default_rng(5).normal(size=100)
    narrow, wide = (paired_difference(a, 0 * a, confidence=confidence, seed=0) for confidence in (0.8, 0.99))
    assert wide.lower < narrow.lower < narrow.mean_difference < narrow.upper < wide.upper


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    a = np.random.default_rng(6).normal(size=100)
    first, again, other = (paired_difference(a, 0 * a, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_block_size_changes_nothing(monkeypatch):
    a = np.random.default_rng(7).normal(size=100)
    whole = paired_difference(a, 0 * a, n_resamples=50, seed=0)
    monkeypatch.setattr(comparison, "_MAX_DRAWS", 700)
    assert paired_difference(a, 0 * a, n_resamples=50, seed=0) == whole


def test_the_summary_is_plain_numbers():
    summary = paired_difference([1.0, 2.0], [0.0, 0.0], seed=0).summary()
    assert list(summary) == ["n", "mean_difference", "lower", "upper", "confidence"]
    assert {type(value) for value in summary.values()} == {int, float}


def test_the_standard_error_is_that_of_scipy():
    values = np.random.default_rng(8).normal(size=30)
    np.testing.assert_allclose(standard_error(values), stats.sem(values), rtol=1e-12)
    assert math.isnan(standard_error(values[:1]))


@pytest.mark.parametrize(("a", "b"), [([1.0, 2.0], [1.0]), ([[1.0, 2.0]], [[1.0, 2.0]]), ([1.0], [1.0]), (1.0, 1.0)])
def test_measurements_that_are_no_pairs_are_refused(a, b):
    with pytest.raises(ShapeError, match=r"a and b must have the same shape \(n,\) with n >= 2"):
        paired_difference(a, b, seed=0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_measurements_that_are_not_finite_are_refused(bad):
    with pytest.raises(NonFiniteError, match="a and b must be finite"):
        paired_difference([1.0, bad], [1.0, 2.0], seed=0)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_a_confidence_that_is_no_share_is_refused(confidence):
    with pytest.raises(InvalidValueError, match="confidence must be above 0 and below 1"):
        paired_difference([1.0, 2.0], [0.0, 0.0], confidence=confidence, seed=0)


def test_no_resamples_are_refused():
    with pytest.raises(InvalidValueError, match="n_resamples must be at least 1; got 0"):
        paired_difference([1.0, 2.0], [0.0, 0.0], n_resamples=0, seed=0)
