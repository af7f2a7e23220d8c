"""Whether one method is better than another over a range of rates, and how sure that is.

A method is measured at several operating points, on several seeds of the autoencoder, each on the same images. Two
things vary by chance: which autoencoder was trained and which images were drawn. The bootstrap draws both again, seeds
first and then images, the same ones for both methods, so that what an image or a seed does to both alike cancels.

Source: Efron, Tibshirani (1993), "An Introduction to the Bootstrap", chapters 8 and 13; Field, Welsh (2007),
"Bootstrapping Clustered Data", for drawing clusters before their members.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.randomness import make_rng
from geovq.study.curves import RateErrorCurve, bits_saved, error_ratio
from geovq.study.resampling import Estimate, draw, estimate, geometric_mean, mean

Array = NDArray[Any]


@dataclass(frozen=True)
class Measurements:
    """One method at its operating points.

    Attributes
    ----------
    name : str
        As a sentence names it.
    bits : ndarray of shape (seeds, points, images)
        Rate of every image: the mean cost of its tokens at the prices -log2 p of the tokens of all images.
    errors : ndarray of shape (seeds, points, images)
        Mean squared pixel difference of every image.
    """

    name: str
    bits: Float[Array, "seeds points images"]
    errors: Float[Array, "seeds points images"]

    def __post_init__(self) -> None:
        if self.bits.ndim != 3 or self.bits.shape != self.errors.shape:
            raise ShapeError(
                f"{self.name}: bits and errors must have the same shape (seeds, points, images); got "
                f"{self.bits.shape} and {self.errors.shape}."
            )
        if not (np.isfinite(self.bits).all() and np.isfinite(self.errors).all()):
            raise NonFiniteError(f"{self.name}: bits and errors must be finite; leave out points that failed.")


@dataclass(frozen=True)
class CurveComparison:
    """Two methods over the rates and errors that both reach.

    Attributes
    ----------
    name, other : str
        The methods.
    error_ratio : Estimate
        Geometric mean of error(name) / error(other) at equal rate, averaged over seeds; below 1 is better.
    bits_saved : Estimate
        Bits that `name` needs less at equal error, averaged over seeds; above 0 is better.
    seed_ratios : tuple of float
        The error ratio of every seed.
    confidence : float
        Share of such intervals that hold the true value.
    n_seeds, n_images : int
    """

    name: str
    other: str
    error_ratio: Estimate
    bits_saved: Estimate
    seed_ratios: tuple[float, ...]
    confidence: float
    n_seeds: int
    n_images: int

    @property
    def outcome(self) -> str:
        """ "win", "loss" or "tie" of `name`; "apart" where the curves share no range of rates."""
        if math.isnan(self.error_ratio.value):
            return "apart"
        if not self.error_ratio.excludes(1):
            return "tie"
        return "win" if self.error_ratio.value < 1 else "loss"

    def sentence(self, unit: str = "bits per token") -> str:
        """The finding in words, with its interval; says "no difference" where the interval holds one."""
        basis = f"{self.n_seeds} seed{'s' if self.n_seeds > 1 else ''}, {self.n_images:,} images"
        if self.outcome == "apart":
            return f"{self.name} and {self.other} share no range of rates, so they cannot be compared ({basis})."
        interval = f"{100 * self.confidence:g} % interval {self.error_ratio.lower:.2f} to {self.error_ratio.upper:.2f}"
        if self.outcome == "tie":
            return (
                f"No difference between {self.name} and {self.other} at equal rate ({interval} × its error; {basis})."
            )
        saved = self.bits_saved
        rate = (
            "; the two share no range of errors"
            if math.isnan(saved.value)
            else f"; {abs(saved.value):.2f} {unit} {'fewer' if saved.value > 0 else 'more'} at equal error "
            f"({saved.lower:.2f} to {saved.upper:.2f} saved)"
        )
        return (
            f"{self.name} has {self.error_ratio.value:.2f} × the error of {self.other} at equal rate "
            f"({interval}; {basis}){rate}."
        )


def compare_curves(
    method: Measurements,
    other: Measurements,
    *,
    between: tuple[float, float] = (-math.inf, math.inf),
    confidence: float = 0.95,
    n_resamples: int = 1_000,
    seed: int = 0,
) -> CurveComparison:
    """Compare two methods by the curves through their operating points.

    Parameters
    ----------
    method, other : Measurements
        Of the same seeds and images, in the same order; their numbers of operating points may differ.
    between : tuple of float
        Rates at which errors are compared; by default all that both reach.
    confidence : float, default=0.95
        Of the percentile intervals, above 0 and below 1.
    n_resamples : int, default=1000
        Draws of seeds and images.
    seed : int, default=0
        Root seed of the draws.

    Raises
    ------
    ShapeError
        If the two were not measured on as many seeds and images.
    InvalidValueError
        If `confidence` or `n_resamples` is out of range, or a method's points do not make a curve.
    """
    (n_seeds, _, n_images), its_shape = method.bits.shape, other.bits.shape
    if (n_seeds, n_images) != (its_shape[0], its_shape[2]):
        raise ShapeError(
            f"{method.name} and {other.name} must be measured on the same seeds and images; got {n_seeds} seeds of "
            f"{n_images} images and {its_shape[0]} of {its_shape[2]}."
        )
    if not 0 < confidence < 1:
        raise InvalidValueError(f"confidence must be above 0 and below 1; got {confidence}.")
    if n_resamples < 1:
        raise InvalidValueError(f"n_resamples must be at least 1; got {n_resamples}.")
    ratios, savings = _per_seed(method, other, np.ones((n_seeds, n_images)), between)
    rng = make_rng(seed, "study/comparing")
    draws = (draw(n_seeds, n_images, rng) for _ in range(n_resamples))
    drawn = np.array([_resampled(method, other, *draw, between) for draw in draws])  # (n_resamples, 2)
    return CurveComparison(
        method.name,
        other.name,
        estimate(geometric_mean(ratios), drawn[:, 0], confidence),
        estimate(mean(savings), drawn[:, 1], confidence),
        tuple(ratios),
        confidence,
        n_seeds,
        n_images,
    )


def compare_errors(
    errors: Float[Array, "seeds images"],
    others: Float[Array, "seeds images"],
    *,
    confidence: float = 0.95,
    n_resamples: int = 1_000,
    seed: int = 0,
) -> Estimate:
    """Geometric mean over seeds of mean(errors) / mean(others), with its interval over seeds and images.

    Parameters
    ----------
    errors, others : ndarray of shape (seeds, images)
        Of the same seeds and images; positive on average.
    confidence, n_resamples, seed
        As in `compare_curves`.
    """
    if errors.ndim != 2 or errors.shape != others.shape:
        raise ShapeError(
            f"errors and others must have the same shape (seeds, images); got {errors.shape} and {others.shape}."
        )
    rng = make_rng(seed, "study/comparing errors")
    values = []
    for _ in range(n_resamples):
        seeds, counts = draw(errors.shape[0], errors.shape[1], rng)
        values.append(_ratio_of_means(errors[seeds], others[seeds], counts))
    return estimate(_ratio_of_means(errors, others, np.ones(errors.shape)), np.array(values), confidence)


def _ratio_of_means(errors: Array, others: Array, weights: Array) -> float:
    ratios = (errors * weights).sum(axis=1) / (others * weights).sum(axis=1)
    return geometric_mean(ratios.tolist())


def _resampled(
    method: Measurements, other: Measurements, seeds: Array, counts: Array, between: tuple[float, float]
) -> tuple[float, float]:
    """Ratio and saving of one draw; NaN where a method's points make no curve for the images that were drawn."""
    chosen_method = Measurements(method.name, method.bits[seeds], method.errors[seeds])
    chosen_other = Measurements(other.name, other.bits[seeds], other.errors[seeds])
    try:
        ratios, savings = _per_seed(chosen_method, chosen_other, counts, between)
    except InvalidValueError:
        return math.nan, math.nan
    return geometric_mean(ratios), mean(savings)


def _per_seed(
    method: Measurements,
    other: Measurements,
    weights: Float[Array, "seeds images"],
    between: tuple[float, float],
) -> tuple[list[float], list[float]]:
    """Error ratio and bits saved of every seed, images weighted."""
    mine, its = _curves(method, weights), _curves(other, weights)
    pairs = list(zip(mine, its, strict=True))
    return [error_ratio(a, b, between) for a, b in pairs], [bits_saved(a, b) for a, b in pairs]


def _curves(measured: Measurements, weights: Float[Array, "seeds images"]) -> list[RateErrorCurve]:
    shares = weights / weights.sum(axis=1, keepdims=True)
    bits = np.einsum("spi,si->sp", measured.bits, shares)
    errors = np.einsum("spi,si->sp", measured.errors, shares)
    return [RateErrorCurve.through(*points) for points in zip(bits, errors, strict=True)]
