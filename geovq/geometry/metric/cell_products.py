"""Products of all cells of a decoder that says of which layers it consists, in the compressed form of a colouring."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from geovq.geometry.metric.colouring import CellColouring
from geovq.geometry.metric.layer_products import push_cells


@dataclass(frozen=True)
class CellProducts:
    """Layers of a decoder, and where the pixels of each colour lie in the windows of its cells.

    Attributes
    ----------
    layers : sequence of Modules
        As `known_layers` returns them.
    sources : Tensor of shape (n_colours, P)
        Place of the pixel in the windows of all cells, (H, W, s, t, C) flattened; one past the last where no cell of
        the colour changes it.
    """

    layers: Sequence[nn.Module]
    sources: Int64[Tensor, "n_colours p"]

    @classmethod
    def of(
        cls,
        layers: Sequence[nn.Module],
        lattice: Float[Tensor, "d h w"],
        basis: Float[Tensor, "d a"],
        colouring: CellColouring,
    ) -> Self | None:
        """Find the places by pushing one lattice through; None where the layers do not lead to the decoder's images."""
        images, windows = push_cells(layers, lattice[None], basis, lattice.dtype)
        masks = colouring.footprints.masks
        if tuple(images.shape[1:]) != colouring.footprints.image_shape:
            return None
        places = windows.places(masks, images.shape[1:])  # (L, P)
        n_cells, size = len(places), windows.values[0, 0, 0, 0].numel()
        of_all = torch.where(places < 0, -1, places + size * torch.arange(n_cells, device=places.device)[:, None])
        owned = [of_all[colouring.colours == colour].amax(dim=0) for colour in range(colouring.n_colours)]
        sources = torch.stack(owned)
        return cls(layers, torch.where(sources < 0, n_cells * size, sources))

    def columns(
        self, lattices: Float[Tensor, "n d h w"], basis: Float[Tensor, "d a"], dtype: torch.dtype
    ) -> tuple[Float[Tensor, "n p"], Float[Tensor, "n t p"]]:
        """Decoded lattices, and the products of every colour and direction, colour by colour, T = n_colours * A.

        Parameters
        ----------
        lattices : Tensor of shape (n, D, H, W)
        basis : Tensor of shape (D, A)
        dtype : torch.dtype
            That the products are computed in; they are returned in the type of the lattices.
        """
        images, windows = push_cells(self.layers, lattices, basis, dtype)
        by_direction = windows.values.movedim(3, 1).flatten(2)  # (n, A, H * W * s * t * C)
        found = F.pad(by_direction, (0, 1)).to(lattices.dtype)[:, :, self.sources]  # (n, A, n_colours, P)
        return images.flatten(1), found.transpose(1, 2).flatten(1, 2)
