"""Codes that compete for a cell, and cells that may be chosen at once."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor


def nearest_codes(
    points: Float[Tensor, "n cells a"],
    metrics: Float[Tensor, "n cells a a"],
    codes: Float[Tensor, "k a"],
    n_candidates: int,
) -> Int64[Tensor, "n cells c"]:
    """Codes nearest to each point under its own metric, nearest first.

    Parameters
    ----------
    points : Tensor of shape (n, L, A)
    metrics : Tensor of shape (n, L, A, A)
    codes : Tensor of shape (K, A)
    n_candidates : int
        At most K.
    """
    # (y - c)^T G (y - c) up to a constant: one product of A^2 + A numbers for each cell with as many for each code.
    outer = (codes[:, :, None] * codes[:, None, :]).flatten(1)  # (K, A^2)
    towards = (metrics @ points[..., None]).squeeze(-1)  # (n, L, A)
    features = torch.cat([metrics.flatten(2), -2 * towards], dim=2)
    distances = features @ torch.cat([outer, codes], dim=1).T  # (n, L, K)
    return distances.topk(n_candidates, dim=2, largest=False).indices


def with_current(near: Int64[Tensor, "n cells c"], tokens: Int64[Tensor, "n h w"]) -> Int64[Tensor, "n cells c1"]:
    """Candidates with the token that stands in front: a cell may always keep it."""
    return torch.cat([tokens.flatten(1)[..., None], near], dim=2)


def colour_groups(
    grid: Sequence[int], spacing: tuple[int, int], couples_neighbours: bool, device: torch.device
) -> list[Int64[Tensor, " s"]]:
    """Cells that may be chosen at once: multiples of the spacing of the decoder's colouring apart.

    Parameters
    ----------
    grid : two integers
        Rows H and columns W.
    spacing : (int, int)
        Rows and columns after which footprints are disjoint.
    couples_neighbours : bool
        Whether cells that touch depend on each other besides.
    device : torch.device
    """
    height, width = grid
    least = 2 if couples_neighbours else 1
    down, right = min(max(spacing[0], least), height), min(max(spacing[1], least), width)
    cells = torch.arange(height * width, device=device)
    colours = cells // width % down * right + cells % width % right
    return [cells[colours == colour] for colour in range(down * right)]
