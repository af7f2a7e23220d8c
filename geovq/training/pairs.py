"""Examples of two tensors each, such as an image with its class, as one batch.

The loop shuffles, moves and divides one tensor per batch. Two are therefore put side by side in flat rows, and the
objective takes them apart again.
"""

import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor


def join(first: Shaped[Tensor, "b ..."], second: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b n"]:
    """Both tensors of each example in one row; float32, which is exact for whole numbers up to 2**24."""
    return torch.cat([first.reshape(len(first), -1).float(), second.reshape(len(second), -1).float()], dim=1)


def part(rows: Float[Tensor, "b n"], shape: tuple[int, ...]) -> tuple[Float[Tensor, "b ..."], Float[Tensor, "b m"]]:
    """The two tensors again: the first with the shape that one example of it has, the second flat."""
    n_first = math.prod(shape)
    return rows[:, :n_first].reshape(len(rows), *shape), rows[:, n_first:]
