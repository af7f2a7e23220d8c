"""How one cell of a lattice changes the image: the whole image, where the metric field keeps inner products only."""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.forward_mode import pushforwards


@torch.no_grad()
def cell_jacobian(
    decoder: Decode, lattice: Float[Tensor, "d h w"], position: tuple[int, int], basis: Float[Tensor, "d a"]
) -> Float[Tensor, "a ..."]:
    """Change of the image per latent unit along each direction, one image per column of the basis.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...). Rows must not interact: use eval mode.
    lattice : Tensor of shape (D, H, W)
    position : (int, int)
        Row and column of the cell.
    basis : Tensor of shape (D, A)
        Orthonormal directions, as those of an `ActiveSubspace`. Then the images' inner products are the cell's metric.

    Raises
    ------
    ShapeError
        If lattice and basis do not fit.
    InvalidValueError
        If the position is outside the lattice.
    NonFiniteError
        If a derivative is NaN or infinite.
    """
    if lattice.ndim != 3 or basis.ndim != 2 or basis.shape[0] != lattice.shape[0]:
        raise ShapeError(
            f"lattice must be (D, H, W) and basis (D, A); got {tuple(lattice.shape)} and {tuple(basis.shape)}."
        )
    (height, width), (row, column) = lattice.shape[1:], position
    if not (0 <= row < height and 0 <= column < width):
        raise InvalidValueError(f"position must be a cell of the {height} by {width} lattice; got {position}.")
    tangents = lattice.new_zeros(basis.shape[1], 1, *lattice.shape)
    tangents[:, 0, :, row, column] = basis.T.to(lattice)

    # Differentiating a map from coordinates in the subspace would say the same, but adding its mean, a constant, makes
    # PyTorch load its compiler first, which takes seconds.
    images = pushforwards(decoder, lattice[None], tangents)[1][:, 0]
    if not torch.isfinite(images).all():
        raise NonFiniteError("The decoder's derivative is NaN or infinite at this cell.")
    return images
