"""Prices that agree with the tokens they lead to.

Prices follow from how often codes are used, and what is used follows from the prices. Going back and forth lowers the
sum of error and price * bits in both steps, as in entropy-constrained vector quantization.

Source: Chou, Lookabaugh, Gray (1989), "Entropy-constrained vector quantization".
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Int64
from torch import Tensor

from geovq.progress import Progress
from geovq.tokenization.search.prices import CodePrices, ContextPrices, Prices, frequencies
from geovq.tokenization.search.search import JointSearch

PriceKind = Literal["codes", "context"]

_MOST_LATTICES = 1_000  # that prices are learned from
_MOST_ITERATIONS = 6
_STABLE = 0.01  # share of tokens that would have to change to go from one table of frequencies to the next
_KINDS: dict[PriceKind, type[CodePrices] | type[ContextPrices]] = {"codes": CodePrices, "context": ContextPrices}


@dataclass(frozen=True)
class LearnedPrices:
    """Prices, and how far they agree with the tokens that they lead to.

    Attributes
    ----------
    prices : Prices
    n_iterations : int
    last_change : float
        Share of tokens by which the frequencies of the last two iterations differ.
    """

    prices: Prices
    n_iterations: int
    last_change: float

    @property
    def is_stable(self) -> bool:
        """Whether the last iteration changed the frequencies by less than 1 % of the tokens."""
        return self.last_change < _STABLE


def learn_prices(
    search: JointSearch, own: Int64[Tensor, "n h w"], kind: PriceKind, progress: Progress | None = None
) -> LearnedPrices:
    """Prices from tokens of at most 1,000 of the lattices, evenly spaced, searched again until frequencies are stable.

    Parameters
    ----------
    search : JointSearch
        Its own prices are ignored. Each iteration goes on from the tokens of the one before, by one round.
    own : Tensor of shape (n, H, W)
        Tokens by the tokenizer's own rule.
    kind : {"codes", "context"}
    progress : Progress, optional
    """
    n_codes = search.problem.tokenizer.n_codes
    rows = torch.linspace(0, len(own) - 1, min(len(own), _MOST_LATTICES), device=own.device).round().long()
    sample, tokens = replace(search.subset(rows), n_rounds=1), own[rows]
    prices, change, iteration = _KINDS[kind].of(tokens, n_codes), 1.0, 0
    while iteration < _MOST_ITERATIONS and change >= _STABLE:
        before = frequencies(tokens, n_codes)
        tokens = sample.with_prices(prices).run(tokens, progress).after.tokens
        change = float((frequencies(tokens, n_codes) - before).abs().sum() / 2)
        prices, iteration = _KINDS[kind].of(tokens, n_codes), iteration + 1
    return LearnedPrices(prices, iteration, change)
