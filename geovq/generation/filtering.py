"""From logits to one drawn token: temperature, nucleus, inversion of the cumulative distribution.

Source: Holtzman et al. (2020), "The Curious Case of Neural Text Degeneration" (nucleus, or top-p, sampling).
"""

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError

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
    require_filter(temperature, top_p)
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


def invert_cdf(probabilities: Float64[Tensor, "n K"], uniforms: Float64[Tensor, " n"]) -> Int64[Tensor, " n"]:
    """First outcome whose cumulative probability exceeds the number in [0, 1): never one of probability 0."""
    cumulative = probabilities.cumsum(dim=-1)  # (n, K)
    total = cumulative[:, -1:]  # 1 up to rounding
    targets = (uniforms[:, None] * total).minimum(total.nextafter(torch.zeros_like(total)))  # stays below the total
    return torch.searchsorted(cumulative, targets, right=True)[:, 0]


def require_filter(temperature: float, top_p: float) -> None:
    """Raise `InvalidValueError` unless both are settings that `filter_logits` takes."""
    if not 0 < temperature < float("inf"):
        raise InvalidValueError(f"temperature must be above 0 and finite; got {temperature}.")
    if not 0 < top_p <= 1:
        raise InvalidValueError(f"top_p must be in (0, 1]; got {top_p}.")
