"""Ancestral sampling of token lattices, from nothing or from the first tokens of one.

Each position inverts the cumulative distribution at one uniform number. All of these numbers come from one stream and
are laid out by (sample, position) before anything is drawn, so that neither the batch size nor the length of a prefix
changes which number a token is drawn with, and the first samples stay the same however many are asked for.

Source: Holtzman et al. (2020), "The Curious Case of Neural Text Degeneration" (nucleus, or top-p, sampling).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.models.prior import LatticePrior
from geovq.progress import Progress, SilentProgress, stop_if_requested
from geovq.randomness import make_rng

_ROUNDING = 1e-6  # of a sum of float32 probabilities


def filter_logits(
    logits: Float[Tensor, "... K"], temperature: float = 1.0, top_p: float = 1.0
) -> Float[Tensor, "... K"]:
    """Probabilities to sample from: softened or sharpened, then cut down to the nucleus.

    Parameters
    ----------
    logits : Tensor of shape (..., K)
        Unnormalised log-probabilities; -inf forbids a token.
    temperature : float, default=1.0
        Divides the logits. Towards 0 the likeliest token takes all.
    top_p : float, default=1.0
        Only the smallest set of likeliest tokens whose probability reaches `top_p` is kept. Of equally likely tokens
        the lower one counts as likelier.

    Returns
    -------
    Tensor of shape (..., K)
        Non-negative, summing to 1 over the last axis.

    Raises
    ------
    InvalidValueError
        If temperature or top_p is out of range.
    NonFiniteError
        If logits are NaN or +inf, or forbid every token.
    """
    _require_filter(temperature, top_p)
    largest = logits.amax(dim=-1, keepdim=True)
    if not bool(largest.isfinite().all()):  # amax passes NaN on
        raise NonFiniteError(
            "The logits hold NaN or infinity, so there is nothing to sample from; train the prior again."
        )
    # The largest becomes 0 before the division, so a tiny temperature sends the others to -inf; 0 / 0 would be NaN.
    divisor = max(temperature, torch.finfo(logits.dtype).tiny)
    probabilities = ((logits - largest) / divisor).softmax(dim=-1)
    if top_p == 1:
        return probabilities
    descending, order = probabilities.sort(dim=-1, descending=True, stable=True)
    likelier = descending.cumsum(dim=-1) - descending  # probability of all tokens before this one
    outside = likelier >= top_p - _ROUNDING
    outside[..., 0] = False
    nucleus = descending.masked_fill(outside, 0.0)
    return torch.zeros_like(nucleus).scatter(-1, order, nucleus / nucleus.sum(dim=-1, keepdim=True))


def sample_tokens(
    prior: LatticePrior,
    n_samples: int,
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    seed: int = 0,
    prefix: Int64[Tensor, "*n n_prefix"] | None = None,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Int64[Tensor, "n H W"]:
    """Draw token lattices from a prior, position by position in raster order.

    Parameters
    ----------
    prior : LatticePrior
        Sampled in eval mode, on its own device; its mode is restored.
    n_samples : int
        Lattices to draw.
    temperature, top_p : float, default=1.0
        As in `filter_logits`.
    seed : int, default=0
        Root of the stream of uniform numbers.
    prefix : Tensor of shape (n_prefix,) or (n_samples, n_prefix), optional
        First tokens in raster order, kept as they are: one beginning for all samples, or one each.
    batch_size : int, default=64
        Lattices per model call. It bounds memory; results do not depend on it (a rounding difference of the model's
        logits between batch shapes, about 1e-7, moves a token only if its uniform number lies as close to an edge).
    progress : Progress, optional
        Told about the tokens drawn; a requested stop raises `Cancelled`.

    Returns
    -------
    Tensor of shape (n_samples, H, W)
        int64 on the CPU.

    Raises
    ------
    InvalidValueError
        If a number is out of range, or the prefix holds tokens that the prior does not know.
    ShapeError
        If the prefix does not fit the samples or the lattice.
    """
    if min(n_samples, batch_size) < 1:
        raise InvalidValueError(f"n_samples and batch_size must be at least 1; got {n_samples} and {batch_size}.")
    _require_filter(temperature, top_p)
    beginnings = _beginnings(prior, prefix, n_samples)
    uniforms = torch.from_numpy(make_rng(seed, "sampling").random((n_samples, prior.n_positions)))  # float64
    progress = progress or SilentProgress()
    progress.start("sampling", n_samples * (prior.n_positions - beginnings.shape[1]), "tokens")
    with _eval_mode(prior):
        batches = zip(torch.split(beginnings, batch_size), torch.split(uniforms, batch_size), strict=True)
        tokens = [_complete(prior, start, numbers, temperature, top_p, progress) for start, numbers in batches]
    return torch.cat(tokens).reshape(n_samples, prior.height, prior.width)


def _complete(
    prior: LatticePrior, beginning: Tensor, uniforms: Tensor, temperature: float, top_p: float, progress: Progress
) -> Tensor:
    n, n_positions = uniforms.shape
    n_known = beginning.shape[1]
    device = prior.head.weight.device
    tokens = torch.empty((n, n_positions), dtype=torch.int64)
    tokens[:, :n_known] = beginning
    previous = torch.full((n,), prior.start_token, device=device)
    cache = prior.new_cache(n)
    for position in range(n_positions):
        stop_if_requested(progress)
        logits = prior.step(previous, position, cache)  # (n, K)
        if position >= n_known:
            # On the CPU in float64 (which MPS lacks): the same logits give the same tokens on every device.
            probabilities = filter_logits(logits.cpu().double(), temperature, top_p)
            tokens[:, position] = _invert_cdf(probabilities, uniforms[:, position])
            progress.advance(n)
        previous = tokens[:, position].to(device)
    return tokens


def _invert_cdf(probabilities: Tensor, uniforms: Tensor) -> Tensor:
    """First token whose cumulative probability exceeds the number in [0, 1): never one of probability 0."""
    cumulative = probabilities.cumsum(dim=-1)  # (n, K)
    total = cumulative[:, -1:]  # 1 up to rounding
    targets = (uniforms[:, None] * total).minimum(total.nextafter(torch.zeros_like(total)))  # stays below the total
    return torch.searchsorted(cumulative, targets, right=True)[:, 0]


def _beginnings(prior: LatticePrior, prefix: Tensor | None, n_samples: int) -> Tensor:
    if prefix is None:
        return torch.empty((n_samples, 0), dtype=torch.int64)
    fits = prefix.ndim == 1 or (prefix.ndim == 2 and prefix.shape[0] == n_samples)
    if not fits or prefix.shape[-1] > prior.n_positions:
        raise ShapeError(
            f"prefix must have shape (n_prefix,) or ({n_samples}, n_prefix) with n_prefix at most {prior.n_positions}; "
            f"got {tuple(prefix.shape)}."
        )
    prior.require_tokens(prefix)
    return prefix.cpu().expand(n_samples, -1)


def _require_filter(temperature: float, top_p: float) -> None:
    if not 0 < temperature < float("inf"):
        raise InvalidValueError(f"temperature must be above 0 and finite; got {temperature}.")
    if not 0 < top_p <= 1:
        raise InvalidValueError(f"top_p must be in (0, 1]; got {top_p}.")


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
