"""Means of paired measurements over seeds and items, with bootstrap intervals that keep the pairs.

Source: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapters 8 and 13; Field, Welsh (2007),
"Bootstrapping Clustered Data", for drawing seeds before their items.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from geovq.arrays import DoubleArray
from geovq.errors import InvalidValueError, NonFiniteError
from geovq.randomness import make_rng

_CONFIDENCE = 0.95


class MeanInterval(NamedTuple):
    """A mean with its 95 % percentile interval."""

    value: float
    lower: float
    upper: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.lower > 0 or self.upper < 0


def mean_interval(
    values: Sequence[Float[DoubleArray, " items"]], *, n_resamples: int = 2_000, seed: int = 0
) -> MeanInterval:
    """Mean over seeds of the mean over items; seeds are drawn again, then the items of each.

    With one seed the interval is that of its items alone.

    Parameters
    ----------
    values : sequence of arrays of shape (items,)
        One array per seed, such as differences between two methods on the same items.
    n_resamples : int, default=2000
    seed : int, default=0

    Raises
    ------
    InvalidValueError
        If there is no seed, or a seed without items.
    NonFiniteError
        If values contain NaN or infinity.
    """
    if not values or not all(len(items) for items in values):
        raise InvalidValueError("values must hold at least one seed, and items for each; leave out what is empty.")
    if not all(np.isfinite(items).all() for items in values):
        raise NonFiniteError("values contain NaN or infinity; leave those out.")
    rng = make_rng(seed, "evaluation.paired")
    n_seeds = len(values)
    means = np.stack([items[rng.integers(len(items), size=(n_resamples, len(items)))].mean(axis=1) for items in values])
    drawn = means[rng.integers(n_seeds, size=(n_resamples, n_seeds)), np.arange(n_resamples)[:, None]].mean(axis=1)
    tail = 100 * (1 - _CONFIDENCE) / 2
    lower, upper = np.percentile(drawn, [tail, 100 - tail])
    return MeanInterval(float(np.mean([items.mean() for items in values])), float(lower), float(upper))
