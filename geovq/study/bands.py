"""Rate-error curves of a study with their spread over seeds: what a figure of the study draws.

Every seed gives the points of one tokenizer a curve, through those that no other point dominates; at each rate that all
seeds reach, the band reaches from the lowest to the highest of these curves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from geovq.errors import InvalidValueError, ShapeError
from geovq.study.curves import RateErrorCurve, error_ratio
from geovq.study.table import VAE, StudyRow

Array = NDArray[Any]

_N_RATES = 60  # at which a band is evaluated


@dataclass(frozen=True)
class Series:
    """What a study measured of one tokenizer on one data set, by one search and one kind of decoder.

    Attributes
    ----------
    dataset, tokenizer, search : str
        As in `StudyRow`.
    refit : bool
    rows : tuple of StudyRow
        The operating points of all seeds.
    """

    dataset: str
    tokenizer: str
    search: str
    refit: bool
    rows: tuple[StudyRow, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that were measured."""
        return tuple(sorted({row.seed for row in self.rows}))

    def curves(self) -> dict[int, RateErrorCurve]:
        """The curve of every seed whose points make one."""
        found = {}
        for seed in self.seeds:
            points = [(row.bits_per_token, row.mse) for row in self.rows if row.seed == seed]
            try:
                found[seed] = RateErrorCurve.through(*zip(*points, strict=True))
            except (ShapeError, InvalidValueError):  # one point, or all dominated by one
                continue
        return found


@dataclass(frozen=True)
class Band:
    """Error over rate: mean of the seeds (of log errors), lowest and highest.

    Attributes
    ----------
    rates, mean, low, high : arrays of shape (n,)
        Bits per token; mean squared pixel difference.
    n_seeds : int
    """

    rates: Float[Array, " n"]
    mean: Float[Array, " n"]
    low: Float[Array, " n"]
    high: Float[Array, " n"]
    n_seeds: int


@dataclass(frozen=True)
class SeedRatios:
    """Error of one series over that of another at equal rate, one number per seed that has both curves.

    Attributes
    ----------
    ratios : tuple of float
    """

    ratios: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Geometric mean over seeds."""
        return float(np.exp(np.mean(np.log(self.ratios))))

    def sentence(self, name: str, other: str) -> str:
        """The finding in words; "no clear difference" where the seeds disagree about who is better."""
        low, high, n = min(self.ratios), max(self.ratios), len(self.ratios)
        seeds = f"{n} seed{'s' if n > 1 else ''}: {low:.2f}" + (f" to {high:.2f}" if n > 1 else "")
        if low <= 1 <= high:
            return f"No clear difference between {name} and {other} at equal rate ({seeds} × the error)"
        return f"{name} has {self.mean:.2f} × the error of {other} at equal rate ({seeds})"


def all_series(rows: Sequence[StudyRow]) -> list[Series]:
    """The study itself, without ablations, failed cells and what has no tokens."""
    kept = [
        row for row in rows
        if not (row.error or row.ablation) and row.tokenizer != VAE
        and row.bits_per_token is not None and row.mse is not None
    ]  # fmt: skip

    def key(row: StudyRow) -> tuple[str, str, str, bool]:
        return row.dataset, row.tokenizer, row.search, row.refit

    groups = groupby(sorted(kept, key=key), key=key)
    return [Series(*names, tuple(members)) for names, members in groups]


def band(series: Series) -> Band | None:
    """The band of a series; None where no seed has a curve, or those of the seeds share no rates."""
    curves = list(series.curves().values())
    if not curves:
        return None
    low, high = max(curve.bits[0] for curve in curves), min(curve.bits[-1] for curve in curves)
    if not low < high:
        return None
    rates = np.linspace(low, high, _N_RATES)
    errors = np.exp([curve.log_error_at(rates) for curve in curves])  # (seeds, n)
    return Band(rates, np.exp(np.log(errors).mean(axis=0)), errors.min(axis=0), errors.max(axis=0), len(curves))


def seed_ratios(series: Series, other: Series) -> SeedRatios | None:
    """Compare two series seed by seed; None where no seed has both curves over a common range of rates."""
    mine, its = series.curves(), other.curves()
    ratios = [error_ratio(mine[seed], its[seed]) for seed in mine if seed in its]
    known = tuple(ratio for ratio in ratios if not np.isnan(ratio))
    return SeedRatios(known) if known else None


def unquantized_error(rows: Sequence[StudyRow], dataset: str) -> float | None:
    """Mean over seeds of the error of the autoencoder without tokens, by its own decoder; None if not measured."""
    errors = [row.mse for row in rows if row.dataset == dataset and row.tokenizer == VAE and row.mse is not None]
    return float(np.mean(errors)) if errors else None
