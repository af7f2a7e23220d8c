"""What joint search found, for each image and in a sentence."""

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor

from geovq.tokenization.search.prices import Prices


@dataclass(frozen=True)
class JointTokens:
    """Tokens of lattices that were chosen together, and what that changed.

    Attributes
    ----------
    tokens : Tensor of shape (n, H, W)
        Code of every cell.
    error_before, error_after : Tensors of shape (n,)
        Mean squared pixel difference between each target and the decoded tokens: those where the search began, those
        that it found.
    bits_before, bits_after : Tensors of shape (n,)
        Bits of each image under `prices`.
    n_rounds : Tensor of shape (n,)
        Rounds that were accepted for each image, because its decoded error + price * bits fell.
    n_changed : Tensor of shape (n,)
        Cells with another code than at the beginning.
    prices : Prices
        Bits of tokens that the search went by.
    bit_price : float
        Squared pixel error, summed over an image, that a bit was worth.
    n_candidates : int
        Codes that competed for each cell.
    n_codes_used : int
        Different codes among all tokens.
    searched_by : str
        "lattice metric" or "trial decoding".
    notes : tuple of str
        Sentences about what was not as asked for.
    """

    tokens: Int64[Tensor, "n h w"]
    error_before: Float[Tensor, " n"]
    error_after: Float[Tensor, " n"]
    bits_before: Float[Tensor, " n"]
    bits_after: Float[Tensor, " n"]
    n_rounds: Int64[Tensor, " n"]
    n_changed: Int64[Tensor, " n"]
    prices: Prices
    bit_price: float
    n_candidates: int
    n_codes_used: int
    searched_by: str
    notes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """For a log or a caption."""
        n_images, height, width = self.tokens.shape
        result = (
            f"Joint search by {self.searched_by} took the error of {n_images:,} images from "
            f"{float(self.error_before.mean()):.5f} to {float(self.error_after.mean()):.5f} and their bits from "
            f"{float(self.bits_before.mean()):.1f} to {float(self.bits_after.mean()):.1f} per image; "
            f"{float(self.n_changed.double().mean()) / (height * width):.0%} of the tokens changed."
        )
        return " ".join([result, *self.notes])
