"""Geodesics of the decoder: a curve with fixed ends whose energy is made as small as possible.

The discrete energy is a sum of squares, (T - 1) sum_t |f(c_t+1) - f(c_t)|^2, so Gauss-Newton applies: with Jacobians
J_t at the points, by forward mode, its matrix is block tridiagonal with blocks J_t^T J_t and J_t^T J_t+1, and one solve
moves all points at once. On trained decoders it converges with 3 to 20 Jacobians, where L-BFGS has not after 100
gradients. The metric is nearly singular in places, where an undamped step would go far outside the data: the damping is
the same in all latent directions, and follows how well the last step was predicted. First a curve with a quarter of the
points is relaxed; the others then start near the end, and fewer steps with all points are needed.

Source: Shao, Kumar, Fletcher (2018), "The Riemannian Geometry of Deep Generative Models"; Arvanitidis, Hansen, Hauberg
(2018), "Latent Space Oddity"; Madsen, Nielsen, Tingleff (2004), "Methods for Non-Linear Least Squares Problems", for
the damping.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from geovq.errors import InvalidValueError
from geovq.geometry.curves.curve import Curve, DecodePoints, evenly_along, measure_curve
from geovq.geometry.metric.forward_mode import pushforwards
from geovq.progress import Progress, SilentProgress, stop_if_requested

# Shares of the mean diagonal entry of the Gauss-Newton matrix; the least keeps points where moving them changes no
# pixel.
_LEAST_DAMPING, _FIRST_DAMPING, _MOST_DAMPING = 1e-12, 1e-4, 1e8
_COARSE = 4  # every how many points one is moved first
_FEWEST_TO_COARSEN = 16  # points of a curve for which that pays


@dataclass(frozen=True)
class RelaxedCurve:
    """A curve of locally least energy, and how it was reached.

    Attributes
    ----------
    curve : Curve
    converged : bool
        Whether the last step was neither expected to lower the energy by more than the tolerance, relatively, nor did.
    n_iterations : int
        Gauss-Newton steps that were tried, those with fewer points included.
    hidden_length : float
        By which share the curve is longer when the middle of every step is decoded too; infinite where it has no length
        without these. At more than a few percent its steps jump over what lies between, for example from one turn of a
        roll to the next; raise `n_points` then.
    energies : tuple of float
        Energy of the start, and after every step that was taken with all points: falling.
    """

    curve: Curve
    converged: bool
    n_iterations: int
    hidden_length: float
    energies: tuple[float, ...]


def relaxed_curve(
    decode: DecodePoints,
    nodes: Float[Tensor, "m a"],
    *,
    n_points: int = 32,
    n_steps: int = 50,
    tolerance: float = 1e-4,
    progress: Progress | None = None,
) -> RelaxedCurve:
    """Divide a polyline evenly and relax it to a geodesic with the same ends; its energy never rises.

    Parameters
    ----------
    decode : callable
        Differentiable map (T, A) -> (T, ...), rows independent: a `CellContext`, or a world's `embed`.
    nodes : Tensor of shape (M, A)
        Where to start: the nodes of a graph path, or just the two ends for the straight line. Which of several
        geodesics is found depends on it.
    n_points : int, default=32
        Points T of the result, both ends included.
    n_steps : int, default=50
        Most Gauss-Newton steps, of the coarse curve and of the whole one.
    tolerance : float, default=1e-4
        Stop at a relative decrease of the energy below it; the length is then known to about half of that, relatively.
        Differences of float32 images resolve about 1e-5.
    progress : Progress, optional
        Told about every step.

    Raises
    ------
    ShapeError, NonFiniteError
        If nodes are not (M, A), or they or what they decode to are not finite.
    InvalidValueError
        If `n_points` is below 2, `n_steps` below 1 or `tolerance` not positive.
    """
    if n_steps < 1 or not tolerance > 0:
        raise InvalidValueError(f"n_steps must be at least 1 and tolerance positive; got {n_steps} and {tolerance}.")
    progress = progress or SilentProgress()
    progress.start("geodesic", 2 * n_steps, "steps")
    start = evenly_along(decode, nodes, n_points)
    energies, n_coarse_iterations, points = [_energy(decode, start)], 0, start
    if n_points >= _FEWEST_TO_COARSEN:
        few = torch.linspace(0, n_points - 1, n_points // _COARSE + 1).round().long()
        coarse = _descend(decode, start[few], n_steps, tolerance, progress)
        refined = evenly_along(decode, coarse.points, n_points)
        n_coarse_iterations, energy = coarse.n_iterations, _energy(decode, refined)
        if energy < energies[0]:
            points, energies = refined, [*energies, energy]
    relaxed = _descend(decode, points, n_steps, tolerance, progress)
    curve = measure_curve(decode, relaxed.points)
    return RelaxedCurve(
        curve,
        relaxed.converged,
        n_coarse_iterations + relaxed.n_iterations,
        _hidden_length(decode, curve),
        (*energies, *relaxed.energies),
    )


@dataclass(frozen=True)
class _Descent:
    points: Tensor
    converged: bool
    n_iterations: int
    energies: tuple[float, ...]  # after every accepted step


def _descend(decode: DecodePoints, points: Tensor, n_steps: int, tolerance: float, progress: Progress) -> _Descent:
    model = _QuadraticModel.at(decode, points)
    damping, growth, converged, energies = _FIRST_DAMPING, 2.0, model.is_flat, list[float]()
    iteration = 0
    while iteration < n_steps and not converged and damping < _MOST_DAMPING:
        stop_if_requested(progress)
        iteration += 1
        step = model.step(damping)
        moved = torch.cat([points[:1], points[1:-1] + step.to(points), points[-1:]])
        expected, energy = model.expected_decrease(step), _energy(decode, moved)
        decrease = model.energy - energy
        # As in MINPACK: the expected and the actual decrease are both negligible.
        converged = max(expected, abs(decrease)) <= tolerance * model.energy
        if decrease > 0:  # false for NaN
            damping = max(damping * max(1 / 3, 1 - (2 * decrease / expected - 1) ** 3), _LEAST_DAMPING)
            points, growth = moved, 2.0
            energies.append(energy)
            model = model if converged else _QuadraticModel.at(decode, points)
        else:
            damping, growth = damping * growth, 2 * growth
        progress.advance()
    return _Descent(points, converged, iteration, tuple(energies))


@dataclass(frozen=True)
class _QuadraticModel:
    """Energy near a curve: energy + gradient . step + step . matrix . step / 2, the matrix block tridiagonal."""

    energy: float
    gradient: Float64[Tensor, "n a"]
    diagonal: Float64[Tensor, "n a a"]
    above: Float64[Tensor, "pairs a a"]

    @classmethod
    def at(cls, decode: DecodePoints, points: Tensor) -> "_QuadraticModel":
        images, jacobians = _linearised(decode, points)
        steps, inner = images.diff(dim=0), jacobians[1:-1]  # (T-1, P), (T-2, P, A)
        scale = 2.0 * len(steps)
        gradient = scale * torch.einsum("npa,np->na", inner, steps[:-1] - steps[1:])
        diagonal = 2 * scale * inner.mT @ inner
        above = -scale * inner[:-1].mT @ inner[1:]
        # The blocks are small and many: one after the other they are faster on the CPU.
        return cls(len(steps) * float(steps.square().sum()), gradient.cpu(), diagonal.cpu(), above.cpu())

    @property
    def is_flat(self) -> bool:
        """Whether there is nothing to move, or nothing moves the image."""
        return self.energy == 0 or not self.diagonal.any()

    def step(self, damping: float) -> Float64[Tensor, "n a"]:
        """Minimum of the damped model: block elimination from the first point to the last, then back."""
        weights = self.diagonal.diagonal(dim1=1, dim2=2)
        pivots = list(self.diagonal + damping * weights.mean() * torch.eye(weights.shape[1], dtype=weights.dtype))
        rights = list(-self.gradient)
        for i in range(1, len(pivots)):
            eliminated = torch.linalg.solve(pivots[i - 1], self.above[i - 1]).mT  # block below times inverse pivot
            pivots[i] = pivots[i] - eliminated @ self.above[i - 1]
            rights[i] = rights[i] - eliminated @ rights[i - 1]
        steps = [torch.linalg.solve(pivots[-1], rights[-1])]
        for i in range(len(pivots) - 2, -1, -1):
            steps.append(torch.linalg.solve(pivots[i], rights[i] - self.above[i] @ steps[-1]))
        return torch.stack(steps[::-1])

    def expected_decrease(self, step: Float64[Tensor, "n a"]) -> float:
        """By how much the model falls along a step."""
        bent = torch.einsum("na,nab,nb->", step, self.diagonal, step)
        bent = bent + 2 * torch.einsum("na,nab,nb->", step[:-1], self.above, step[1:])
        return float(-(self.gradient * step).sum() - bent / 2)


def _hidden_length(decode: DecodePoints, curve: Curve) -> float:
    points = curve.points
    doubled = torch.cat(
        [torch.stack([points[:-1], points[:-1].lerp(points[1:], 0.5)], dim=1).flatten(0, 1), points[-1:]]
    )
    finer = measure_curve(decode, doubled).length
    if curve.length > 0:
        return finer / curve.length - 1
    return math.inf if finer > 0 else 0.0


@torch.no_grad()
def _energy(decode: DecodePoints, points: Tensor) -> float:
    steps = decode(points).flatten(start_dim=1).double().diff(dim=0)
    return len(steps) * float(steps.square().sum())


@torch.no_grad()
def _linearised(decode: DecodePoints, points: Tensor) -> tuple[Tensor, Tensor]:
    """Images (T, P) and Jacobians (T, P, A) in float64: one product per direction carries it at all points at once."""
    n_points, n_active = points.shape
    directions = torch.eye(n_active, dtype=points.dtype, device=points.device)[:, None].expand(-1, n_points, -1)

    images, pushed = pushforwards(decode, points, directions)
    return images.flatten(start_dim=1).double(), pushed.flatten(start_dim=2).double().permute(1, 2, 0)
