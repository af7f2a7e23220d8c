"""What every tokenizer does, and the checks they share."""

from pathlib import Path
from typing import Protocol

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.lattice import lattices_of, require_lattices

KIND, FORMAT = "tokenizer", 1  # of the files that tokenizers write


class Tokenizer(Protocol):
    """Lattices to tokens and back.

    Attributes
    ----------
    method : str
        Name of the idea, such as "riemannian".
    codebook : Tensor of shape (K, D)
        Latent vector of every code.
    """

    @property
    def method(self) -> str:
        """Name of the idea."""

    @property
    def codebook(self) -> Float[Tensor, "k d"]:
        """Latent vector of every code."""

    @property
    def n_codes(self) -> int:
        """Number K of codes."""

    def encode(self, lattices: Float[Tensor, "n d h w"]) -> Int64[Tensor, "n h w"]:
        """Token of every cell, in [0, n_codes)."""

    def decode(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n d h w"]:
        """Lattices whose cells are the codes that the tokens name."""

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""


def require_encodable(lattices: Tensor, n_channels: int) -> None:
    """Raise unless lattices are finite and have the channels of the codebook."""
    require_lattices(lattices)
    if lattices.shape[1] != n_channels:
        raise ShapeError(
            f"lattices must have {n_channels} channels, like the latents the tokenizer was made from; "
            f"got {tuple(lattices.shape)}. Encode the images with the same autoencoder."
        )
    if not torch.isfinite(lattices).all():
        raise NonFiniteError("lattices contain NaN or infinity; check the encoder that made them.")


def look_up(codebook: Float[Tensor, "k d"], tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n d h w"]:
    """Lattices whose cells are the codes that the tokens name.

    Raises
    ------
    ShapeError
        If tokens do not have three axes.
    InvalidValueError
        If tokens are not integers in [0, K).
    """
    if tokens.ndim != 3:
        raise ShapeError(f"tokens must have shape (n, H, W); got {tuple(tokens.shape)}.")
    if tokens.dtype.is_floating_point or tokens.dtype in (torch.bool, torch.complex64):
        raise InvalidValueError(f"tokens must be integers; got {tokens.dtype}.")
    if tokens.numel() and not (tokens.min() >= 0 and tokens.max() < len(codebook)):
        raise InvalidValueError(
            f"tokens must be in [0, {len(codebook)}), the codes of this tokenizer; "
            f"got {int(tokens.min())} to {int(tokens.max())}."
        )
    _, height, width = tokens.shape
    return lattices_of(codebook.to(tokens.device)[tokens.long().flatten()], height, width)
