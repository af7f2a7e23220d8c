"""Iterated conditional modes: each cell takes the best of its candidates while all others stay, over and over.

The error of a lattice is a quadratic form of the steps of all cells, |r - J d|^2, so that a change of one cell needs
nothing but the blocks of the lattice metric. Cells without a common block are chosen at once; the objective never
rises.

Source: Besag (1986), "On the statistical analysis of dirty pictures".
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.tokenization.search.prices import CellPrices


@dataclass(frozen=True)
class QuadraticError:
    """|r - J d|^2 of steps d of all cells, up to the constant |r|^2.

    Attributes
    ----------
    blocks : Tensor of shape (n, L, M, A, A)
        Of J^T J, for each cell and its `neighbours`; the first is the cell itself.
    neighbours : Tensor of shape (L, M)
    pulled : Tensor of shape (n, L, A)
        J^T r.
    """

    blocks: Float[Tensor, "n cells m a a"]
    neighbours: Int64[Tensor, "cells m"]
    pulled: Float[Tensor, "n cells a"]


def sweep_candidates(
    error: QuadraticError,
    steps: Float[Tensor, "n cells c a"],
    candidates: Int64[Tensor, "n h w c"],
    prices: CellPrices,
    bit_price: float,
    colours: list[Int64[Tensor, " s"]],
    n_sweeps: int,
    damping: Float[Tensor, " n"],
) -> Int64[Tensor, "n h w"]:
    """Tokens after some sweeps over all cells, which end early where no cell changes any more.

    Parameters
    ----------
    error : QuadraticError
    steps : Tensor of shape (n, L, C, A)
        From the cell, where the error is 0, to each candidate; the first candidate is where it stands: a step of 0.
    candidates : Tensor of shape (n, H, W, C)
        Codes.
    prices : callable
        Bits of the candidates of some cells, given all tokens.
    bit_price : float
        Squared pixel error that a bit is worth.
    colours : list of Tensors
        Numbers of cells that may be chosen at once; together all cells.
    n_sweeps : int
        At most.
    damping : Tensor of shape (n,)
        Share by which the error of every step of an image is raised, so that steps become smaller (Levenberg 1944).
    """
    n, n_cells, _, n_active = steps.shape
    own = error.blocks[:, :, 0]  # (n, L, A, A)
    curvature = (1 + damping[:, None, None]) * ((steps @ own) * steps).sum(dim=-1)  # (n, L, C)
    others = error.blocks[:, :, 1:].transpose(2, 3).flatten(3)  # (n, L, A, (M - 1) * A)
    parts = [(cells, others[:, cells], error.neighbours[cells, 1:]) for cells in colours]
    standing = steps.new_zeros(n, n_cells, n_active)
    choice = torch.zeros(n, n_cells, dtype=torch.int64, device=steps.device)
    codes = candidates.flatten(1, 2)  # (n, L, C)
    tokens = codes[:, :, 0].clone()
    for _ in range(n_sweeps):
        before = choice.clone()
        for cells, coupling, neighbours in parts:
            around = standing[:, neighbours].flatten(2)[..., None]  # (n, s, (M - 1) * A, 1)
            slope = error.pulled[:, cells, :, None] - coupling @ around  # (n, s, A, 1)
            cost = curvature[:, cells] - 2 * (steps[:, cells] @ slope).squeeze(-1)  # (n, s, C)
            cost = cost + bit_price * prices(tokens.view(candidates.shape[:3]), cells)
            best = cost.argmin(dim=2, keepdim=True)
            choice[:, cells] = best.squeeze(2)
            tokens[:, cells] = codes[:, cells].gather(2, best).squeeze(2)
            standing[:, cells] = steps[:, cells].gather(2, best[..., None].expand(-1, -1, 1, n_active)).squeeze(2)
        if torch.equal(choice, before):
            break
    return tokens.view(candidates.shape[:3])
