"""Tokens and lattices as callers have them: tensors or NumPy arrays, of any type that holds them."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64, Integer
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError

GivenLattices: TypeAlias = Float[Tensor, "n d h w"] | Float[npt.NDArray[Any], "n d h w"]
GivenTokens: TypeAlias = Integer[Tensor, "n h w"] | Integer[npt.NDArray[Any], "n h w"]


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
    given = as_tensor(tokens, "tokens")
    if given.ndim != 3:
        raise ShapeError(f"tokens must have shape (n, H, W); got {tuple(given.shape)}.")
    if given.dtype.is_floating_point or given.dtype.is_complex or given.dtype is torch.bool:
        raise InvalidValueError(f"tokens must be integers; got {given.dtype}.")
    if given.dtype is torch.uint64:  # torch neither compares nor converts all of its values
        given = torch.from_numpy(_as_int64(given.cpu().numpy(), "tokens")).to(given.device)
    given = given.long()  # the least and the largest are not known of unsigned types
    if given.numel() and not (given.min() >= 0 and given.max() < n_codes):
        raise InvalidValueError(
            f"tokens must be in [0, {n_codes}), the codes of this tokenizer; "
            f"got {int(given.min())} to {int(given.max())}."
        )
    return given


def _as_int64(values: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    if values.size and int(values.max()) > np.iinfo(np.int64).max:
        raise InvalidValueError(f"{name} must be below 2^63; got {int(values.max())}.")
    return values.astype(np.int64)
