"""A round of joint search by decoding every candidate: slow, exact, and for any decoder.

All cells of one colour try their candidates in the same decoder pass. Their footprints are disjoint, so that the error
within each footprint tells which candidate is best for its cell; the decoded objective never rises.
"""

import torch
from jaxtyping import Int64
from torch import Tensor

from geovq.tokenization.search.candidates import colour_groups, with_current
from geovq.tokenization.search.problem import Problem, Standing, Targets

_MOST_SWEEPS = 5


@torch.no_grad()
def round_by_trial(
    problem: Problem, near: Int64[Tensor, "n cells c"], targets: Targets, standing: Standing
) -> Standing:
    """Sweeps over all cells, until no token changes or five at most.

    Parameters
    ----------
    problem : Problem
    near : Tensor of shape (n, L, C)
        Codes that compete for each cell with the one that it has.
    targets : Targets
    standing : Standing
    """
    tokens = standing.tokens
    grid = tokens.shape[1:]
    candidates = with_current(near, tokens)  # (n, L, 1 + C)
    prices = problem.prices.of_candidates(tokens, candidates.reshape(*tokens.shape, -1))
    colours = colour_groups(grid, problem.colouring.spacing, problem.prices.couples_neighbours, tokens.device)
    for _ in range(_MOST_SWEEPS):
        before = tokens
        for cells in colours:
            owners = problem.colouring.footprints.masks[cells].to(targets.images.dtype).T  # (P, s)
            trials = [_with_candidate(tokens, candidates, cells, c) for c in range(candidates.shape[2])]
            errors = torch.stack(
                [_errors(problem, trial, targets) @ owners for trial in trials], dim=2
            )  # (n, s, C + 1)
            best = (errors + problem.bit_price * prices(tokens, cells)).argmin(dim=2)  # (n, s)
            chosen = candidates[:, cells].gather(2, best[..., None]).squeeze(2)
            tokens = tokens.flatten(1).index_copy(1, cells, chosen).reshape(tokens.shape)
        if torch.equal(tokens, before):
            break
    return standing.with_better(problem.measure(tokens, targets.images), problem.bit_price)


def _with_candidate(tokens: Tensor, candidates: Tensor, cells: Tensor, candidate: int) -> Tensor:
    changed = tokens.flatten(1).index_copy(1, cells, candidates[:, cells, candidate])
    return changed.reshape(tokens.shape)


def _errors(problem: Problem, tokens: Tensor, targets: Targets) -> Tensor:
    """Squared error of every pixel, (n, P)."""
    return (targets.images - problem.decoder(problem.lattices(tokens)).flatten(start_dim=1)).square()
