"""How tokens are chosen: all cells of a lattice together."""

from geovq.tokenization.search.joint import encode_jointly, search_jointly
from geovq.tokenization.search.prices import CodePrices, ContextPrices, Prices, PriorPrices
from geovq.tokenization.search.prior_prices import prior_prices
from geovq.tokenization.search.refining import RefinedCodebook, refine_codebook
from geovq.tokenization.search.result import JointTokens
from geovq.tokenization.search.stable_prices import PriceKind

__all__ = [
    "CodePrices",
    "ContextPrices",
    "JointTokens",
    "PriceKind",
    "Prices",
    "PriorPrices",
    "RefinedCodebook",
    "encode_jointly",
    "prior_prices",
    "refine_codebook",
    "search_jointly",
]
