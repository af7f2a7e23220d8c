"""Products of pictures with a decoder's transposed Jacobian, by backward passes."""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.errors import InvalidValueError
from geovq.geometry.metric.footprint import Decode


def pullbacks(
    decoder: Decode, lattices: Float[Tensor, "n d h w"], pictures: Float[Tensor, "t n p"]
) -> Float[Tensor, "t n d h w"]:
    """J^T r for several pictures r of every lattice; lattices are decoded once.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...); rows do not interact.
    lattices : Tensor of shape (n, D, H, W)
    pictures : Tensor of shape (T, n, P)
        P numbers for each decoded lattice.

    Raises
    ------
    InvalidValueError
        If the decoder has no backward pass.
    """
    with torch.enable_grad():
        points = lattices.detach().clone().requires_grad_()
        means = decoder(points)
        if not means.requires_grad:
            raise InvalidValueError(
                "The decoder has no backward pass, which finding pixel directions needs; remove torch.no_grad from it, "
                "or set geometry.directions to pca."
            )
        pulled = [torch.autograd.grad(means, points, r.reshape(means.shape), retain_graph=True)[0] for r in pictures]
    return torch.stack(pulled)
