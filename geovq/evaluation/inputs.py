"""Checks of what the functions of this package are given."""

from typing import Any, TypeAlias

import torch
from jaxtyping import Int64, Integer, Shaped
from numpy.typing import NDArray
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError

Tokens: TypeAlias = Integer[Tensor, "n h w"] | Integer[NDArray[Any], "n h w"]  # of any width


def checked_tokens(tokens: Tokens, n_codes: int) -> Int64[Tensor, "n h w"]:
    """Tokens as int64 on the CPU, after checking axes, type and range.

    Raises
    ------
    ShapeError
        If there are not three axes, or nothing to measure.
    InvalidValueError
        If tokens are not whole numbers in [0, n_codes).
    """
    checked = tokens.cpu() if isinstance(tokens, Tensor) else torch.tensor(tokens)  # copies: arrays may be read-only
    if checked.ndim != 3 or checked.numel() == 0:
        raise ShapeError(f"tokens must have shape (n, H, W) with at least one image; got {tuple(checked.shape)}.")
    if checked.is_floating_point() or checked.is_complex() or checked.dtype == torch.bool:
        raise InvalidValueError(f"tokens must be whole numbers; got {checked.dtype}.")
    if n_codes < 1:
        raise InvalidValueError(f"n_codes must be at least 1; got {n_codes}.")
    checked = checked.to(torch.int64)
    lowest, highest = int(checked.min()), int(checked.max())
    if lowest < 0 or highest >= n_codes:
        raise InvalidValueError(
            f"tokens must be in [0, {n_codes}); got {lowest} to {highest}. Were they made with another codebook?"
        )
    return checked


def require_same_shape(first: Tensor, second: Tensor, names: tuple[str, str]) -> None:
    """Raise `ShapeError` unless both have the same four axes and at least one row."""
    if first.ndim != 4 or first.shape != second.shape or first.numel() == 0:
        raise ShapeError(
            f"{names[0]} and {names[1]} must have the same four axes and at least one row; "
            f"got {tuple(first.shape)} and {tuple(second.shape)}."
        )


def require_finite(values: Shaped[Tensor, "..."], what: str, remedy: str) -> None:
    """Raise `NonFiniteError` if NaN or infinity is among the values."""
    n_bad = int((~torch.isfinite(values)).sum())
    if n_bad:
        raise NonFiniteError(f"{what} must be finite; {n_bad} of {values.numel()} values are NaN or infinite. {remedy}")
