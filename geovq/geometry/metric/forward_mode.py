"""Jacobian-vector products of a decoder: the only place that enters forward-mode differentiation.

PyTorch keeps the levels of forward mode once per process, not once per thread: where two threads are inside at the same
time, one may end the level of the other, whose products are then an error or silently wrong. So one lock is held for
one product, or one batch of products; threads with many of them take turns.

Some layers have no forward mode, such as the fast path of `nn.MultiheadAttention`. Their products are made by two
backward passes, or by central differences where a backward pass cannot be differentiated either; a warning says so.
"""

import threading
import warnings

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from geovq.errors import NonFiniteError
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
    images, pushed = pushforwards(decoder, points, tangent[None])
    return images, pushed[0]


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

    try:
        with _ONE_THREAD:
            images, pushed = torch.func.vmap(push)(tangents)  # decodes once for all tangents
        return images[0], pushed
    except (RuntimeError, NotImplementedError) as error:
        if "forward AD" not in str(error):
            raise
        missing = str(error).partition(" with ")[2].partition(" ")[0] or "a layer"
    return _without_forward_mode(decoder, lattices, tangents, missing)


def require_finite_products(means: Tensor, pushed: Tensor) -> None:
    """Raise `NonFiniteError` if decoded lattices or their derivatives contain NaN or infinity."""
    if not torch.isfinite(means).all():
        raise NonFiniteError(
            "The decoder returned NaN or infinity for some of the lattices; leave those out, or train the model again."
        )
    if not torch.isfinite(pushed).all():
        raise NonFiniteError(
            "The decoder's derivative is NaN or infinite at some of the lattices, so that they have no metric; leave "
            "those out, or replace what has no slope there (a square root or logarithm at 0) in the decoder."
        )


def _without_forward_mode(decoder: Decode, lattices: Tensor, tangents: Tensor, missing: str) -> tuple[Tensor, Tensor]:
    try:
        products = [_by_two_backward_passes(decoder, lattices, tangent) for tangent in tangents]
        how = "two backward passes"
    except (RuntimeError, NotImplementedError):
        products = [_by_differences(decoder, lattices, tangent) for tangent in tangents]
        how = "differences"
    # The same text every time, so that Python shows it once.
    warnings.warn(
        f"The decoder has no forward mode ({missing}); its derivative is made by {how}, slowly.", stacklevel=3
    )
    return decoder(lattices), torch.stack(products)


def _by_two_backward_passes(decoder: Decode, lattices: Tensor, tangent: Tensor) -> Tensor:
    """J v as the derivative of u -> J^T u, which is linear, along v."""
    # Of the ways to compute attention, this one alone can be differentiated twice; the choice is one per process.
    with _ONE_THREAD, sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
        point = lattices.detach().requires_grad_()
        images = decoder(point)
        weights = torch.zeros_like(images, requires_grad=True)
        (pulled,) = torch.autograd.grad(images, point, weights, create_graph=True)
        (pushed,) = torch.autograd.grad(pulled, weights, tangent)
    return pushed


def _by_differences(decoder: Decode, lattices: Tensor, tangent: Tensor) -> Tensor:
    """Central differences, with the step that balances their error against rounding."""
    largest = float(tangent.abs().max()) or 1.0
    step = torch.finfo(lattices.dtype).eps ** (1 / 3) * max(1.0, float(lattices.abs().max())) / largest
    change: Tensor = (decoder(lattices + step * tangent) - decoder(lattices - step * tangent)) / (2 * step)
    return change
