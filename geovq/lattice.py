"""Lattices as lists of cells, and back.

A lattice batch is `(B, D, H, W)`; its cells, in image-major raster order, are `(B * H * W, D)`. Other
code calls these functions and does not permute axes itself, so that rows and columns are never exchanged by mistake.
"""

from jaxtyping import Shaped
from torch import Tensor

from geovq.errors import ShapeError


def cells_of(lattices: Shaped[Tensor, "b d h w"]) -> Shaped[Tensor, "cells d"]:
    """Cells of a batch of lattices, in image-major raster order.

    Parameters
    ----------
    lattices : Tensor of shape (B, D, H, W)

    Returns
    -------
    Tensor of shape (B * H * W, D)

    Raises
    ------
    ShapeError
        If `lattices` does not have four axes.
    """
    require_lattices(lattices)
    return lattices.permute(0, 2, 3, 1).reshape(-1, lattices.shape[1])


def lattices_of(cells: Shaped[Tensor, "cells d"], height: int, width: int) -> Shaped[Tensor, "b d h w"]:
    """Inverse of `cells_of` for lattices of `height` by `width` cells.

    Raises
    ------
    ShapeError
        If the number of cells is not a multiple of `height * width`.
    """
    if cells.ndim != 2 or cells.shape[0] % (height * width):
        raise ShapeError(
            f"cells must be (n * {height} * {width}, D) to fill lattices of {height} by {width}; "
            f"got {tuple(cells.shape)}."
        )
    return cells.reshape(-1, height, width, cells.shape[1]).permute(0, 3, 1, 2).contiguous()


def require_lattices(lattices: Shaped[Tensor, "..."], name: str = "lattices") -> None:
    """Raise `ShapeError` unless the tensor has the four axes (B, D, H, W)."""
    if lattices.ndim != 4:
        raise ShapeError(f"{name} must have shape (B, D, H, W); got {tuple(lattices.shape)}.")
