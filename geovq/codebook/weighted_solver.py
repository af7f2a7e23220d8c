"""Metric-weighted Lloyd as a search for any number of codes among fixed points."""

from dataclasses import dataclass

import numpy as np

from geovq.codebook.silhouette import medoid_silhouette
from geovq.codebook.weighted import WeightedResult, weighted_lloyd
from geovq.codebook.weighted_step import MeasuredPoints, PricedCodes
from geovq.progress import Progress


@dataclass(frozen=True)
class WeightedSolver:
    """`weighted_lloyd` on fixed points.

    Attributes
    ----------
    measured : MeasuredPoints
    bit_price : float
        In multiples of the mean error at price 0, of each number of codes its own.
    n_restarts, max_iterations, seed : int
    progress : Progress
    """

    measured: MeasuredPoints
    bit_price: float
    n_restarts: int
    max_iterations: int
    seed: int
    progress: Progress

    def solve(self, n_codes: int) -> WeightedResult:
        """The best codebook of `n_codes` codes that was found."""
        return weighted_lloyd(
            self.measured.points,
            self.measured.metrics,
            n_codes,
            metric_of_point=self.measured.metric_of_point,
            bit_price=self.bit_price,
            n_restarts=self.n_restarts,
            max_iterations=self.max_iterations,
            seed=self.seed,
            progress=self.progress,
        )

    def silhouette(self, found: WeightedResult) -> float:
        """Medoid silhouette with codes for medoids, in the unsquared metric of each point; prices play no part."""
        nearest = self.measured.assign(PricedCodes(found.codebook, found.log2_frequencies, 0.0))
        return medoid_silhouette(np.sqrt(nearest.costs), np.sqrt(nearest.costs + nearest.margins))
