"""Which pixels a lattice cell can change, and which cells may be differentiated together.

Cells whose footprints are disjoint can carry a tangent in the same Jacobian-vector product, because every pixel then
answers to one of them only.

Source: Curtis, Powell, Reid (1974), "On the Estimation of Sparse Jacobian Matrices".
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Bool, Int
from torch import Tensor

Decode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CellColouring:
    """A partition of the cells of a lattice into groups with disjoint footprints.

    Attributes
    ----------
    footprints : Tensor of shape (H * W, P)
        Whether cell i can change pixel p.
    colours : Tensor of shape (H * W,)
        Group of every cell.
    spacing : (int, int)
        Rows and columns after which a colour returns.
    """

    footprints: Bool[Tensor, "cells pixels"]
    colours: Int[Tensor, " cells"]
    spacing: tuple[int, int]

    @property
    def n_colours(self) -> int:
        """Number of groups: Jacobian-vector products per direction."""
        return int(self.colours.max()) + 1

    @property
    def is_local(self) -> bool:
        """Whether any two cells share a product; False means one colour per cell."""
        return self.n_colours < len(self.colours)


@torch.no_grad()
def colour_cells(decode: Decode, lattice: Tensor) -> CellColouring:
    """Probe a decoder's footprints and colour its cells.

    A NaN put into one cell reaches exactly the pixels that depend on it, whatever the weights and the context: one
    decoder pass over H * W poisoned copies of one lattice finds every footprint. Where the poison gets lost (a decoder
    that replaces NaN) nothing is known, and every cell gets a colour of its own.

    Parameters
    ----------
    decode : callable
        (B, D, H, W) -> (B, ...), rows independent.
    lattice : Tensor of shape (D, H, W)
        Any lattice; gives shape, type and device.
    """
    _, height, width = lattice.shape
    poisoned = lattice.repeat(height * width, 1, 1, 1)
    cells = torch.arange(height * width, device=lattice.device)
    poisoned[cells, :, cells // width, cells % width] = torch.nan
    footprints = decode(poisoned).flatten(start_dim=1).isnan()  # (cells, pixels)
    if not footprints.any(dim=1).all():
        footprints = torch.ones_like(footprints)
    overlap = (footprints.float() @ footprints.float().T) > 0  # (cells, cells)
    rows, columns = cells // width, cells % width
    spacings = sorted(product(range(1, height + 1), range(1, width + 1)), key=lambda s: (s[0] * s[1], abs(s[0] - s[1])))
    for down, right in spacings:  # ends at (height, width), where no two cells share a colour
        colours = rows % down * right + columns % right
        if not (overlap & (colours[:, None] == colours[None])).fill_diagonal_(False).any():
            break
    return CellColouring(footprints, colours, (down, right))
