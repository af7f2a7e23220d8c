"""What a token costs in bits: by how often its code is used, by the tokens beside it, or by a trained prior.

Every price is the length of a real code for whole lattices, read in raster order: probabilities of one cell sum to one
given what is known before it. The search needs them for the candidates of some cells, all other tokens as they stand.

Sources: Chou, Lookabaugh, Gray (1989), "Entropy-constrained vector quantization"; Besag (1986), "On the statistical
analysis of dirty pictures", for fields of neighbouring labels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError

CellPrices = Callable[[Int64[Tensor, "n h w"], Int64[Tensor, " s"]], Float[Tensor, "n s c"]]
PriorBits = Callable[[Int64[Tensor, "n h w"], Int64[Tensor, "n h w c"]], Float[Tensor, "n h w c"]]

_CONCENTRATIONS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # of the smoothing of pairs, in pseudo-observations


class Prices(Protocol):
    """Bits of tokens.

    Attributes
    ----------
    couples_neighbours : bool
        Whether the price of a cell's candidates depends on the tokens beside it, so that cells that touch, at a corner
        even, must not be chosen at once.
    """

    @property
    def couples_neighbours(self) -> bool:
        """Whether cells that touch must be chosen one after the other."""

    def bits(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, " n"]:
        """Bits of every lattice of tokens."""

    def of_candidates(self, tokens: Int64[Tensor, "n h w"], candidates: Int64[Tensor, "n h w c"]) -> CellPrices:
        """A function of tokens and numbers s of cells, which gives the bits of those cells' candidates, (n, s, C).

        What it gives may miss a constant for each cell. `tokens` are those at the start of a round; prices that are too
        dear to be computed for every change may stay as they are then.
        """


@dataclass(frozen=True)
class CodePrices:
    """Each code has its price, -log2 of its frequency.

    Attributes
    ----------
    table : Tensor of shape (K,)
        Bits of every code.
    """

    table: Float[Tensor, " k"]
    couples_neighbours = False

    def __post_init__(self) -> None:
        if self.table.ndim != 1 or not self.table.dtype.is_floating_point:
            raise ShapeError(
                f"prices must hold bits of every code, shape (K,), floating point; got {tuple(self.table.shape)} of "
                f"{self.table.dtype}."
            )
        if not torch.isfinite(self.table).all() or bool((self.table < 0).any()):
            raise NonFiniteError("prices of codes must be finite and not negative: -log2 of frequencies above 0.")

    @classmethod
    def of(cls, tokens: Int64[Tensor, "n h w"], n_codes: int) -> Self:
        """From the frequencies of tokens; half an observation is added to every code (Krichevsky, Trofimov 1981)."""
        return cls(-frequencies(tokens, n_codes).log2().float())

    def bits(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, " n"]:
        """Bits of every lattice of tokens."""
        return self.table.to(tokens.device)[tokens].double().sum(dim=(1, 2))

    def of_candidates(self, tokens: Int64[Tensor, "n h w"], candidates: Int64[Tensor, "n h w c"]) -> CellPrices:
        """Bits of candidates: always the same."""
        prices = self.table.to(tokens.device)[candidates.flatten(1, 2)]
        return lambda now, cells: prices[:, cells]


@dataclass(frozen=True)
class ContextPrices:
    """The price of a code depends on the codes to the left and above.

    p(t | left, up) = p(t | left) p(t | up) / (p(t) Z(left, up)): Bayes' rule, as if the two neighbours were
    independent given the code; Z makes it a distribution. Row K of the tables stands for no neighbour.

    Attributes
    ----------
    code : Tensor of shape (K,)
        -log2 p(t).
    right_of, below : Tensors of shape (K + 1, K)
        -log2 p(t | left) and -log2 p(t | up).
    normaliser : Tensor of shape (K + 1, K + 1)
        log2 Z(left, up).
    """

    code: Float[Tensor, " k"]
    right_of: Float[Tensor, "k1 k"]
    below: Float[Tensor, "k1 k"]
    normaliser: Float[Tensor, "k1 k1"]
    couples_neighbours = True

    @classmethod
    def of(cls, tokens: Int64[Tensor, "n h w"], n_codes: int) -> Self:
        """From the pairs of neighbouring tokens, smoothed towards the frequencies of codes.

        A pair counts as often as it occurs plus a number of pseudo-observations, drawn by frequency; how many is chosen
        by what predicts every pair best from the others.
        """
        frequency = frequencies(tokens, n_codes)  # (K,)
        right_of = _conditional(tokens[:, :, :-1].flatten(), tokens[:, :, 1:].flatten(), frequency)
        below = _conditional(tokens[:, :-1].flatten(), tokens[:, 1:].flatten(), frequency)
        normaliser = (right_of / frequency) @ below.T  # (K + 1, K + 1)
        tables = (-frequency.log2(), -right_of.log2(), -below.log2(), normaliser.log2())
        return cls(*(table.float() for table in tables))

    def bits(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, " n"]:
        """Bits of every lattice of tokens."""
        tables = self._on(tokens.device)
        left, up = tables._left(tokens), tables._up(tokens)
        return tables._bits(tokens, left, up).double().sum(dim=(1, 2))

    def of_candidates(self, tokens: Int64[Tensor, "n h w"], candidates: Int64[Tensor, "n h w c"]) -> CellPrices:
        """Bits of the candidates and of what they change in the cells to the right and below."""
        _, height, width = tokens.shape
        tables, flat = self._on(tokens.device), candidates.flatten(1, 2)  # (n, L, C)

        def prices(now: Tensor, cells: Tensor) -> Tensor:
            rows, columns, codes = cells // width, cells % width, flat[:, cells]  # (n, s, C)
            framed = F.pad(now, (1, 1, 1, 1), value=len(self.code))  # (n, H + 2, W + 2)

            def token_at(down: int, right: int) -> Tensor:
                return framed[:, rows + 1 + down, columns + 1 + right][..., None].expand(codes.shape)

            result = tables._bits(codes, token_at(0, -1), token_at(-1, 0))
            to_the_right = tables._bits(token_at(0, 1).clamp_max(len(self.code) - 1), codes, token_at(-1, 1))
            to_below = tables._bits(token_at(1, 0).clamp_max(len(self.code) - 1), token_at(1, -1), codes)
            result = result + to_the_right * (columns < width - 1)[:, None]
            return result + to_below * (rows < height - 1)[:, None]

        return prices

    def _bits(self, code: Tensor, left: Tensor, up: Tensor) -> Tensor:
        return self.right_of[left, code] + self.below[up, code] - self.code[code] + self.normaliser[left, up]

    def _left(self, tokens: Tensor) -> Tensor:
        return F.pad(tokens[:, :, :-1], (1, 0), value=len(self.code))

    def _up(self, tokens: Tensor) -> Tensor:
        return F.pad(tokens[:, :-1], (0, 0, 1, 0), value=len(self.code))

    def _on(self, device: torch.device) -> Self:
        tables = (self.code, self.right_of, self.below, self.normaliser)
        return type(self)(*(table.to(device) for table in tables))


@dataclass(frozen=True)
class PriorPrices:
    """Prices of an autoregressive model: the tokens before each cell, in raster order, are known.

    While cells are chosen, the prices of candidates stay those of the tokens at the start of the round, and what a
    token tells about later ones is left out; whether a round is accepted follows from the exact bits.

    Attributes
    ----------
    candidate_bits : callable
        Tokens (n, H, W) and candidates (n, H, W, C) to bits -log2 p(candidate | tokens before the cell), (n, H, W, C).
    """

    candidate_bits: PriorBits
    couples_neighbours = False

    def bits(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, " n"]:
        """Bits of every lattice of tokens."""
        return self._checked(tokens, tokens[..., None]).double().sum(dim=(1, 2, 3))

    def of_candidates(self, tokens: Int64[Tensor, "n h w"], candidates: Int64[Tensor, "n h w c"]) -> CellPrices:
        """Bits of candidates given the tokens at the start of the round."""
        prices = self._checked(tokens, candidates).flatten(1, 2)
        return lambda now, cells: prices[:, cells]

    def _checked(self, tokens: Tensor, candidates: Tensor) -> Tensor:
        bits = self.candidate_bits(tokens, candidates)
        if bits.shape != candidates.shape:
            raise ShapeError(
                f"prices must return bits of every candidate, {tuple(candidates.shape)}; got {tuple(bits.shape)}."
            )
        if not torch.isfinite(bits).all():
            raise NonFiniteError("prices returned NaN or infinite bits for some candidates.")
        return bits


def frequencies(tokens: Int64[Tensor, "n h w"], n_codes: int) -> Float[Tensor, " k"]:
    """Share of every code among tokens, float64, none of them 0: half an observation is added to each."""
    counts = torch.bincount(tokens.flatten(), minlength=n_codes).double() + 0.5
    return counts / counts.sum()


def _conditional(given: Tensor, codes: Tensor, frequency: Tensor) -> Float[Tensor, "k1 k"]:
    """p(code | given), (K + 1, K); the last row is the frequency."""
    n_codes = len(frequency)
    counts = torch.bincount(given * n_codes + codes, minlength=n_codes**2).reshape(n_codes, n_codes).double()
    totals = counts.sum(dim=1, keepdim=True)

    def log_likelihood_of_each_left_out(concentration: float) -> float:
        others = (counts - 1).clamp_min(0) + concentration * frequency
        predicted = others / ((totals - 1).clamp_min(0) + concentration)
        return float((counts * predicted.log()).sum())

    concentration = max(_CONCENTRATIONS, key=log_likelihood_of_each_left_out)
    smoothed = (counts + concentration * frequency) / (totals + concentration)
    return torch.cat([smoothed, frequency[None]])


def require_codes(prices: Prices, n_codes: int) -> None:
    """Raise `ShapeError` unless the prices are for that many codes, as far as they say."""
    table = prices.table if isinstance(prices, CodePrices) else getattr(prices, "code", None)
    if isinstance(table, Tensor) and len(table) != n_codes:
        raise InvalidValueError(
            f"prices are of {len(table)} codes, but the tokenizer has {n_codes}; take the prices that were made from "
            "its own tokens."
        )
