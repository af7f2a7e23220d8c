"""How well a prior predicts tokens it has not seen: the rate of a tokenizer with a learned model of its context."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation.comparison import standard_error
from geovq.evaluation.inputs import checked_tokens


@dataclass(frozen=True, eq=False)
class PriorLikelihood:
    """Negative log-likelihood of tokens.

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
    per_image_nats: NDArray[np.float64]
    position_nats: NDArray[np.float64]

    def summary(self) -> dict[str, float | int]:
        """Plain numbers for a table or a file."""
        return {
            "n_images": len(self.per_image_nats),
            "prior_nll_nats_per_token": self.nll_nats_per_token,
            "prior_nats_per_image": self.nats_per_image,
            "prior_nats_standard_error": self.nats_standard_error,
            "prior_bits_per_image": self.bits_per_image,
        }


@torch.no_grad()
def prior_likelihood(
    logits_of: Callable[[Tensor], Tensor], tokens: Int[Tensor, "n h w"] | NDArray[np.int64], *, batch_size: int = 256
) -> PriorLikelihood:
    """Measure a prior on tokens in raster order.

    Parameters
    ----------
    logits_of : callable
        (b, L) int64 tokens -> (b, L, K) logits, where `logits[:, i]` predicts `tokens[:, i]` from `tokens[:, :i]`
        alone. It is called with tensors on the CPU, and may answer on another device.
    tokens : Tensor or ndarray of shape (n, H, W), integers
        Held-out tokens.
    batch_size : int, default=256
        Images per call; bounds memory, and changes no more than the prior's rounding.

    Returns
    -------
    PriorLikelihood

    Raises
    ------
    ShapeError
        If tokens do not have three axes, or the logits are not (b, L, K).
    InvalidValueError
        If a token is not a whole number in [0, K), or `batch_size` is below 1.
    NonFiniteError
        If the logits are NaN, or give a token that occurs no probability at all.
    """
    if batch_size < 1:
        raise InvalidValueError(f"batch_size must be at least 1; got {batch_size}.")
    sequences = checked_tokens(tokens, n_codes=torch.iinfo(torch.int64).max).flatten(start_dim=1)  # (n, L)
    nats = torch.cat([_token_nats(logits_of, batch) for batch in torch.split(sequences, batch_size)]).numpy()  # (n, L)
    per_image = nats.sum(axis=1)
    nats_per_image = float(per_image.mean())
    return PriorLikelihood(
        nll_nats_per_token=float(nats.mean()),
        nats_per_image=nats_per_image,
        bits_per_image=nats_per_image / math.log(2),
        nats_standard_error=standard_error(per_image),
        per_image_nats=per_image,
        position_nats=nats.mean(axis=0).reshape(tuple(tokens.shape[1:])),
    )


def _token_nats(logits_of: Callable[[Tensor], Tensor], sequences: Tensor) -> Tensor:
    logits = logits_of(sequences)
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
