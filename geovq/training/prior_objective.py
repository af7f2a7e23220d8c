"""Negative log-likelihood of token sequences under an autoregressive prior."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.models.seeding import global_draws
from geovq.training.draws import global_seed


@dataclass(frozen=True)
class PriorObjective:
    """Mean negative log-likelihood of a token given those before it, in nats per token."""

    def loss(self, model: nn.Module, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean over all tokens of the batch, tokens (B, L)."""
        with global_draws(global_seed(generator), batch.device):  # of dropout, which takes no generator
            logits = model(batch)  # (B, L, K)
        nll = _token_nll(logits, batch).mean()
        return nll, {"nll_nats_per_token": nll}

    def evaluate(self, model: nn.Module, batches: Iterable[Tensor]) -> dict[str, float]:
        """Mean over all tokens of all batches."""
        n_tokens, nll = 0, 0.0
        for batch in batches:
            nll += _token_nll(model(batch), batch).cpu().double().sum().item()  # MPS has no float64
            n_tokens += batch.numel()
        return {"loss": nll / n_tokens, "nll_nats_per_token": nll / n_tokens}


def _token_nll(logits: Tensor, tokens: Tensor) -> Tensor:
    """Nats of each token, (B, L)."""
    return F.cross_entropy(logits.float().flatten(end_dim=1), tokens.flatten(), reduction="none").view_as(tokens)
