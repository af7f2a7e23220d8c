"""Tokens and lattices as callers have them: tensors or NumPy arrays, of any type that holds them."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError


def as_tensor(values: Any, name: str) -> Tensor:
    """A tensor as it is, a NumPy array as a tensor; unsigned and big-endian integers as int64.

    Raises
    ------
    InvalidValueError
        If it is neither, or an array of objects or texts.
    """
    if isinstance(values, Tensor):
        return values
    if not isinstance(values, np.ndarray):
        raise InvalidValueError(f"{name} must be a tensor or a NumPy array; got {type(values).__name__}.")
    if values.dtype.kind not in "biuf":
        raise InvalidValueError(f"{name} must hold numbers; got an array of {values.dtype}.")
    if values.dtype.kind == "u":
        values = _as_int64(values, name)
    # A copy where torch could not take the memory as it is: read-only, with negative strides, or in another byte order.
    plain = np.require(values, dtype=values.dtype.newbyteorder("="), requirements=["C", "W"])
    return torch.from_numpy(plain)


def require_tokens(tokens: Any, n_codes: int) -> Int64[Tensor, "n h w"]:
    """Tokens as int64.

    Raises
    ------
    ShapeError
        If they do not have three axes.
    InvalidValueError
        If they are not integers in [0, n_codes).
    """
    tokens = as_tensor(tokens, "tokens")
    if tokens.ndim != 3:
        raise ShapeError(f"tokens must have shape (n, H, W); got {tuple(tokens.shape)}.")
    if tokens.dtype.is_floating_point or tokens.dtype.is_complex or tokens.dtype is torch.bool:
        raise InvalidValueError(f"tokens must be integers; got {tokens.dtype}.")
    if tokens.dtype is torch.uint64:  # torch neither compares nor converts all of its values
        tokens = torch.from_numpy(_as_int64(tokens.cpu().numpy(), "tokens")).to(tokens.device)
    tokens = tokens.long()  # the least and the largest are not known of unsigned types
    if tokens.numel() and not (tokens.min() >= 0 and tokens.max() < n_codes):
        raise InvalidValueError(
            f"tokens must be in [0, {n_codes}), the codes of this tokenizer; "
            f"got {int(tokens.min())} to {int(tokens.max())}."
        )
    return tokens


def _as_int64(values: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    if values.size and int(values.max()) > np.iinfo(np.int64).max:
        raise InvalidValueError(f"{name} must be below 2^63; got {int(values.max())}.")
    return values.astype(np.int64)
