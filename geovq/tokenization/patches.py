"""What a code looks like: the pixels it paints when it stands in one cell of a lattice.

A latent vector has no picture of its own; the decoder's answer to a cell depends on the cells around it. So a code is
decoded in a context, and only the pixels that its cell can change are kept.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry.metric.footprint import Decode, probe_footprints


@torch.no_grad()
def decoded_codes(
    decode: Decode,
    codebook: Float[Tensor, "k d"],
    context: Float[Tensor, "d height width"],
    position: tuple[int, int],
    *,
    batch_size: int = 256,
) -> Float[Tensor, "k c h w"]:
    """Footprint of one cell, decoded once with every code in that cell.

    Parameters
    ----------
    decode : callable
        (B, D, H, W) -> (B, C, rows, columns), rows of the batch independent.
    codebook : Tensor of shape (K, D)
    context : Tensor of shape (D, H, W)
        Lattice whose other cells stay as they are.
    position : (int, int)
        Row and column of the cell.
    batch_size : int, default=256
        Codes per decoder pass; bounds memory, never changes the result.

    Returns
    -------
    Tensor of shape (K, C, h, w)
        h and w are the size of the footprint at this position; it is cut at the border of the image.

    Raises
    ------
    ShapeError
        If codes and context differ in their channels.
    InvalidValueError
        If the position is outside the lattice.
    """
    if codebook.ndim != 2 or context.ndim != 3 or codebook.shape[1] != context.shape[0]:
        raise ShapeError(
            "codebook must be (K, D) and context (D, H, W) with the same D; "
            f"got {tuple(codebook.shape)} and {tuple(context.shape)}."
        )
    rows, columns = footprint_box(decode, context, position)
    patches = []
    for start in range(0, len(codebook), batch_size):
        codes = codebook[start : start + batch_size]
        lattices = context.repeat(len(codes), 1, 1, 1)
        lattices[:, :, position[0], position[1]] = codes
        patches.append(decode(lattices)[..., rows, columns])
    return torch.cat(patches)


@torch.no_grad()
def footprint_box(
    decode: Decode, lattice: Float[Tensor, "d height width"], position: tuple[int, int]
) -> tuple[slice, slice]:
    """Rows and columns of pixels that a cell can change, as the smallest box around them.

    Parameters
    ----------
    decode : callable
        (B, D, H, W) -> (B, C, rows, columns).
    lattice : Tensor of shape (D, H, W)
        Any lattice; gives shape, type and device.
    position : (int, int)
        Row and column of the cell.

    Returns
    -------
    (slice, slice)
        Rows and columns of the image.

    Raises
    ------
    InvalidValueError
        If the position is outside the lattice.
    """
    _, height, width = lattice.shape
    row, column = position
    if not (0 <= row < height and 0 <= column < width):
        raise InvalidValueError(f"position must lie in a lattice of {height} by {width} cells; got {position}.")
    footprints = probe_footprints(decode, lattice)
    footprint = footprints.masks[row * width + column].reshape(footprints.image_shape).any(dim=0)  # (rows, columns)
    return _span(footprint.any(dim=1)), _span(footprint.any(dim=0))


def _span(touched: Tensor) -> slice:
    indices = touched.nonzero().flatten()
    return slice(int(indices[0]), int(indices[-1]) + 1)
