"""A valley: along its floor images change slowly, on its slopes faster, so the shortest way goes down and up again.

The surface is the one of revolution with constant curvature -1 around a waist. In the chart (distance along the floor,
distance from the floor) its metric is diag(cosh^2 y, 1): magnification cosh y, least on the floor, which is itself a
geodesic. Any two points are joined by one geodesic only, and the hyperbolic plane gives its length in closed form.

Source: do Carmo (1976), "Differential Geometry of Curves and Surfaces", section 3-3, exercise 7 (the surface);
Fermi coordinates and the hyperboloid model of the hyperbolic plane (the distance).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry.worlds.world import World, fractions

_WAIST = 0.5  # radius of the floor's circle; the surface ends where sinh y = 1 / _WAIST, at y = 1.44
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)  # type: ignore[no-untyped-call]  # exact to rounding in the domain
_FLATTEST = 1e-6  # keeps the profile's slope squared, and its derivative, real and finite past the rim
_NO_LENGTH = 1e-12  # stands in for the length of a geodesic from a point to itself, where sinh(t d) / sinh(d) is 0 / 0


@dataclass(frozen=True)
class ValleyWorld(World):
    """Pseudospherical surface of revolution, metric diag(cosh^2 y, 1).

    All geodesics bend to the floor, so none leaves the domain. Distances are those of the chart: in R^3 the surface
    nearly closes behind the waist, but no curve in the domain goes round the back.
    """

    name: str = "valley"
    domain: tuple[tuple[float, float], ...] = ((-1.5, 1.5), (-1.3, 1.3))
    coordinate_names: tuple[str, ...] = ("along the floor", "away from the floor")
    curvature: float = -1.0

    def embed(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """(radius cos angle, radius sin angle, height), radius = waist cosh y."""
        along, away = points.unbind(dim=1)
        radius, angle = _WAIST * away.cosh(), along / _WAIST
        return torch.stack([radius * angle.cos(), radius * angle.sin(), _height(away)], dim=1)

    def metric(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        """diag(cosh^2 y, 1)."""
        squared = points[:, 1].cosh().square()
        return torch.diag_embed(torch.stack([squared, torch.ones_like(squared)], dim=1))

    def geodesic_distance(self, starts: Float[Tensor, "n d"], ends: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Hyperbolic distance, in the form of the haversine formula: exact for close points too."""
        half = (ends - starts) / 2
        slopes = starts[:, 1].cosh() * ends[:, 1].cosh()
        return 2 * (half[:, 1].sinh().square() + slopes * half[:, 0].sinh().square()).sqrt().asinh()

    def geodesic(self, start: Float[Tensor, " d"], end: Float[Tensor, " d"], n_points: int) -> Float[Tensor, "t d"]:
        """Interpolation on the hyperboloid t^2 - u^2 - v^2 = 1."""
        fraction, ends = fractions(start, n_points), torch.stack([start, end])
        length = self.geodesic_distance(ends[:1], ends[1:]).clamp_min(_NO_LENGTH)
        along, away = ends.unbind(dim=1)
        corners = torch.stack([away.cosh() * along.cosh(), away.cosh() * along.sinh(), away.sinh()], dim=1)
        weights = torch.cat([((1 - fraction) * length).sinh(), (fraction * length).sinh()], dim=1) / length.sinh()
        t, u, v = (weights @ corners).unbind(dim=1)
        return torch.stack([(u / t).atanh(), v.asinh()], dim=1)


def _height(away: Tensor) -> Tensor:
    """Integral of sqrt(1 - radius'^2) from the floor to `away`: then steps away from the floor keep their length."""
    u = away[:, None] * away.new_tensor((_NODES + 1) / 2)
    slope = (1 - (_WAIST * u.sinh()).square()).clamp_min(_FLATTEST).sqrt()
    return away * (slope @ away.new_tensor(_WEIGHTS / 2))
