"""How the cells of a lattice act on the same pixels: one number for each pair of them, from the lattice metric.

Steps d_i and d_j of two cells change the picture by J_i d_i and J_j d_j. The cosine of the angle between the two
changes, <J_i d_i, J_j d_j> / (|J_i d_i| |J_j d_j|), is 1 where they do the same, 0 where they share no pixel or meet at
right angles, and below 0 where they cancel. Its numerator is d_i^T M_ij d_j, with a block of the lattice metric.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry.metric.lattice_metric import LatticeMetric


def coupling_of_equal_steps(metric: LatticeMetric, position: tuple[int, int]) -> Float[Tensor, "h w"]:
    """Cosine between what a cell and every other one change, where both take the same steps, in all directions alike.

    The changes of all A directions are laid side by side, so that inner products are traces of blocks.

    Parameters
    ----------
    metric : LatticeMetric
        Of one lattice.
    position : (int, int)
        Row and column of the cell.

    Returns
    -------
    Tensor of shape (H, W)
        In [-1, 1]: 1 in the cell itself, 0 in cells that share no pixel with it or that change none.

    Raises
    ------
    ShapeError
        If the metric is that of several lattices.
    InvalidValueError
        If the position is outside the lattice.
    """
    products = metric.blocks.diagonal(dim1=-2, dim2=-1).sum(dim=-1)  # (L, M)
    return _cosines(metric, products, position)


def coupling_of_steps(
    metric: LatticeMetric, position: tuple[int, int], steps: Float[Tensor, "h w a"]
) -> Float[Tensor, "h w"]:
    """Cosine between what the step of a cell and that of every other one change in the picture.

    Parameters
    ----------
    metric : LatticeMetric
        Of one lattice.
    position : (int, int)
        Row and column of the cell.
    steps : Tensor of shape (H, W, A)
        Of all cells, such as from a latent to its code.

    Returns
    -------
    Tensor of shape (H, W)
        As of `coupling_of_equal_steps`.

    Raises
    ------
    ShapeError
        If the metric is that of several lattices, or there is not one step for each cell.
    InvalidValueError
        If the position is outside the lattice.
    """
    if tuple(steps.shape) != (*metric.grid, metric.n_active):
        raise ShapeError(
            f"steps must hold one step for each cell, shape {(*metric.grid, metric.n_active)}; got "
            f"{tuple(steps.shape)}."
        )
    flat = steps.flatten(0, 1)  # (L, A)
    products = torch.einsum("ia,imab,imb->im", flat, metric.blocks, flat[metric.neighbours])
    return _cosines(metric, products, position)


def _cosines(metric: LatticeMetric, products: Float[Tensor, "cells m"], position: tuple[int, int]) -> Tensor:
    if metric.blocks.ndim != 4:
        raise ShapeError(f"metric must be that of one lattice, (L, M, A, A); got {tuple(metric.blocks.shape)}.")
    (height, width), (row, column) = metric.grid, position
    if not (0 <= row < height and 0 <= column < width):
        raise InvalidValueError(f"position must be a cell of the {height} by {width} lattice; got {position}.")
    cell = row * width + column
    lengths = products[:, 0].clamp_min(0).sqrt()  # of the changes that single cells make; every cell is its first
    others = metric.neighbours[cell][metric.is_pair[cell]]
    scale = lengths[cell] * lengths[others]
    cosines = torch.where(scale > 0, products[cell][metric.is_pair[cell]] / scale, 0.0)
    found = products.new_zeros(height * width)
    found[others] = cosines.clamp(-1, 1)
    return found.reshape(height, width)
