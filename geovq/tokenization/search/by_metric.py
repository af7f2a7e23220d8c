"""A round of joint search by the lattice metric: the decoder is linear for as long as cells are chosen.

A linearisation takes long, and its errors are known as soon as the chosen tokens are decoded. So it is used several
times: the residual is that of the decoded tokens, only the Jacobian stays. Where the decoded objective of an image did
not fall, its next steps are damped (Levenberg 1944); where it fell, they become free again.
"""

import torch
from torch import Tensor

from geovq.geometry.metric.linearisation import LinearisationPlan, linearise
from geovq.tokenization.search.candidates import colour_groups, nearest_codes, with_current
from geovq.tokenization.search.problem import Problem, Standing, Targets
from geovq.tokenization.search.sweeps import ColouredMetric, QuadraticError, sweep_candidates

_USES_PER_LINEARISATION = 5
_MOST_SWEEPS = 5


@torch.no_grad()
def round_by_metric(problem: Problem, plan: LinearisationPlan, targets: Targets, standing: Standing) -> Standing:
    """Linearise at the tokens, then choose tokens and decode them a few times; never worse for any image.

    Parameters
    ----------
    problem : Problem
    plan : LinearisationPlan
        Of the problem's decoder, basis and colouring.
    targets : Targets
    standing : Standing
    """
    linear = linearise(problem.decoder, problem.lattices(standing.tokens), plan)
    blocks = linear.blocks()
    near = nearest_codes(targets.points, blocks[:, :, 0], problem.codes, problem.n_candidates)
    spacing, couples = plan.colouring.spacing, problem.prices.couples_neighbours
    colours = colour_groups(standing.tokens.shape[1:], spacing, couples, near.device)
    metric = ColouredMetric.of(blocks, plan.overlaps.neighbours, colours)
    damping = targets.images.new_zeros(len(near))
    active = torch.arange(len(near), device=near.device)
    for _ in range(_USES_PER_LINEARISATION):
        now = standing.at(active)
        pulled = linear.pull(targets.images - standing.means)[active]
        tokens = _choose(problem, QuadraticError(metric, pulled), near[active], now.tokens, damping[active])
        moved = (tokens != now.tokens).flatten(1).any(dim=1).nonzero().squeeze(1)
        if not len(moved):
            break
        # An image that stayed would stay again: its residual is the same, and damping only holds it back.
        now, active, metric = now.at(moved), active[moved], metric.at(moved)
        better = now.with_better(problem.measure(tokens[moved], targets.images[active]), problem.bit_price)
        fell = (better.tokens != now.tokens).flatten(1).any(dim=1)
        damping[active] = torch.where(fell, damping[active] / 3, 3 * damping[active] + 1)
        standing = standing.replaced(active, better)
    return standing


def _choose(problem: Problem, error: QuadraticError, near: Tensor, tokens: Tensor, damping: Tensor) -> Tensor:
    candidates = with_current(near, tokens)  # (n, L, 1 + C)
    coordinates = problem.codes[candidates]
    on_grid = candidates.reshape(*tokens.shape, -1)
    return sweep_candidates(
        error,
        coordinates - coordinates[:, :, :1],
        on_grid,
        problem.prices.of_candidates(tokens, on_grid),
        problem.bit_price,
        _MOST_SWEEPS,
        damping,
    )
