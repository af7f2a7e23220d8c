"""The class that a sequence is drawn from: a conditional prior read as a mixture over its classes.

p(tokens) = sum_c p(c) p(tokens | c), with the training frequencies of the classes as p(c). Where nobody chooses, the
class is drawn from p(c); once tokens are given, from p(c | tokens) by Bayes' rule. So what is drawn without labels
comes from the mixture, whether or not its first tokens are given.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor
from torch.nn import functional as F

from geovq.errors import InvalidValueError, ShapeError
from geovq.generation.drawing import eval_mode
from geovq.generation.filtering import invert_cdf
from geovq.models.prior import LatticePrior

Labels: TypeAlias = int | np.integer[Any] | Sequence[int] | Int64[Tensor, " n"]


def class_posterior(
    prior: LatticePrior, beginnings: Int64[Tensor, "n n_prefix"], *, batch_size: int = 64
) -> Float64[Tensor, "n n_classes"]:
    """Probability of each class, given the first tokens of a lattice.

    Parameters
    ----------
    prior : LatticePrior
        Class-conditional.
    beginnings : Tensor of shape (n, n_prefix)
        First tokens in raster order, on the CPU. None of them (n_prefix = 0) gives the training frequencies, all of
        them a classifier.
    batch_size : int, default=64
        Sequences per model call; bounds memory.

    Returns
    -------
    Tensor of shape (n, n_classes)
        float64 on the CPU, each row summing to 1.

    Raises
    ------
    InvalidValueError
        If the prior takes no labels, or does not know the tokens.
    ShapeError
        If the beginnings do not fit the lattice.
    """
    if prior.class_counts is None:
        raise InvalidValueError(
            "This prior was trained without classes, so it cannot tell them apart; train one with "
            "prior.class_conditional = true."
        )
    if beginnings.ndim != 2 or beginnings.shape[1] > prior.n_positions:
        raise ShapeError(
            f"beginnings must have shape (n, n_prefix) with n_prefix at most {prior.n_positions}; "
            f"got {tuple(beginnings.shape)}."
        )
    prior.require_tokens(beginnings)
    counts = torch.tensor(prior.class_counts, dtype=torch.float64)
    log_prior = (counts / counts.sum()).log()  # -inf for a class without examples
    if beginnings.shape[1] == 0:
        return log_prior.exp().repeat(len(beginnings), 1)
    distinct, rows = torch.unique(beginnings, dim=0, return_inverse=True)  # completions share their beginning
    with eval_mode(prior):
        parts = [_log_likelihood(prior, part) for part in torch.split(distinct, batch_size)]
    return (log_prior + torch.cat(parts)).softmax(dim=1)[rows]


def drawn_labels(
    prior: LatticePrior,
    beginnings: Int64[Tensor, "n n_prefix"],
    uniforms: Float64[Tensor, " n"],
    *,
    batch_size: int = 64,
) -> Int64[Tensor, " n"] | None:
    """A class for each beginning, from `class_posterior` at numbers in [0, 1); None if the prior takes no labels."""
    if not prior.n_classes:
        return None
    return invert_cdf(class_posterior(prior, beginnings, batch_size=batch_size), uniforms)


def chosen_labels(prior: LatticePrior, labels: Labels, n: int) -> Int64[Tensor, " n"]:
    """Labels that a caller chose, one per lattice, on the CPU.

    Parameters
    ----------
    prior : LatticePrior
        Class-conditional.
    labels : int, or integers of shape (n,)
    n : int
        Number of lattices.

    Returns
    -------
    Tensor of shape (n,)
        int64.

    Raises
    ------
    InvalidValueError
        If the prior takes no labels, does not know one of them, or never saw an example of it.
    ShapeError
        If there is neither one label for all lattices nor one each.
    """
    given = torch.as_tensor(labels)
    if given.is_floating_point() or given.is_complex() or given.dtype == torch.bool:
        raise InvalidValueError(f"labels must be whole numbers; got {str(given.dtype).removeprefix('torch.')}.")
    if given.ndim > 1 or (given.ndim == 1 and len(given) != n):
        raise ShapeError(f"labels must be one number, or have shape ({n},); got shape {tuple(given.shape)}.")
    chosen = given.cpu().long().expand(n)
    prior.require_labels(chosen, n)
    counts = torch.tensor(prior.class_counts)[chosen]
    if bool((counts == 0).any()):
        label = int(chosen[counts == 0][0])
        raise InvalidValueError(f"The prior saw no example of class {label} in training; choose another label.")
    return chosen


@torch.no_grad()
def _log_likelihood(prior: LatticePrior, beginnings: Tensor) -> Tensor:
    """log p(beginning | class) in nats, (n, n_classes) float64."""
    n, n_prefix = beginnings.shape
    device = prior.head.weight.device
    sequences = F.pad(beginnings, (0, prior.n_positions - n_prefix)).to(device)  # what follows changes no logit before
    columns = []
    for label in range(prior.n_classes):
        logits = prior(sequences, torch.full((n,), label, device=device))[:, :n_prefix]
        log_p = logits.cpu().double().log_softmax(dim=-1)  # (n, n_prefix, K)
        columns.append(log_p.gather(-1, beginnings[..., None]).sum(dim=(1, 2)))
    return torch.stack(columns, dim=1)
