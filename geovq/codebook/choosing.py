"""How many codes: given, or chosen by the silhouette or by a target rate.

A rate is the unigram entropy of the labels, what a token costs if only the frequencies of codes are known. Two
tokenizers with as many codes rarely have the same rate; with the same target rate they can be compared as they are.
"""

from dataclasses import dataclass
from typing import Generic, Protocol

import numpy as np
from jaxtyping import Float64, Int64

from geovq.arrays import DoubleArray, IntArray
from geovq.codebook.solvers import CodebookSolver, Found
from geovq.config import CodebookConfig


@dataclass(frozen=True)
class CodeCountChoice:
    """Numbers of codes that were tried, and the one that was taken.

    Attributes
    ----------
    n_codes : int
        The number that was taken.
    reason : str
        Why, in one sentence.
    candidates : array of shape (C,)
        Numbers of codes, ascending.
    costs : array of shape (C,)
        Mean dissimilarity of a point to its code.
    rates_bits : array of shape (C,)
        Entropy of the labels, in bits per label.
    silhouettes : array of shape (C,)
        Medoid silhouettes; NaN where the choice did not need them.
    """

    n_codes: int
    reason: str
    candidates: Int64[IntArray, " c"]
    costs: Float64[DoubleArray, " c"]
    rates_bits: Float64[DoubleArray, " c"]
    silhouettes: Float64[DoubleArray, " c"]


class CodeCountRule(Protocol):
    """A way to choose the number of codes."""

    def choose(self, solver: CodebookSolver[Found]) -> tuple[Found, CodeCountChoice | None]:
        """The codebook, and how its size was chosen; None where it was given."""


@dataclass(frozen=True)
class GivenCount:
    """The number of codes that was asked for."""

    n_codes: int

    def choose(self, solver: CodebookSolver[Found]) -> tuple[Found, CodeCountChoice | None]:
        """The one codebook."""
        return solver.solve(self.n_codes), None


@dataclass(frozen=True)
class BestSilhouette:
    """The number of `ladder` with the best silhouette; the smallest among equals.

    Attributes
    ----------
    most : int
        Largest number of codes.
    """

    most: int

    def choose(self, solver: CodebookSolver[Found]) -> tuple[Found, CodeCountChoice]:
        """Solve for every number of the ladder."""
        trials = []
        for n_codes in ladder(self.most):
            found = solver.solve(n_codes)
            trials.append(_Trial(found, n_codes, label_rate_bits(found.labels), solver.silhouette(found)))
        best = max(trials, key=lambda trial: trial.silhouette)
        reason = f"{best.n_codes} codes have the best silhouette, {best.silhouette:.3f}, of up to {self.most}."
        return best.found, _choice(best, trials, reason)


@dataclass(frozen=True)
class TargetRate:
    """The number whose rate comes closest to a target, and stays below it if any does.

    The numbers of `ladder` are tried until the rate is above the target, then the last step is bisected. More codes
    have a higher rate, except where one search finds a better optimum than another.

    Attributes
    ----------
    most : int
        Largest number of codes.
    target_bits : float
        Entropy of the labels, in bits.
    """

    most: int
    target_bits: float

    def choose(self, solver: CodebookSolver[Found]) -> tuple[Found, CodeCountChoice]:
        """Go up the ladder, then bisect."""
        trials: list[_Trial[Found]] = []
        low = high = 0
        for n_codes in ladder(self.most):
            low, high = high, n_codes
            if self._is_above(n_codes, solver, trials):
                break
        else:
            low = high
        while low and high - low > 1:
            middle = (low + high) // 2
            if self._is_above(middle, solver, trials):
                high = middle
            else:
                low = middle
        best = min(trials, key=lambda trial: (trial.rate_bits > self.target_bits, abs(self._excess(trial))))
        remedy = (
            "; raise codebook.n_codes to come closer" if best.n_codes == self.most and self._excess(best) < 0 else ""
        )
        reason = f"{best.n_codes} codes have {best.rate_bits:.3f} bits per token of {self.target_bits:g}{remedy}."
        return best.found, _choice(best, trials, reason)

    def _is_above(self, n_codes: int, solver: CodebookSolver[Found], trials: "list[_Trial[Found]]") -> bool:
        found = solver.solve(n_codes)
        trials.append(_Trial(found, n_codes, label_rate_bits(found.labels)))
        return self._excess(trials[-1]) > 0

    def _excess(self, trial: "_Trial[Found]") -> float:
        return trial.rate_bits - self.target_bits


def code_count_rule(config: CodebookConfig) -> CodeCountRule:
    """The rule that `config.choose_by` names."""
    match config.choose_by:
        case "n_codes":
            return GivenCount(config.n_codes)
        case "silhouette":
            return BestSilhouette(config.n_codes)
        case "rate":
            return TargetRate(config.n_codes, config.target_rate_bits)


def ladder(most: int) -> list[int]:
    """2, 3, 4, 6, 8, 12, 16, 24, … up to `most`, which is the last: powers of two and the steps halfway between."""
    steps = (step for power in range(1, most.bit_length() + 1) for step in (2**power, 3 * 2 ** (power - 1)))
    return [*(step for step in steps if step < most), most]


def label_rate_bits(labels: Int64[IntArray, " n"]) -> float:
    """Unigram entropy of labels, in bits per label."""
    from scipy.stats import entropy  # half of the time that importing geovq would take

    return float(entropy(np.bincount(labels), base=2))


@dataclass(frozen=True)
class _Trial(Generic[Found]):
    found: Found
    n_codes: int
    rate_bits: float
    silhouette: float = np.nan


def _choice(best: _Trial[Found], trials: list[_Trial[Found]], reason: str) -> CodeCountChoice:
    ordered = sorted(trials, key=lambda trial: trial.n_codes)
    return CodeCountChoice(
        n_codes=best.n_codes,
        reason=reason,
        candidates=np.array([trial.n_codes for trial in ordered]),
        costs=np.array([trial.found.cost for trial in ordered]),
        rates_bits=np.array([trial.rate_bits for trial in ordered]),
        silhouettes=np.array([trial.silhouette for trial in ordered]),
    )
