"""Uncertainty of a mean over images, and of the difference of two methods on the same images.

Source: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapter 13 (percentile intervals).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.randomness import make_rng

_MAX_DRAWS = 2**22  # indices drawn at a time: 32 MB


@dataclass(frozen=True)
class PairedDifference:
    """Mean of a - b over pairs, with a bootstrap interval.

    Attributes
    ----------
    mean_difference : float
        In the unit of the values.
    lower, upper : float
        Ends of the interval.
    confidence : float
        Share of such intervals that hold the true mean difference.
    n : int
        Pairs.
    """

    mean_difference: float
    lower: float
    upper: float
    confidence: float
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly on one side of no difference."""
        return self.lower > 0 or self.upper < 0

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "n": self.n,
            "mean_difference": self.mean_difference,
            "lower": self.lower,
            "upper": self.upper,
            "confidence": self.confidence,
        }


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95, n_resamples: int = 2_000, seed: int = 0
) -> PairedDifference:
    """Mean difference of two measurements of the same images, with a bootstrap interval.

    Taking differences per image removes the variation that both measurements share: some images are hard for any
    tokenizer.

    Parameters
    ----------
    a, b : array of shape (n,)
        For example the per-image errors of two tokenizers; entry i of both belongs to image i.
    confidence : float, default=0.95
        Of the percentile interval, above 0 and below 1.
    n_resamples : int, default=2000
        Bootstrap samples; more make the ends of the interval steadier.
    seed : int, default=0
        Root seed of the resampling.

    Returns
    -------
    PairedDifference

    Raises
    ------
    ShapeError
        If a and b are not one-dimensional and of the same length, or there are fewer than two pairs.
    NonFiniteError
        If a value is NaN or infinite.
    InvalidValueError
        If `confidence` or `n_resamples` is out of range.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape or len(first) < 2:
        raise ShapeError(f"a and b must have the same shape (n,) with n >= 2; got {first.shape} and {second.shape}.")
    if not 0 < confidence < 1:
        raise InvalidValueError(f"confidence must be above 0 and below 1; got {confidence}.")
    if n_resamples < 1:
        raise InvalidValueError(f"n_resamples must be at least 1; got {n_resamples}.")
    differences = first - second
    if not np.isfinite(differences).all():
        raise NonFiniteError("a and b must be finite; remove or mend the images whose measurement is NaN or infinite.")
    means = _resampled_means(differences, n_resamples, seed)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(means, [tail, 1 - tail])
    return PairedDifference(float(differences.mean()), float(lower), float(upper), confidence, len(differences))


def standard_error(values: NDArray[np.float64]) -> float:
    """Standard error of the mean of independent values; NaN for a single one."""
    n = len(values)
    return float(values.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan


def _resampled_means(values: NDArray[np.float64], n_resamples: int, seed: int) -> NDArray[np.float64]:
    rng = make_rng(seed, "evaluation/paired_difference")
    n = len(values)
    per_block = max(_MAX_DRAWS // n, 1)
    sizes = [min(per_block, n_resamples - start) for start in range(0, n_resamples, per_block)]
    return np.concatenate([values[rng.integers(n, size=(size, n))].mean(axis=1) for size in sizes])
