"""Tokens of one split, whole in memory."""

import dataclasses
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Int, Int64, Integer
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError


@dataclass(frozen=True, eq=False)
class TokenSet:
    """Token sequences of one split, on one device.

    Attributes
    ----------
    tokens : Tensor of shape (n, H, W) or (n, L)
        Any integer type that holds the codes, such as uint16; lattices are read in raster order.
    labels : Tensor of shape (n,), optional
        Class of each sequence, for a class-conditional prior; none for any other.

    Raises
    ------
    ShapeError
        If there are not two or three axes, or not one label per sequence.
    InvalidValueError
        If tokens are not integers.
    """

    tokens: Integer[Tensor, "n ..."]
    labels: Int[Tensor, " n"] | None = None

    def __post_init__(self) -> None:
        if self.tokens.ndim not in (2, 3):
            raise ShapeError(f"tokens must have shape (n, H, W) or (n, L); got {tuple(self.tokens.shape)}.")
        if self.tokens.is_floating_point() or self.tokens.is_complex() or self.tokens.dtype == torch.bool:
            raise InvalidValueError(f"tokens must be integers; got {self.tokens.dtype}.")
        if self.labels is not None and self.labels.shape != (len(self.tokens),):
            raise ShapeError(
                f"labels must have shape ({len(self.tokens)},), one per sequence; got {tuple(self.labels.shape)}."
            )

    def __len__(self) -> int:
        return len(self.tokens)

    def to(self, device: str | torch.device) -> Self:
        """The same tokens on another device."""
        labels = None if self.labels is None else self.labels.to(device)
        return dataclasses.replace(self, tokens=self.tokens.to(device), labels=labels)

    def subset(self, indices: Int[Tensor, " b"]) -> Self:
        """The sequences at `indices` only."""
        rows = indices.to(self.tokens.device)
        labels = None if self.labels is None else self.labels[rows]
        return dataclasses.replace(self, tokens=self.tokens[rows], labels=labels)

    def batch(self, indices: Int[Tensor, " B"]) -> tuple[Int64[Tensor, "B L"], Int64[Tensor, " B"] | None]:
        """Sequences in raster order, and their classes."""
        rows = indices.to(self.tokens.device)
        labels = None if self.labels is None else self.labels[rows].long()
        return self.tokens[rows].flatten(start_dim=1).long(), labels
