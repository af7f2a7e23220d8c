import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.study import RateErrorCurve, bits_saved, crossings, error_ratio

BITS = np.array([2.0, 3.0, 4.5, 6.0, 8.0])


def exponential(bits: np.ndarray, *, scale: float = 1.0, slope: float = 2.0) -> np.ndarray:
    """Exactly log-linear: one bit divides the error by exp(slope)."""
    return scale * np.exp(-slope * bits)


def test_a_curve_of_half_the_error_has_an_error_ratio_of_one_half() -> None:
    lower = RateErrorCurve.through(BITS, exponential(BITS, scale=0.5))
    upper = RateErrorCurve.through(BITS + 0.25, exponential(BITS + 0.25))
    assert error_ratio(lower, upper) == pytest.approx(0.5)
    assert error_ratio(upper, lower) == pytest.approx(2)


def test_bits_saved_are_the_horizontal_distance() -> None:
    lower = RateErrorCurve.through(BITS, exponential(BITS, scale=0.5))
    upper = RateErrorCurve.through(BITS, exponential(BITS))
    assert bits_saved(lower, upper) == pytest.approx(math.log(2) / 2)
    assert bits_saved(upper, lower) == pytest.approx(-math.log(2) / 2)


def test_lines_that_cross_are_compared_by_the_mean_of_their_gap() -> None:
    """Log errors -b and -2 b + 5 meet at b = 5; over [4, 8] their gap is b - 5, whose mean is 1."""
    rates = np.linspace(4, 8, 9)
    flat, steep = (
        RateErrorCurve.through(rates, np.exp(-rates)),
        RateErrorCurve.through(rates, np.exp(5 - 2 * rates)),
    )
    assert error_ratio(flat, steep) == pytest.approx(math.e)
    np.testing.assert_allclose(crossings(flat, steep), [5], atol=0.01)
    assert len(crossings(flat, flat)) == 0


@given(st.permutations(range(len(BITS))))
def test_the_order_of_points_does_not_matter(order: list[int]) -> None:
    errors = exponential(BITS) * (1 + 0.1 * np.cos(BITS))
    curve, shuffled = RateErrorCurve.through(BITS, errors), RateErrorCurve.through(BITS[order], errors[order])
    np.testing.assert_array_equal(curve.bits, shuffled.bits)
    np.testing.assert_array_equal(curve.log_errors, shuffled.log_errors)


def test_a_dominated_point_is_left_out() -> None:
    curve = RateErrorCurve.through([2, 3, 3, 4], [0.4, 0.2, 0.3, 0.25])
    np.testing.assert_array_equal(curve.bits, [2, 3])


def test_points_lie_on_the_curve_and_nothing_is_invented_outside() -> None:
    errors = exponential(BITS) * (1 + 0.1 * np.cos(BITS))
    curve = RateErrorCurve.through(BITS, errors)
    np.testing.assert_allclose(curve.log_error_at(BITS), np.log(errors))
    np.testing.assert_allclose(curve.bits_at(np.log(errors)), BITS)
    assert np.isnan(curve.log_error_at([1.9, 8.1])).all()


def test_curves_without_a_common_range_have_no_ratio() -> None:
    low, high = RateErrorCurve.through([1, 2], [0.4, 0.3]), RateErrorCurve.through([3, 4], [0.2, 0.1])
    assert math.isnan(error_ratio(low, high))
    assert math.isnan(bits_saved(low, high))
    assert len(crossings(low, high)) == 0


@pytest.mark.parametrize(
    ("bits", "errors", "error", "message"),
    [
        ([1], [1], ShapeError, "with m >= 2; got (1,) and (1,)"),
        ([1, 2], [1, 2, 3], ShapeError, "got (2,) and (3,)"),
        ([1, np.nan], [1, 2], NonFiniteError, "leave out the points that could not be measured"),
        ([1, 2], [1, 0], InvalidValueError, "errors must be above 0"),
        ([1, 2], [0.1, 0.2], InvalidValueError, "more bits must buy less error"),
    ],
)
def test_points_that_make_no_curve_are_refused(
    bits: list[float], errors: list[float], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message.replace("(", r"\(").replace(")", r"\)")):
        RateErrorCurve.through(bits, errors)
