"""Iterated conditional modes: each cell takes the best of its candidates while all others stay, over and over.

The error of a lattice is a quadratic form of the steps of all cells, |r - J d|^2, so that a change of one cell needs
nothing but the blocks of the lattice metric. Cells without a common block are chosen at once; the objective never
rises.

Source: Besag (1986), "On the statistical analysis of dirty pictures".
"""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.tokenization.search.prices import CellPrices


@dataclass(frozen=True)
class ColouredMetric:
    """Blocks of J^T J, gathered by the cells that may be chosen at once.

    Attributes
    ----------
    own : Tensor of shape (n, L, A, A)
        Of each cell with itself.
    colours : list of Tensors of shape (s,)
        Numbers of cells that may be chosen at once; together all cells.
    around : list of Tensors of shape (s, M - 1)
        Their neighbours.
    coupling : list of Tensors of shape (n, s, A, (M - 1) * A)
        Blocks with those.
    """

    own: Float[Tensor, "n cells a a"]
    colours: list[Int64[Tensor, " _"]]
    around: list[Int64[Tensor, "_ m1"]]
    coupling: list[Float[Tensor, "n _ a m1a"]]

    @classmethod
    def of(
        cls,
        blocks: Float[Tensor, "n cells m a a"],
        neighbours: Int64[Tensor, "cells m"],
        colours: list[Int64[Tensor, " _"]],
    ) -> Self:
        """From the blocks of each cell and its `neighbours`, the first of which is the cell itself."""
        around = [neighbours[cells, 1:] for cells in colours]
        coupling = [blocks[:, cells, 1:].transpose(2, 3).flatten(3) for cells in colours]
        return cls(blocks[:, :, 0], colours, around, coupling)

    def at(self, rows: Int64[Tensor, " k"]) -> "ColouredMetric":
        """Of some of the lattices."""
        if len(rows) == len(self.own):
            return self
        return ColouredMetric(self.own[rows], self.colours, self.around, [part[rows] for part in self.coupling])


@dataclass(frozen=True)
class QuadraticError:
    """|r - J d|^2 of steps d of all cells, up to the constant |r|^2.

    Attributes
    ----------
    metric : ColouredMetric
    pulled : Tensor of shape (n, L, A)
        J^T r.
    """

    metric: ColouredMetric
    pulled: Float[Tensor, "n cells a"]


def sweep_candidates(
    error: QuadraticError,
    steps: Float[Tensor, "n cells c a"],
    candidates: Int64[Tensor, "n h w c"],
    prices: CellPrices,
    bit_price: float,
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
    n_sweeps : int
        At most.
    damping : Tensor of shape (n,)
        Share by which the error of every step of an image is raised, so that steps become smaller (Levenberg 1944).
    """
    n, n_cells, _, n_active = steps.shape
    metric = error.metric
    curvature = (1 + damping[:, None, None]) * ((steps @ metric.own) * steps).sum(dim=-1)  # (n, L, C)
    parts = [
        (cells, around, coupling, steps[:, cells], curvature[:, cells], error.pulled[:, cells, :, None])
        for cells, around, coupling in zip(metric.colours, metric.around, metric.coupling, strict=True)
    ]
    standing = steps.new_zeros(n, n_cells, n_active)
    choice = torch.zeros(n, n_cells, dtype=torch.int64, device=steps.device)
    codes = candidates.flatten(1, 2)  # (n, L, C)
    tokens = codes[:, :, 0].clone()
    for _ in range(n_sweeps):
        before = choice.clone()
        for cells, around, coupling, step, bend, pulled in parts:
            slope = pulled - coupling @ standing[:, around].flatten(2)[..., None]  # (n, s, A, 1)
            cost = bend - 2 * (step @ slope).squeeze(-1)  # (n, s, C)
            cost = cost + bit_price * prices(tokens.view(candidates.shape[:3]), cells)
            best = cost.argmin(dim=2, keepdim=True)
            choice[:, cells] = best.squeeze(2)
            tokens[:, cells] = codes[:, cells].gather(2, best).squeeze(2)
            standing[:, cells] = step.gather(2, best[..., None].expand(-1, -1, 1, n_active)).squeeze(2)
        if torch.equal(choice, before):
            break
    return tokens.view(candidates.shape[:3])
