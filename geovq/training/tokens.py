"""Tokens of one split, whole in memory."""

import dataclasses
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Int, Int64
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError


@dataclass(frozen=True, eq=False)
class TokenSet:
    """Token sequences of one split, on one device.

    Attributes
    ----------
    tokens : Tensor of shape (n, H, W) or (n, L)
        Any integer type that holds the codes, such as uint16; lattices are read in raster order.

    Raises
    ------
    ShapeError
        If there are not two or three axes.
    InvalidValueError
        If tokens are not integers.
    """

    tokens: Int[Tensor, "n ..."]

    def __post_init__(self) -> None:
        if self.tokens.ndim not in (2, 3):
            raise ShapeError(f"tokens must have shape (n, H, W) or (n, L); got {tuple(self.tokens.shape)}.")
        if self.tokens.is_floating_point() or self.tokens.is_complex() or self.tokens.dtype == torch.bool:
            raise InvalidValueError(f"tokens must be integers; got {self.tokens.dtype}.")

    def __len__(self) -> int:
        return len(self.tokens)

    def to(self, device: str | torch.device) -> Self:
        """The same tokens on another device."""
        return dataclasses.replace(self, tokens=self.tokens.to(device))

    def batch(self, indices: Int[Tensor, " b"]) -> Int64[Tensor, "b L"]:
        """Sequences in raster order."""
        return self.tokens[indices.to(self.tokens.device)].flatten(start_dim=1).long()
