"""Rate-error curves, and the average distance of two of them.

The error of a tokenizer falls about exponentially with its rate, so curves are interpolated in the logarithm of the
error, by a monotone cubic (PCHIP) that cannot swing between points. Two curves are compared over what both reach: the
mean difference of log error over the common rates, or of rates over the common log errors.

Source: Bjøntegaard (2001), "Calculation of Average PSNR Differences between RD-Curves", ITU-T VCEG-M33; with the
monotone interpolation of Barman, Martini, Reznik (2022), "Revisiting Bjontegaard Delta Bitrate Computation for Codec
Compression Efficiency Comparison".
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError

Array = NDArray[Any]


@dataclass(frozen=True)
class RateErrorCurve:
    """Operating points of one method from low to high rate, each with less error than the one before.

    Attributes
    ----------
    bits : ndarray of shape (n,)
        Rates, increasing; bits per token or per image.
    log_errors : ndarray of shape (n,)
        Natural logarithms of the errors, decreasing.
    """

    bits: Float[Array, " n"]
    log_errors: Float[Array, " n"]

    @classmethod
    def through(cls, bits: ArrayLike, errors: ArrayLike) -> Self:
        """The curve through those of the points that no other point dominates.

        A point is dominated by one with at most its rate and at most its error: nobody would choose it.

        Parameters
        ----------
        bits, errors : array of shape (m,)
            In any order; errors are positive.

        Raises
        ------
        ShapeError
            If there are fewer than two points, or as many rates as errors are not there.
        NonFiniteError
            If a rate or error is NaN or infinite.
        InvalidValueError
            If an error is not positive, or fewer than two points are left.
        """
        rates, values = np.asarray(bits, dtype=np.float64), np.asarray(errors, dtype=np.float64)
        if rates.ndim != 1 or rates.shape != values.shape or len(rates) < 2:
            raise ShapeError(
                f"bits and errors must have the same shape (m,) with m >= 2; got {rates.shape} and {values.shape}."
            )
        if not (np.isfinite(rates).all() and np.isfinite(values).all()):
            raise NonFiniteError("bits and errors must be finite; leave out the points that could not be measured.")
        if (values <= 0).any():
            raise InvalidValueError(f"errors must be above 0, since their logarithm is taken; got {values.min():g}.")
        order = np.lexsort((values, rates))
        rates, values = rates[order], values[order]
        best_before = np.minimum.accumulate(np.concatenate([[np.inf], values[:-1]]))
        kept = values < best_before
        if kept.sum() < 2:
            raise InvalidValueError(
                "A curve needs two points of which neither dominates the other: more bits must buy less error."
            )
        return cls(rates[kept], np.log(values[kept]))

    def log_error_at(self, bits: ArrayLike) -> Float[Array, " q"]:
        """Log error at given rates; NaN outside the curve."""
        found: Array = PchipInterpolator(self.bits, self.log_errors, extrapolate=False)(bits)
        return found

    def bits_at(self, log_errors: ArrayLike) -> Float[Array, " q"]:
        """Rate at given log errors; NaN outside the curve.

        It is the interpolant of the turned points, as usual for this comparison, and between points not exactly the
        inverse of `log_error_at`.
        """
        turned = PchipInterpolator(self.log_errors[::-1], self.bits[::-1], extrapolate=False)
        found: Array = turned(log_errors)
        return found


def error_ratio(
    curve: RateErrorCurve, other: RateErrorCurve, between: tuple[float, float] = (-math.inf, math.inf)
) -> float:
    """Geometric mean of error(curve) / error(other) over the rates that both reach; NaN if there are none.

    Parameters
    ----------
    curve, other : RateErrorCurve
    between : tuple of float
        Only rates in this range count.
    """
    low, high = _common(curve.bits, other.bits)
    low, high = max(low, between[0]), min(high, between[1])
    if not low < high:
        return float("nan")
    mine = PchipInterpolator(curve.bits, curve.log_errors).integrate(low, high)
    its = PchipInterpolator(other.bits, other.log_errors).integrate(low, high)
    return float(np.exp((mine - its) / (high - low)))


def bits_saved(curve: RateErrorCurve, other: RateErrorCurve) -> float:
    """Mean of bits(other) - bits(curve) over the log errors that both reach; NaN if there are none."""
    low, high = _common(curve.log_errors[::-1], other.log_errors[::-1])
    if not low < high:
        return float("nan")
    mine = PchipInterpolator(curve.log_errors[::-1], curve.bits[::-1]).integrate(low, high)
    its = PchipInterpolator(other.log_errors[::-1], other.bits[::-1]).integrate(low, high)
    return float((its - mine) / (high - low))


def crossings(curve: RateErrorCurve, other: RateErrorCurve, *, n_samples: int = 2_001) -> Float[Array, " c"]:
    """Rates, increasing, at which the two curves change places.

    Parameters
    ----------
    curve, other : RateErrorCurve
    n_samples : int, default=2001
        Rates at which they are compared; a crossing is found to within the common range over n_samples, and two of
        them between the same two samples are not seen.
    """
    low, high = _common(curve.bits, other.bits)
    if not low < high:
        return np.empty(0)
    rates = np.linspace(low, high, n_samples)
    gap = curve.log_error_at(rates) - other.log_error_at(rates)
    signs, rates = np.sign(gap)[gap != 0], rates[gap != 0]
    turns = np.flatnonzero(np.diff(signs))
    found: Array = (rates[turns] + rates[turns + 1]) / 2
    return found


def _common(first: Array, second: Array) -> tuple[float, float]:
    return max(float(first[0]), float(second[0])), min(float(first[-1]), float(second[-1]))
