import numpy as np
import pytest

from geovq.errors import InvalidValueError, NonFiniteError
from geovq.evaluation.paired import mean_interval


def test_the_interval_is_that_of_the_normal_approximation_where_there_is_one_seed():
    values = np.random.default_rng(0).normal(2.0, 1.0, 400)
    found = mean_interval([values])
    half = 1.96 * values.std() / 20
    np.testing.assert_allclose(found, [values.mean(), values.mean() - half, values.mean() + half], atol=0.2 * half)


def test_seeds_that_differ_widen_the_interval():
    seeds = [np.random.default_rng(s).normal(mean, 0.1, 200) for s, mean in enumerate((0.0, 1.0, 2.0))]
    wide, narrow = mean_interval(seeds), mean_interval([np.concatenate(seeds)])
    assert wide.value == pytest.approx(narrow.value)
    assert wide.upper - wide.lower > 5 * (narrow.upper - narrow.lower)


def test_nineteen_of_twenty_intervals_of_noise_hold_zero():
    rng = np.random.default_rng(1)
    held = [not mean_interval([rng.normal(size=60)], n_resamples=400).excludes_zero for _ in range(300)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.04)
    assert mean_interval([1.0 + rng.normal(size=60)]).excludes_zero


def test_bad_input_is_named():
    with pytest.raises(InvalidValueError, match="at least one seed"):
        mean_interval([])
    with pytest.raises(NonFiniteError, match="NaN"):
        mean_interval([np.array([1.0, np.nan])])
