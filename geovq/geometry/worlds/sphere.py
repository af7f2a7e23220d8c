"""A patch of the unit sphere, with longitude and latitude for coordinates.

A degree of longitude shrinks with the cosine of the latitude, so the shortest way is not the straight line of the chart
but the great circle.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry.worlds.world import World, fractions

_NO_LENGTH = 1e-12  # stands in for the length of a geodesic from a point to itself, where sin(t d) / sin(d) is 0 / 0


@dataclass(frozen=True)
class SphereWorld(World):
    """Unit sphere, metric diag(cos^2 latitude, 1).

    Distances are those of the whole sphere: near the northern and southern edges of the domain a great circle may leave
    the patch, as `contains(geodesic(...))` tells, and shortest paths over landmarks cannot follow it.
    """

    name: str = "sphere"
    domain: tuple[tuple[float, float], ...] = ((-1.4, 1.4), (-1.1, 1.1))
    coordinate_names: tuple[str, ...] = ("longitude", "latitude")
    curvature: float = 1.0

    def embed(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """Unit vectors; the pole is the third axis."""
        longitude, latitude = points.unbind(dim=1)
        parallel = latitude.cos()
        return torch.stack([parallel * longitude.cos(), parallel * longitude.sin(), latitude.sin()], dim=1)

    def metric(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        """diag(cos^2 latitude, 1)."""
        squared = points[:, 1].cos().square()
        return torch.diag_embed(torch.stack([squared, torch.ones_like(squared)], dim=1))

    def geodesic_distance(self, starts: Float[Tensor, "n d"], ends: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Angle between the points, by the haversine formula: exact for close points too."""
        half = (ends - starts) / 2
        parallels = starts[:, 1].cos() * ends[:, 1].cos()
        haversine = half[:, 1].sin().square() + parallels * half[:, 0].sin().square()
        return 2 * haversine.sqrt().clamp(max=1).asin()

    def geodesic(self, start: Float[Tensor, " d"], end: Float[Tensor, " d"], n_points: int) -> Float[Tensor, "t d"]:
        """The great circle, by spherical linear interpolation (Shoemake 1985)."""
        t, ends = fractions(start, n_points), torch.stack([start, end])
        angle = self.geodesic_distance(ends[:1], ends[1:]).clamp_min(_NO_LENGTH)
        first, last = self.embed(ends)
        x, y, z = (((1 - t) * angle).sin() * first + (t * angle).sin() * last).unbind(dim=1)
        return torch.stack([torch.atan2(y, x), torch.atan2(z, torch.hypot(x, y))], dim=1)
