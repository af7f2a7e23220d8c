"""Drawing seeds and images again: how much a figure owes to which of them happened to be there.

Seeds are drawn first and then images, as clusters before their members.

Source: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapters 8 and 13; Field, Welsh (2007),
"Bootstrapping Clustered Data".
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Estimate:
    """A number with a percentile interval; NaN where the two curves share no range."""

    value: float
    lower: float
    upper: float

    def excludes(self, value: float) -> bool:
        """Whether the interval lies wholly on one side of a value."""
        return self.lower > value or self.upper < value


def draw(n_seeds: int, n_images: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Seeds drawn with replacement, and how often each image is drawn for each of them, (seeds, images)."""
    seeds = rng.integers(n_seeds, size=n_seeds)
    counts = [np.bincount(rng.integers(n_images, size=n_images), minlength=n_images) for _ in seeds]
    return seeds, np.stack(counts).astype(float)


def estimate(value: float, drawn: Float[Array, " n"], confidence: float) -> Estimate:
    """A value and its percentile interval; draws that are NaN, which gave no value, are left out."""
    drawn = drawn[~np.isnan(drawn)]
    if math.isnan(value) or len(drawn) == 0:
        return Estimate(math.nan, math.nan, math.nan)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(drawn, [tail, 1 - tail])
    return Estimate(value, float(lower), float(upper))


def mean(values: Sequence[float]) -> float:
    """Of the values that are not NaN; NaN if there are none."""
    return _mean_of(values, lambda value: value)


def geometric_mean(values: Sequence[float]) -> float:
    """Of the positive values that are not NaN; NaN if there are none."""
    return math.exp(_mean_of(values, math.log))


def _mean_of(values: Sequence[float], transform: Callable[[float], float]) -> float:
    known = [transform(value) for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
