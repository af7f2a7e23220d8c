"""Prices of tokens by a trained Transformer prior."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.models import LatticePrior
from geovq.tokenization.search.prices import PriorPrices

_BITS_PER_NAT = 1 / 0.6931471805599453
_LATTICES_PER_PASS = 256


def prior_prices(prior: LatticePrior) -> PriorPrices:
    """Prices -log2 p(token | tokens before it) of a prior without classes, in eval mode.

    Raises
    ------
    InvalidValueError
        If the prior is in train mode, or was trained with classes.
    """
    if prior.training:
        raise InvalidValueError("The prior is in train mode; call .eval() on it before it prices tokens.")
    if prior.n_classes:
        raise InvalidValueError(
            "This prior learned one distribution for each class, and the search knows no labels; train it with "
            "prior.class_conditional = false."
        )

    @torch.no_grad()
    def candidate_bits(
        tokens: Int64[Tensor, "n h w"], candidates: Int64[Tensor, "n h w c"]
    ) -> Float[Tensor, "n h w c"]:
        if tokens.shape[1:] != (prior.height, prior.width):
            raise ShapeError(
                f"The prior reads lattices of {prior.height} by {prior.width} tokens; got {tuple(tokens.shape[1:])}."
            )
        sequences_of_parts = torch.split(tokens.flatten(1), _LATTICES_PER_PASS)
        parts = zip(sequences_of_parts, torch.split(candidates, _LATTICES_PER_PASS), strict=True)
        bits = []
        for sequences, codes in parts:
            nats = -prior(sequences).log_softmax(dim=2)  # (n, L, K)
            bits.append(nats.gather(2, codes.flatten(1, 2)).reshape(codes.shape) * _BITS_PER_NAT)
        return torch.cat(bits)

    return PriorPrices(candidate_bits)
