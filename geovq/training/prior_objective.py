"""Negative log-likelihood of token sequences under an autoregressive prior."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from geovq.models import LatticePrior
from geovq.models.seeding import global_draws
from geovq.training.draws import global_seed


@dataclass(frozen=True)
class PriorObjective:
    """Mean negative log-likelihood of a token given those before it, in nats per token.

    Batches are those of `TokenSet`: tokens (B, L), and for a class-conditional prior the class of each row behind them.
    """

    def loss(self, model: LatticePrior, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean over all tokens of the batch."""
        with global_draws(global_seed(generator), batch.device):  # of dropout, which takes no generator
            nll = _token_nll(model, batch).mean()
        return nll, {"nll_nats_per_token": nll}

    def evaluate(self, model: LatticePrior, batches: Iterable[Tensor]) -> dict[str, float]:
        """Mean over all tokens of all batches."""
        n_tokens, nll = 0, 0.0
        for batch in batches:
            nats = _token_nll(model, batch)
            nll += nats.cpu().double().sum().item()  # MPS has no float64
            n_tokens += nats.numel()
        return {"loss": nll / n_tokens, "nll_nats_per_token": nll / n_tokens}


def _token_nll(model: LatticePrior, batch: Tensor) -> Tensor:
    """Nats of each token, (B, L)."""
    tokens, labels = (batch[:, :-1], batch[:, -1]) if model.n_classes else (batch, None)
    logits = model(tokens, labels)  # (B, L, K)
    return F.cross_entropy(logits.float().flatten(end_dim=1), tokens.flatten(), reduction="none").view_as(tokens)
