"""The Swiss roll: a rectangle of paper, rolled up.

Paper does not stretch, so the unrolled sheet (arc length, height) is flat and its straight lines are the geodesics. The
chart is the angle of the roll, which runs faster the further out it is: latent steps of one size are longer outside.

Source: the data set of Tenenbaum, de Silva, Langford (2000), with scikit-learn's ranges.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry.worlds.world import World, fractions

_NEWTON_STEPS = 10  # from a start within a factor of 2 the error squares every step: six are enough for float64


@dataclass(frozen=True)
class SwissRollWorld(World):
    """Archimedean spiral times a line, metric diag(1 + angle^2, 1)."""

    name: str = "swiss roll"
    domain: tuple[tuple[float, float], ...] = ((1.5 * math.pi, 4.5 * math.pi), (0.0, 21.0))
    coordinate_names: tuple[str, ...] = ("angle", "height")
    curvature: float = 0.0

    def embed(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """(angle cos angle, height, angle sin angle)."""
        angle, height = points.unbind(dim=1)
        return torch.stack([angle * angle.cos(), height, angle * angle.sin()], dim=1)

    def metric(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        """diag(1 + angle^2, 1)."""
        squared = 1 + points[:, 0].square()
        return torch.diag_embed(torch.stack([squared, torch.ones_like(squared)], dim=1))

    def geodesic_distance(self, starts: Float[Tensor, "n d"], ends: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Distance on the unrolled sheet."""
        distances: Tensor = torch.linalg.vector_norm(unrolled(ends) - unrolled(starts), dim=1)
        return distances

    def geodesic(self, start: Float[Tensor, " d"], end: Float[Tensor, " d"], n_points: int) -> Float[Tensor, "t d"]:
        """The straight line of the unrolled sheet."""
        first, last = unrolled(torch.stack([start, end]))
        return _rolled(torch.lerp(first, last, fractions(start, n_points)))


def unrolled(points: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
    """(angle, height) -> (arc length of the spiral from its centre, height): an isometry to the plane."""
    angle, height = points.unbind(dim=1)
    return torch.stack([(angle * (1 + angle.square()).sqrt() + angle.asinh()) / 2, height], dim=1)


def _rolled(sheet: Tensor) -> Tensor:
    arc, height = sheet.unbind(dim=1)
    angle = (2 * arc).sqrt()  # never below the root of the convex arc length, so Newton's steps all go down to it
    for _ in range(_NEWTON_STEPS):
        speed = (1 + angle.square()).sqrt()
        angle = angle - ((angle * speed + angle.asinh()) / 2 - arc) / speed
    return torch.stack([angle, height], dim=1)
