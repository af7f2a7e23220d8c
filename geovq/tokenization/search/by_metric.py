"""A round of joint search by the lattice metric: the decoder is linear for as long as cells are chosen.

A linearisation takes long, and its errors are known as soon as the chosen tokens are decoded. So it is used several
times: the residual is that of the decoded tokens, only the Jacobian stays. Where the decoded objective of an image did
not fall, its next steps are damped (Levenberg 1944); where it fell, they become free again.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry.metric.linearisation import Linearisation, LinearisationPlan, linearise
from geovq.tokenization.search.candidates import colour_groups, nearest_codes, with_current
from geovq.tokenization.search.problem import Problem, Standing, Targets
from geovq.tokenization.search.sweeps import QuadraticError, sweep_candidates

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
    damping = targets.images.new_zeros(len(near))
    for _ in range(_USES_PER_LINEARISATION):
        error = _error_around(standing, targets, linear, blocks)
        tokens = _choose(problem, plan, error, near, standing, damping)
        moved = (tokens != standing.tokens).flatten(1).any(dim=1).nonzero().squeeze(1)
        if not len(moved):
            break
        found = problem.measure(tokens[moved], targets.images[moved])
        better = standing.replaced(moved, standing.at(moved).with_better(found, problem.bit_price))
        fell = (better.tokens != standing.tokens).flatten(1).any(dim=1)
        damping = torch.where(fell, damping / 3, 3 * damping + 1)
        standing = better
    return standing


def _error_around(
    standing: Standing, targets: Targets, linear: Linearisation, blocks: Float[Tensor, "n cells m a a"]
) -> QuadraticError:
    return QuadraticError(blocks, linear.plan.overlaps.neighbours, linear.pull(targets.images - standing.means))


def _choose(
    problem: Problem,
    plan: LinearisationPlan,
    error: QuadraticError,
    near: Tensor,
    standing: Standing,
    damping: Float[Tensor, " n"],
) -> Tensor:
    grid = standing.tokens.shape[1:]
    candidates = with_current(near, standing.tokens)  # (n, L, 1 + C)
    coordinates = problem.codes[candidates]
    on_grid = candidates.reshape(*standing.tokens.shape, -1)
    return sweep_candidates(
        error,
        coordinates - coordinates[:, :, :1],
        on_grid,
        problem.prices.of_candidates(standing.tokens, on_grid),
        problem.bit_price,
        colour_groups(grid, plan.colouring.spacing, problem.prices.couples_neighbours, near.device),
        _MOST_SWEEPS,
        damping,
    )
