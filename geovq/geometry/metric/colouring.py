"""Which cells of a lattice may be differentiated together.

Cells whose footprints are disjoint can carry a tangent in the same Jacobian-vector product, because every pixel then
answers to one of them only. They share a colour; colours return at regular distances.

Source: Curtis, Powell, Reid (1974), "On the Estimation of Sparse Jacobian Matrices".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from geovq.geometry.metric.footprint import Decode, Footprints, probe_footprints


@dataclass(frozen=True)
class ColouringSummary:
    """How the cells of a lattice shared Jacobian-vector products.

    Attributes
    ----------
    n_cells : int
        Cells of one lattice.
    n_colours : int
        Jacobian-vector products per lattice and direction.
    spacing : (int, int)
        Rows and columns after which a colour returns.
    footprint : (int, int)
        Rows and columns of pixels of the largest box that one cell can change.
    """

    n_cells: int
    n_colours: int
    spacing: tuple[int, int]
    footprint: tuple[int, int]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Inverse of `dataclasses.asdict` followed by JSON, which turns pairs into lists."""
        return cls(values["n_cells"], values["n_colours"], tuple(values["spacing"]), tuple(values["footprint"]))

    @property
    def is_local(self) -> bool:
        """Whether any two cells shared a product; False means one colour per cell."""
        return self.n_colours < self.n_cells

    def sentence(self) -> str:
        """For a log or a caption."""
        rows, columns = self.footprint
        if not self.is_local:
            return (
                f"One cell changes up to {rows} × {columns} pixels, so every cell has a colour of its own: "
                f"{self.n_colours} products per direction."
            )
        return (
            f"One cell changes up to {rows} × {columns} pixels, so {self.n_colours} colours serve all "
            f"{self.n_cells} cells."
        )


@dataclass(frozen=True)
class CellColouring:
    """A partition of the cells of a lattice into groups with disjoint footprints.

    Attributes
    ----------
    footprints : Footprints
        Pixels that each of the H * W cells can change.
    colours : Tensor of shape (H * W,)
        Group of every cell.
    spacing : (int, int)
        Rows and columns after which a colour returns.
    """

    footprints: Footprints
    colours: Int[Tensor, " cells"]
    spacing: tuple[int, int]

    @property
    def n_colours(self) -> int:
        """Number of groups: Jacobian-vector products per direction."""
        return int(self.colours.max()) + 1

    def summary(self) -> ColouringSummary:
        """The numbers that are written into files and shown."""
        return ColouringSummary(len(self.colours), self.n_colours, self.spacing, self.footprints.largest_box)


def colour_cells(decode: Decode, lattice: Float[Tensor, "d h w"]) -> CellColouring:
    """Find the smallest regular spacing at which footprints do not overlap; parameters as for `probe_footprints`.

    A decoder whose footprints are unknown, or the whole image, gets one colour per cell.
    """
    _, height, width = lattice.shape
    footprints = probe_footprints(decode, lattice)
    touched = footprints.masks.float()
    spacing = _smallest_spacing(((touched @ touched.T) > 0).cpu(), height, width)
    cells = torch.arange(height * width, device=lattice.device)
    colours = cells // width % spacing[0] * spacing[1] + cells % width % spacing[1]
    return CellColouring(footprints, colours, spacing)


def _smallest_spacing(overlap: Tensor, height: int, width: int) -> tuple[int, int]:
    """Fewest rows x columns after which a colour may return; as square as possible among equals."""
    rows, columns = torch.arange(height * width) // width, torch.arange(height * width) % width
    tails, heads = overlap.nonzero(as_tuple=True)
    conflicts = torch.zeros(height, width, dtype=torch.bool)  # by the offset between two cells
    conflicts[(rows[tails] - rows[heads]).abs(), (columns[tails] - columns[heads]).abs()] = True
    conflicts[0, 0] = False
    spacings = sorted(product(range(1, height + 1), range(1, width + 1)), key=lambda s: (s[0] * s[1], abs(s[0] - s[1])))
    # Cells of one colour differ by multiples of the spacing. At (height, width) no two cells share one.
    return next((down, right) for down, right in spacings if not conflicts[::down, ::right].any())
