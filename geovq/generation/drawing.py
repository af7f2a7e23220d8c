"""The loop that all sampling runs: one position after the other, each token drawn with its own uniform number.

Each position inverts the cumulative distribution at a number that was laid out by (sequence, position) before anything
was drawn, so that neither the batch size nor the length of a beginning changes which number a token is drawn with.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor, nn

from geovq.errors import InvalidValueError, ShapeError
from geovq.generation.filtering import filter_logits, invert_cdf
from geovq.models.prior import LatticePrior
from geovq.progress import Progress, stop_if_requested


class Drawn(NamedTuple):
    """Tokens of one position."""

    position: int  # raster index
    probabilities: Float64[Tensor, "n K"]  # that they were drawn from, on the CPU
    tokens: Int64[Tensor, " n"]


@torch.no_grad()
def draw_positions(
    prior: LatticePrior,
    beginnings: Int64[Tensor, "n n_prefix"],
    uniforms: Float64[Tensor, "n L"],
    labels: Int64[Tensor, " n"] | None,
    *,
    temperature: float,
    top_p: float,
) -> Iterator[Drawn]:
    """Continue each beginning position by position.

    Parameters
    ----------
    prior : LatticePrior
        In eval mode, on any device; all other arguments are on the CPU.
    beginnings : Tensor of shape (n, n_prefix)
        First tokens in raster order.
    uniforms : Tensor of shape (n, L)
        Numbers in [0, 1), one for each position.
    labels : Tensor of shape (n,), or None
        Classes, for a class-conditional prior.
    temperature, top_p : float
        As in `filter_logits`.

    Yields
    ------
    Drawn
        One per position after the beginnings.
    """
    n, n_known = beginnings.shape
    device = prior.head.weight.device
    cache = prior.new_cache(n, labels)
    previous = torch.full((n,), prior.start_token)
    for position in range(prior.n_positions):
        logits = prior.step(previous.to(device), position, cache)  # (n, K)
        if position < n_known:
            previous = beginnings[:, position]
            continue
        # On the CPU in float64 (which MPS lacks): the same logits give the same tokens on every device.
        probabilities = filter_logits(logits.cpu().double(), temperature, top_p)
        previous = invert_cdf(probabilities, uniforms[:, position])
        yield Drawn(position, probabilities, previous)


def draw_lattices(
    prior: LatticePrior,
    beginnings: Int64[Tensor, "n n_prefix"],
    uniforms: Float64[Tensor, "n L"],
    labels: Int64[Tensor, " n"] | None,
    *,
    temperature: float,
    top_p: float,
    batch_size: int,
    progress: Progress,
) -> Int64[Tensor, "n H W"]:
    """Continue each beginning to a whole lattice.

    Parameters
    ----------
    prior : LatticePrior
        Put into eval mode meanwhile.
    beginnings, uniforms, labels, temperature, top_p
        As in `draw_positions`.
    batch_size : int
        Lattices per model call.
    progress : Progress
        Told about the tokens drawn.

    Returns
    -------
    Tensor of shape (n, H, W)
        int64 on the CPU.

    Raises
    ------
    Cancelled
        If a stop was requested.
    """
    n, n_known = beginnings.shape
    progress.start("sampling", n * (prior.n_positions - n_known), "tokens")
    tokens = torch.empty((n, prior.n_positions), dtype=torch.int64)
    tokens[:, :n_known] = beginnings
    with eval_mode(prior):
        for rows in torch.split(torch.arange(n), batch_size):
            its_labels = None if labels is None else labels[rows]
            for drawn in draw_positions(
                prior, beginnings[rows], uniforms[rows], its_labels, temperature=temperature, top_p=top_p
            ):
                stop_if_requested(progress)
                tokens[rows, drawn.position] = drawn.tokens
                progress.advance(len(rows))
    return tokens.reshape(n, prior.height, prior.width)


def require_counts(**counts: int) -> None:
    """Raise `InvalidValueError` unless every count is at least 1."""
    if min(counts.values()) < 1:
        names, values = " and ".join(counts), " and ".join(map(str, counts.values()))
        raise InvalidValueError(f"{names} must be at least 1; got {values}.")


def checked_beginnings(prior: LatticePrior, prefix: Tensor | None, n: int) -> Int64[Tensor, "n n_prefix"]:
    """One beginning per lattice, on the CPU.

    Parameters
    ----------
    prior : LatticePrior
    prefix : Tensor of shape (n_prefix,) or (n, n_prefix), or None
        One beginning for all lattices, one for each, or none.
    n : int
        Number of lattices.

    Returns
    -------
    Tensor of shape (n, n_prefix)

    Raises
    ------
    InvalidValueError
        If it holds tokens that the prior does not know.
    ShapeError
        If it does not fit the samples or the lattice.
    """
    if prefix is None:
        return torch.empty((n, 0), dtype=torch.int64)
    fits = prefix.ndim == 1 or (prefix.ndim == 2 and prefix.shape[0] == n)
    if not fits or prefix.shape[-1] > prior.n_positions:
        raise ShapeError(
            f"prefix must have shape (n_prefix,) or ({n}, n_prefix) with n_prefix at most {prior.n_positions}; "
            f"got {tuple(prefix.shape)}."
        )
    prior.require_tokens(prefix)
    return prefix.cpu().expand(n, -1)


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Eval mode inside, the mode that the model had before outside."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
