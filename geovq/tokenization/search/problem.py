"""What joint search minimises for each image, |x - f(c_t)|^2 + bit_price * bits(t), and where it stands."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.geometry.metric.colouring import CellColouring
from geovq.geometry.metric.footprint import Decode
from geovq.tokenization.base import Tokenizer
from geovq.tokenization.search.prices import Prices


@dataclass(frozen=True)
class Targets:
    """What a batch of lattices should look like, and where its cells are.

    Attributes
    ----------
    images : Tensor of shape (n, P)
        x.
    points : Tensor of shape (n, L, A)
        Continuous cells along the basis; candidates are the codes near to them.
    """

    images: Float[Tensor, "n p"]
    points: Float[Tensor, "n cells a"]

    def at(self, rows: Int64[Tensor, " m"]) -> "Targets":
        """Those of some of the images."""
        return Targets(self.images[rows], self.points[rows])


@dataclass(frozen=True)
class Standing:
    """Tokens of a batch and what they cost.

    Attributes
    ----------
    tokens : Tensor of shape (n, H, W)
    means : Tensor of shape (n, P)
        Decoded tokens.
    errors : Tensor of shape (n,)
        Squared pixel error of each image, summed; float64.
    bits : Tensor of shape (n,)
        Of each image; float64.
    """

    tokens: Int64[Tensor, "n h w"]
    means: Float[Tensor, "n p"]
    errors: Float[Tensor, " n"]
    bits: Float[Tensor, " n"]

    def at(self, rows: Int64[Tensor, " m"]) -> "Standing":
        """Some of the images."""
        return Standing(self.tokens[rows], self.means[rows], self.errors[rows], self.bits[rows])

    def at_no_pixel(self) -> "Standing":
        """The same without decoded images, whose memory would grow with the data set."""
        return replace(self, means=self.means[:, :0])

    def replaced(self, rows: Int64[Tensor, " m"], other: "Standing") -> "Standing":
        """The same with other values for some of the images."""
        return Standing(
            self.tokens.index_copy(0, rows, other.tokens),
            self.means.index_copy(0, rows, other.means),
            self.errors.index_copy(0, rows, other.errors),
            self.bits.index_copy(0, rows, other.bits),
        )

    def with_better(self, other: "Standing", bit_price: float) -> "Standing":
        """Each image as it costs less; as it was where both cost the same."""
        better = other.errors + bit_price * other.bits < self.errors + bit_price * self.bits
        return Standing(
            torch.where(better[:, None, None], other.tokens, self.tokens),
            torch.where(better[:, None], other.means, self.means),
            torch.where(better, other.errors, self.errors),
            torch.where(better, other.bits, self.bits),
        )


@dataclass(frozen=True)
class Problem:
    """What all images of a search share.

    Attributes
    ----------
    decoder : callable
        (B, D, H, W) -> (B, ...).
    tokenizer : Tokenizer
    colouring : CellColouring
        Of the decoder.
    basis : Tensor of shape (D, A)
        Orthonormal directions in which codes differ.
    projection : Tensor of shape (D, A)
        Gives latents their coordinates along the basis; the basis itself unless that is one of pixel directions.
    codes : Tensor of shape (K, A)
        Codebook along the basis.
    prices : Prices
    bit_price : float
        Squared pixel error that a bit is worth.
    n_candidates : int
        Codes that compete for a cell, at most K.
    """

    decoder: Decode
    tokenizer: Tokenizer
    colouring: CellColouring
    basis: Float[Tensor, "d a"]
    projection: Float[Tensor, "d a"]
    codes: Float[Tensor, "k a"]
    prices: Prices
    bit_price: float
    n_candidates: int

    def lattices(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n d h w"]:
        """Lattices of codes, in the type of the basis."""
        return self.tokenizer.decode(tokens).to(self.basis)

    @torch.no_grad()
    def measure(self, tokens: Int64[Tensor, "n h w"], images: Float[Tensor, "n p"]) -> Standing:
        """Decode tokens and count their error and bits."""
        means = self.decoder(self.lattices(tokens)).flatten(start_dim=1)
        errors = (images - means).square().sum(dim=1, dtype=torch.float64)
        return Standing(tokens, means, errors, self.prices.bits(tokens))
