"""Negative log-likelihood of token sequences under an autoregressive prior."""

from collections.abc import Iterable
from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from geovq.models import LatticePrior
from geovq.models.initialisation import global_draws
from geovq.training.draws import Draws

Sequences = tuple[Int64[Tensor, "B L"], Int64[Tensor, " B"] | None]  # tokens, and the classes if the prior takes them


@dataclass(frozen=True)
class PriorObjective:
    """Mean negative log-likelihood of a token given those before it, in nats per token."""

    def loss(self, model: LatticePrior, batch: Sequences, draws: Draws) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean over all tokens of a batch of `TokenSet`."""
        tokens, labels = batch
        with global_draws(draws.global_seed(), tokens.device):  # of dropout, which takes no generator
            nll = _token_nll(model, tokens, labels).mean()
        return nll, {"nll_nats_per_token": nll}

    def evaluate(self, model: LatticePrior, batches: Iterable[Sequences]) -> dict[str, float]:
        """Mean over all tokens of all batches."""
        n_tokens, nll = 0, 0.0
        for tokens, labels in batches:
            nats = _token_nll(model, tokens, labels)
            nll += nats.cpu().double().sum().item()  # MPS has no float64
            n_tokens += nats.numel()
        return {"loss": nll / n_tokens, "nll_nats_per_token": nll / n_tokens}


def _token_nll(model: LatticePrior, tokens: Tensor, labels: Tensor | None) -> Float[Tensor, "B L"]:
    logits = model(tokens, labels)  # (B, L, K)
    return F.cross_entropy(logits.float().flatten(end_dim=1), tokens.flatten(), reduction="none").view_as(tokens)
