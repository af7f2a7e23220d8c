"""The plane, and a stretched plane: decoders that multiply with one matrix M.

The metric is M^T M everywhere, so geodesics are straight lines; their length depends on their direction.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry.worlds.world import World, fractions

_DOMAIN = ((-2.0, 2.0), (-2.0, 2.0))


@dataclass(frozen=True)
class LinearWorld(World):
    """The image of latent space under one matrix.

    Attributes
    ----------
    name : str
    matrix : tuple of C rows of D float
        Full column rank.
    """

    name: str
    matrix: tuple[tuple[float, ...], ...]
    domain: tuple[tuple[float, float], ...] = _DOMAIN
    coordinate_names: tuple[str, ...] = ("x", "y")
    curvature: float = 0.0

    def embed(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """M y."""
        return points @ points.new_tensor(self.matrix).T

    def metric(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        """M^T M, the same everywhere."""
        matrix = points.new_tensor(self.matrix)
        return (matrix.T @ matrix).repeat(len(points), 1, 1)

    def geodesic_distance(self, starts: Float[Tensor, "n d"], ends: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """|M (end - start)|."""
        distances: Tensor = torch.linalg.vector_norm(self.embed(ends - starts), dim=1)
        return distances

    def geodesic(self, start: Float[Tensor, " d"], end: Float[Tensor, " d"], n_points: int) -> Float[Tensor, "t d"]:
        """The straight line."""
        return torch.lerp(start, end, fractions(start, n_points))


def plane() -> LinearWorld:
    """An isometry: latent distances are distances."""
    return LinearWorld("plane", ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0)))


def scaled_plane(stretches: tuple[float, float] = (2.0, 0.5), angle: float = math.pi / 6) -> LinearWorld:
    """A plane that stretches one direction, at `angle` radians from the first axis, more than the other."""
    cosine, sine = math.cos(angle), math.sin(angle)
    along, across = stretches
    rows = ((along * cosine, along * sine), (-across * sine, across * cosine), (0.0, 0.0))
    return LinearWorld("scaled plane", rows)
