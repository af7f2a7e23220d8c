"""Decoders whose metric and geodesics are known in closed form; they can be used wherever a trained one can.

A world maps each cell of a lattice, on its own, to a point of R^C: the C coordinates are the channels of one "pixel".
So a lattice of H by W cells decodes to H * W points, a 1 by 1 lattice to a single one. `world.decode` takes lattices,
as a trained decoder does; `world.embed` is the same map for points, from (n, D) to (n, C).
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.lattice import cells_of, lattices_of, require_lattices
from geovq.randomness import make_generator


class World(ABC):
    """A surface in R^C with a chart, its metric and its geodesics.

    Attributes
    ----------
    name : str
    coordinate_names : tuple of D str
        What the latent channels are called on the surface.
    domain : tuple of D pairs (low, high)
        Box of latent space on which all closed forms hold; the decoder stays finite well beyond it.
    curvature : float
        Gaussian curvature, the same at every point.
    """

    name: str
    coordinate_names: tuple[str, ...]
    domain: tuple[tuple[float, float], ...]
    curvature: float

    @abstractmethod
    def embed(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """Points of the surface, differentiable; type and device as given."""

    @abstractmethod
    def metric(self, points: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        """Pullback metric J^T J in closed form."""

    @abstractmethod
    def geodesic_distance(self, starts: Float[Tensor, "n d"], ends: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """Length of the shortest curve between each pair, in closed form; unit: L2 in R^C."""

    @abstractmethod
    def geodesic(self, start: Float[Tensor, " d"], end: Float[Tensor, " d"], n_points: int) -> Float[Tensor, "t d"]:
        """`n_points` points of the shortest curve, evenly spaced along it, both ends included."""

    @property
    def n_coordinates(self) -> int:
        """Latent channels D."""
        return len(self.domain)

    def decode(self, lattices: Float[Tensor, "b d h w"]) -> Float[Tensor, "b c h w"]:
        """Every cell's point of the surface; cells and rows do not interact.

        Raises
        ------
        ShapeError
            If lattices are not (B, D, H, W) with this world's D.
        """
        require_lattices(lattices)
        if lattices.shape[1] != self.n_coordinates:
            raise ShapeError(
                f"lattices must have {self.n_coordinates} channels, the coordinates of the world {self.name!r}; "
                f"got {tuple(lattices.shape)}."
            )
        return lattices_of(self.embed(cells_of(lattices)), *lattices.shape[2:])

    def sample(self, n_lattices: int, *, height: int = 1, width: int = 1, seed: int = 0) -> Float[Tensor, "n d h w"]:
        """Lattices whose cells are uniform in the domain, float32.

        Raises
        ------
        InvalidValueError
            If a count is below 1.
        """
        if min(n_lattices, height, width) < 1:
            raise InvalidValueError(
                f"n_lattices, height and width must be at least 1; got {n_lattices}, {height} and {width}."
            )
        low, high = torch.tensor(self.domain).T
        generator = make_generator(seed, f"world.{self.name}")
        uniform = torch.rand(n_lattices * height * width, self.n_coordinates, generator=generator)
        return lattices_of(low + (high - low) * uniform, height, width)

    def contains(self, points: Float[Tensor, "n d"]) -> Bool[Tensor, " n"]:
        """Which points lie in the domain."""
        low, high = points.new_tensor(self.domain).T
        inside: Tensor = ((points >= low) & (points <= high)).all(dim=1)
        return inside


def fractions(like: Float[Tensor, " d"], n_points: int) -> Float[Tensor, "t 1"]:
    """0 to 1 in `n_points` even steps, as a column.

    Raises
    ------
    InvalidValueError
        If there are fewer than two points.
    """
    if n_points < 2:
        raise InvalidValueError(f"A curve needs n_points of at least 2, its two ends; got {n_points}.")
    return torch.linspace(0, 1, n_points, dtype=like.dtype, device=like.device)[:, None]
