"""Jacobian-vector products of a decoder: the only place that enters forward-mode differentiation.

PyTorch keeps the levels of forward mode once per process, not once per thread: where two threads are inside at the same
time, one may end the level of the other, whose products are then an error or silently wrong. So one lock is held for
one product, or one batch of products; threads with many of them take turns.
"""

import threading

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry.metric.footprint import Decode

_ONE_THREAD = threading.RLock()  # again by the thread that holds it: a decoder may differentiate on its own


@torch.no_grad()  # forward-mode AD ignores no_grad; without it every pushforward would keep the decoder's graph
def pushforward(
    decoder: Decode, points: Float[Tensor, "n ..."], tangent: Float[Tensor, "n ..."]
) -> tuple[Float[Tensor, "n ..."], Float[Tensor, "n ..."]]:
    """What points decode to, and J v for one tangent v.

    Parameters
    ----------
    decoder : callable
        Differentiable map of a batch to a batch; rows do not interact.
    points, tangent : Tensors of shape (n, ...)
    """
    with _ONE_THREAD:
        return torch.func.jvp(decoder, (points,), (tangent,))  # type: ignore[return-value]


@torch.no_grad()
def pushforwards(
    decoder: Decode, lattices: Float[Tensor, "n ..."], tangents: Float[Tensor, "t n ..."]
) -> tuple[Float[Tensor, "n ..."], Float[Tensor, "t n ..."]]:
    """Decoded lattices f, and J v for every tangent v.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...), or of points (B, A); rows do not interact.
    lattices : Tensor of shape (n, D, H, W)
    tangents : Tensor of shape (T, n, D, H, W)

    Returns
    -------
    images : Tensor of shape (n, ...)
    pushed : Tensor of shape (T, n, ...)
    """

    def push(tangent: Tensor) -> tuple[Tensor, Tensor]:
        return torch.func.jvp(decoder, (lattices,), (tangent,))  # type: ignore[return-value]

    with _ONE_THREAD:
        images, pushed = torch.func.vmap(push)(tangents)  # decodes once for all tangents
    return images[0], pushed
