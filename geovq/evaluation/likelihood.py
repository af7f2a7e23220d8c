"""Likelihood of held-out tokens under a prior: the rate of a tokenizer when tokens are coded in context."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Float64, Int
from numpy.typing import NDArray
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation.comparison import standard_error
from geovq.evaluation.inputs import Tokens, checked_tokens

LogitsOf = Callable[..., Tensor]  # (tokens) or (tokens, labels) -> logits


@dataclass(frozen=True, eq=False)
class PriorLikelihood:
    """Negative log-likelihood of tokens, given their class where the prior is told.

    Attributes
    ----------
    nll_nats_per_token : float
        Mean over images and positions.
    nats_per_image, bits_per_image : float
        Sum over the positions, mean over images, in both units.
    nats_standard_error : float
        Of `nats_per_image`, over images; NaN for a single image.
    per_image_nats : ndarray of shape (n,), float64
    position_nats : ndarray of shape (H, W), float64
        Mean over images of the cost of the token at each position, given those before it in raster order.
    """

    nll_nats_per_token: float
    nats_per_image: float
    bits_per_image: float
    nats_standard_error: float
    per_image_nats: Float64[NDArray[np.float64], " n"]
    position_nats: Float64[NDArray[np.float64], "h w"]

    @classmethod
    def of_maps(cls, maps: Float64[NDArray[np.float64], "n h w"]) -> Self:
        """Summary of the maps that `nll_maps` returns."""
        per_image = maps.reshape(len(maps), -1).sum(axis=1)
        nats_per_image = float(per_image.mean())
        return cls(
            nll_nats_per_token=float(maps.mean()),
            nats_per_image=nats_per_image,
            bits_per_image=nats_per_image / math.log(2),
            nats_standard_error=standard_error(per_image),
            per_image_nats=per_image,
            position_nats=maps.mean(axis=0),
        )

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "n_images": len(self.per_image_nats),
            "prior_nll_nats_per_token": self.nll_nats_per_token,
            "prior_nats_per_image": self.nats_per_image,
            "prior_nats_standard_error": self.nats_standard_error,
            "prior_bits_per_image": self.bits_per_image,
        }


def prior_likelihood(
    logits_of: LogitsOf,
    tokens: Tokens,
    *,
    labels: Int[Tensor, " n"] | None = None,
    batch_size: int = 256,
) -> PriorLikelihood:
    """Measure a prior on held-out tokens; parameters and errors as for `nll_maps`."""
    return PriorLikelihood.of_maps(nll_maps(logits_of, tokens, labels=labels, batch_size=batch_size))


@torch.no_grad()
def nll_maps(
    logits_of: LogitsOf,
    tokens: Tokens,
    *,
    labels: Int[Tensor, " n"] | None = None,
    batch_size: int = 256,
) -> Float64[NDArray[np.float64], "n h w"]:
    """Nats that each token costs, given those before it in raster order.

    Parameters
    ----------
    logits_of : callable
        (b, L) int64 tokens -> (b, L, K) logits, where `logits[:, i]` predicts `tokens[:, i]` from `tokens[:, :i]`
        alone. It is called with tensors on the CPU, and may answer on another device.
    tokens : Tensor or ndarray of shape (n, H, W), integers
        Held-out tokens.
    labels : Tensor of shape (n,), optional
        True class of each image, for a prior that is told: then `logits_of(tokens, labels)` is called.
    batch_size : int, default=256
        Images per call; bounds memory, and changes no more than the prior's rounding.

    Returns
    -------
    ndarray of shape (n, H, W), float64

    Raises
    ------
    ShapeError
        If tokens do not have three axes, labels are not one per image, or the logits are not (b, L, K).
    InvalidValueError
        If a token is not a whole number in [0, K), or `batch_size` is below 1.
    NonFiniteError
        If the logits are NaN, or give a token that occurs no probability at all.
    """
    if batch_size < 1:
        raise InvalidValueError(f"batch_size must be at least 1; got {batch_size}.")
    sequences = checked_tokens(tokens, n_codes=torch.iinfo(torch.int64).max).flatten(start_dim=1)  # (n, L)
    if labels is not None and labels.shape != (len(sequences),):
        raise ShapeError(f"labels must be one per image, shape ({len(sequences)},); got {tuple(labels.shape)}.")
    conditions = () if labels is None else (labels.cpu(),)
    batches = zip(*(torch.split(part, batch_size) for part in (sequences, *conditions)), strict=True)
    nats = torch.cat([_token_nats(logits_of(*batch), batch[0]) for batch in batches])  # (n, L)
    return nats.reshape(tuple(tokens.shape)).numpy()


def _token_nats(logits: Tensor, sequences: Tensor) -> Tensor:
    if logits.ndim != 3 or logits.shape[:2] != sequences.shape:
        raise ShapeError(
            f"logits_of must return (b, L, K) for tokens of shape {tuple(sequences.shape)}; got {tuple(logits.shape)}."
        )
    n_codes = logits.shape[2]
    if int(sequences.max()) >= n_codes:
        raise InvalidValueError(
            f"tokens must be in [0, {n_codes}), the codes that the prior knows; got {int(sequences.max())}. "
            "Use the prior that was trained on this tokenizer."
        )
    log_probabilities = logits.cpu().to(torch.float64).log_softmax(dim=-1)  # not every device has float64
    nats = -log_probabilities.gather(-1, sequences.unsqueeze(-1)).squeeze(-1)  # (b, L)
    if not torch.isfinite(nats).all():
        raise NonFiniteError(
            "The prior gives NaN, or no probability at all to a token that occurs; its likelihood is undefined. "
            "Was its training stable?"
        )
    return nats
