"""Curves between two latent points, measured in the images they decode to.

A curve is a list of points c_1 ... c_T; its decoder f may be that of one cell in its context (`cell_in_context`), a
world's `embed`, or any other map whose rows are independent. With steps s_t = |f(c_t+1) - f(c_t)|,

    length = sum_t s_t,    energy = (T - 1) sum_t s_t^2,    evenness = length^2 / energy.

By Cauchy-Schwarz energy >= length^2, with equality exactly when all steps are equally long. Evenness is 1 for such a
curve and 1 / (1 + v^2) in general, where v is the coefficient of variation of the steps.

Source: Shao, Kumar, Fletcher (2018), "The Riemannian Geometry of Deep Generative Models".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError

DecodePoints: TypeAlias = Callable[[Tensor], Tensor]
_SAMPLES_PER_POINT = 2  # how finely a polyline is decoded before it is divided evenly


@dataclass(frozen=True)
class Curve:
    """Points and what they decode to; all lengths in pixel intensity (L2 over what `decode` returns).

    Attributes
    ----------
    points : Tensor of shape (T, A)
        As they were given to the decoder: coordinates of the active subspace, or latents.
    images : Tensor of shape (T, ...)
        What they decode to: of a cell in its context, the pixels of its footprint.
    """

    points: Float[Tensor, "t a"]
    images: Float[Tensor, "t ..."]

    @property
    def step_lengths(self) -> Float64[Tensor, " steps"]:
        """How far the image moves in each step: the curve's pixel speed."""
        steps = self.images.flatten(start_dim=1).double().diff(dim=0)
        lengths: Tensor = torch.linalg.vector_norm(steps, dim=1)
        return lengths

    @property
    def cumulative_length(self) -> Float64[Tensor, " t"]:
        """Length from the start to each point."""
        return torch.nn.functional.pad(self.step_lengths.cumsum(dim=0), (1, 0))

    @property
    def length(self) -> float:
        """Sum of the steps."""
        return float(self.step_lengths.sum())

    @property
    def energy(self) -> float:
        """(T - 1) times the sum of the squared steps; never below the squared length."""
        steps = self.step_lengths
        return len(steps) * float(steps.square().sum())

    @property
    def evenness(self) -> float:
        """Squared length over energy, in (0, 1]; 1 where every step moves the image equally far, or none at all."""
        energy = self.energy
        return self.length**2 / energy if energy > 0 else 1.0


def measure_curve(decode: DecodePoints, points: Float[Tensor, "t a"]) -> Curve:
    """Decode the points of a curve.

    Parameters
    ----------
    decode : callable
        (T, A) -> (T, ...), rows independent.
    points : Tensor of shape (T, A)
        At least two.

    Raises
    ------
    ShapeError
        If points are not (T, A) with T of at least 2.
    NonFiniteError
        If points, or what they decode to, contain NaN or infinity.
    """
    if points.ndim != 2 or len(points) < 2:
        raise ShapeError(f"A curve's points must have shape (T, A) with T of at least 2; got {tuple(points.shape)}.")
    if not torch.isfinite(points).all():
        raise NonFiniteError("The curve's points contain NaN or infinity; check the latents it starts from.")
    with torch.no_grad():
        images = decode(points)
    if not torch.isfinite(images).all():
        raise NonFiniteError("The decoder returned NaN or infinity on the curve; choose points nearer to the data.")
    return Curve(points, images)


def straight_curve(
    decode: DecodePoints, start: Float[Tensor, " a"], end: Float[Tensor, " a"], *, n_points: int = 32
) -> Curve:
    """The straight line of latent space, in even latent steps.

    Parameters
    ----------
    decode : callable
        As for `measure_curve`.
    start, end : Tensor of shape (A,)
    n_points : int, default=32
        Points T, both ends included.

    Raises
    ------
    ShapeError
        If start and end differ in shape.
    InvalidValueError
        If there are fewer than two points.
    """
    if start.ndim != 1 or start.shape != end.shape:
        raise ShapeError(f"start and end must have the same shape (A,); got {tuple(start.shape)}, {tuple(end.shape)}.")
    _require_ends(n_points)
    fractions = torch.linspace(0, 1, n_points, dtype=start.dtype, device=start.device)[:, None]
    return measure_curve(decode, torch.lerp(start, end, fractions))


def graph_curve(decode: DecodePoints, nodes: Float[Tensor, "m a"], *, n_points: int = 32) -> Curve:
    """The polyline through the nodes of a shortest path, divided evenly by decoded length.

    Parameters
    ----------
    decode : callable
        As for `measure_curve`.
    nodes : Tensor of shape (M, A)
        Landmarks along the path, as in `landmarks[path_tree(...).path_to(node)]`, with the curve's own ends put before
        and after them where these are no landmarks. A single node gives a curve that stays there.
    n_points : int, default=32
        Points T, both ends included.
    """
    return measure_curve(decode, evenly_along(decode, nodes, n_points))


def evenly_along(decode: DecodePoints, nodes: Float[Tensor, "m a"], n_points: int) -> Float[Tensor, "t a"]:
    """Points of a polyline at even decoded distances, both ends included.

    Parameters
    ----------
    decode, nodes, n_points
        As for `graph_curve`.

    Raises
    ------
    ShapeError
        If nodes are not (M, A) with M of at least 1.
    InvalidValueError
        If there are fewer than two points.
    """
    _require_ends(n_points)
    if nodes.ndim != 2 or len(nodes) == 0:
        raise ShapeError(f"nodes must have shape (M, A) with M of at least 1; got {tuple(nodes.shape)}.")
    if len(nodes) == 1:
        return nodes.repeat(n_points, 1)
    n_parts = -(-_SAMPLES_PER_POINT * n_points // (len(nodes) - 1))
    fractions = torch.arange(n_parts, dtype=nodes.dtype, device=nodes.device)[:, None] / n_parts
    starts, ends = nodes[:-1, None], nodes[1:, None]
    samples = torch.cat([torch.lerp(starts, ends, fractions).flatten(end_dim=1), nodes[-1:]])
    travelled = measure_curve(decode, samples).cumulative_length.cpu().numpy()
    if travelled[-1] == 0:
        travelled = np.linspace(0, 1, len(samples))  # the image does not change: even latent steps instead
    marks = np.linspace(0, travelled[-1], n_points)
    columns = [np.interp(marks, travelled, column) for column in samples.double().cpu().numpy().T]
    points = torch.from_numpy(np.stack(columns, axis=1)).to(nodes)
    points[0], points[-1] = nodes[0], nodes[-1]
    return points


def _require_ends(n_points: int) -> None:
    if n_points < 2:
        raise InvalidValueError(f"A curve needs n_points of at least 2, its two ends; got {n_points}.")
