"""Metric and posterior of one cell, as ellipses in a plane of latent directions.

The metric's ellipse holds the steps that change the image equally far, so it is short in directions where the decoder
is sensitive. The posterior's holds the steps of one standard deviation. Training balances the two: in directions where
a step changes many pixels the posterior is narrow, so both ellipses point the same way.

Source: Rolinek, Zietlow, Martius (2019), "Variational Autoencoders Pursue PCA Directions (by Accident)".
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry.metric.field_summary import summarise_field
from geovq.geometry.metric.subspace import ActiveSubspace

_N_POINTS = 73  # of a closed outline: every five degrees
_ROUND = (1.0, 2.0, 5.0)  # first digits of a distance that is easy to read


@dataclass(frozen=True)
class CellEllipse:
    """Outline of the steps of one length.

    Attributes
    ----------
    outline : Tensor of shape (73, 2)
        Closed; the last point is the first.
    is_cut : bool
        Whether it would be longer than it was allowed to be, because the image hardly changes that way.
    """

    outline: Float64[Tensor, "points 2"]
    is_cut: bool


def indicatrix(metric: Float[Tensor, "2 2"], distance: float, longest: float = math.inf) -> CellEllipse:
    """Steps v with v^T G v = distance^2.

    Parameters
    ----------
    metric : Tensor of shape (2, 2)
        Squared pixel intensity per squared latent unit.
    distance : float
        How far the image moves along each step, pixel intensity (L2).
    longest : float
        Half-axes are cut there, latent units.

    Raises
    ------
    ShapeError, NonFiniteError, InvalidValueError
        If the metric is not a finite, symmetric, positive semi-definite 2 by 2 matrix.
    """
    _require_plane(metric, "metric")
    summary = summarise_field(metric)
    half_axes = distance / summary.stretches
    outline = _outline(summary.directions, half_axes.clamp_max(longest))
    return CellEllipse(outline, bool((half_axes > longest).any()))


def deviation_ellipse(covariance: Float[Tensor, "2 2"]) -> Float64[Tensor, "points 2"]:
    """One standard deviation in every direction, latent units.

    Raises
    ------
    ShapeError, NonFiniteError, InvalidValueError
        If the covariance is not a finite, symmetric, positive semi-definite 2 by 2 matrix.
    """
    _require_plane(covariance, "covariance")
    summary = summarise_field(covariance)
    return _outline(summary.directions, summary.stretches)  # roots of the eigenvalues: standard deviations


def plane_covariance(variances: Float[Tensor, " d"], subspace: ActiveSubspace) -> Float64[Tensor, "2 2"]:
    """Covariance in the two strongest directions of a cell whose channels vary independently.

    Parameters
    ----------
    variances : Tensor of shape (D,)
        Of each channel.
    subspace : ActiveSubspace
        With at least two active directions.
    """
    projection = subspace.projection[:, :2].double()  # (D, 2)
    if variances.shape != projection.shape[:1] or projection.shape[1] < 2:
        raise ShapeError(
            f"variances must be ({projection.shape[0]},), one per channel, in a subspace of at least two directions; "
            f"got {tuple(variances.shape)} and {projection.shape[1]} directions."
        )
    return projection.T @ (variances.double()[:, None] * projection)


def readable_distance(metric: Float[Tensor, "2 2"], covariance: Float[Tensor, "2 2"]) -> float:
    """Distance with one digit, 1, 2 or 5, at which the metric's ellipse is about as large as that of a covariance.

    Parameters
    ----------
    metric, covariance : Tensor of shape (2, 2)

    Raises
    ------
    InvalidValueError
        If the metric or the covariance is zero.
    """
    _require_plane(metric, "metric")
    _require_plane(covariance, "covariance")
    stretches, deviations = summarise_field(metric).stretches, summarise_field(covariance).stretches
    exact = float((stretches * deviations).prod().sqrt())  # pi distance^2 / (s_1 s_2) = pi d_1 d_2
    if not exact > 0:
        raise InvalidValueError("This cell does not change the image, so no step of it has a length in pixels.")
    power = 10.0 ** math.floor(math.log10(exact))
    return min((digit * power for digit in (*_ROUND, 10.0)), key=lambda value: abs(math.log(value / exact)))


def _outline(directions: Tensor, half_axes: Tensor) -> Tensor:
    angles = torch.linspace(0, 2 * math.pi, _N_POINTS, dtype=torch.float64)
    circle = torch.stack([angles.cos(), angles.sin()])  # (2, points)
    return ((directions * half_axes) @ circle).T


def _require_plane(matrix: Tensor, name: str) -> None:
    if matrix.shape != (2, 2):
        raise ShapeError(f"{name} must have shape (2, 2), one plane's; got {tuple(matrix.shape)}.")
