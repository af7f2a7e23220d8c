"""Whether a decoder can be differentiated in forward mode."""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.forward_mode import pushforwards

_SMALLEST_CHANGE = 1e-4  # share of the largest pixel


@torch.no_grad()
def has_products(decoder: Decode, lattice: Float[Tensor, "d h w"], basis: Float[Tensor, "d a"]) -> bool:
    """Whether forward mode gives a derivative that is there: some decoders refuse, others leave it out and return 0.

    Parameters
    ----------
    decoder : callable
        (B, D, H, W) -> (B, ...).
    lattice : Tensor of shape (D, H, W)
    basis : Tensor of shape (D, A)
        Directions in which it is tried, in all cells at once.
    """
    one = lattice[None]
    tangents = basis.T[:, None, :, None, None].expand(-1, *one.shape)  # (A, 1, D, H, W)
    try:
        images, pushed = pushforwards(decoder, one, tangents)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError):  # an operation without a forward derivative, or one outside of torch
        return False
    moved = decoder(one + tangents.flatten(0, 1)) - images
    return bool(pushed.any()) or not bool((moved.abs() > _SMALLEST_CHANGE * images.abs().amax()).any())
