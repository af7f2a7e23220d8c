"""What all quantizers share: each cell becomes its nearest code, and gradients pass through unchanged.

Source: van den Oord, Vinyals, Kavukcuoglu (2017), "Neural Discrete Representation Learning", section 3.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from geovq.errors import InvalidValueError
from geovq.lattice import cells_of, lattices_of


class Quantized(NamedTuple):
    """What a quantizer makes of a batch of lattices; distances are sums over channels and cells, means over images."""

    lattices: Float[Tensor, "B D H W"]  # codes, straight-through: gradients pass unchanged
    tokens: Int64[Tensor, "B H W"]
    commitment: Float[Tensor, ""]  # squared distance to the codes; its gradient reaches the lattices alone
    codebook_loss: Float[Tensor, ""]  # the same number, with a gradient for the codes alone; 0 where they need none


class Quantizer(nn.Module, ABC):
    """Nearest-code quantizer; subclasses decide how the codes learn.

    Attributes
    ----------
    codebook : Tensor of shape (K, D)
        The codes.
    """

    codebook: Tensor

    @abstractmethod
    def forward(self, features: Float[Tensor, "B D H W"], generator: torch.Generator | None = None) -> Quantized:
        """Quantize encoder outputs; in training mode the codes may learn, with draws from `generator`."""

    def bounded(self, features: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        """Lattices of encoder outputs, with which codes are compared; the same, unless codes fill a bounded range."""
        return features

    def encode(self, lattices: Float[Tensor, "B D H W"]) -> Int64[Tensor, "B H W"]:
        """Nearest code of every cell; the lowest number wins a tie."""
        batch, _, height, width = lattices.shape
        return nearest_codes(cells_of(lattices), self.codebook).reshape(batch, height, width)

    def lookup(self, tokens: Int64[Tensor, "B H W"]) -> Float[Tensor, "B D H W"]:
        """Lattices of the codes that tokens name."""
        return lattices_of(self.codebook[tokens.flatten()], *tokens.shape[1:])


def require_sizes(n_codes: int, n_channels: int) -> None:
    """Refuse a codebook without codes or channels."""
    if n_codes < 1 or n_channels < 1:
        raise InvalidValueError(f"A quantizer needs at least one code and channel; got {n_codes} and {n_channels}.")


def straight_through(lattices: Tensor, codes: Tensor) -> Tensor:
    """The codes, with the gradient of the lattices."""
    return lattices + (codes - lattices).detach()


def squared_distance(first: Float[Tensor, "B D H W"], second: Float[Tensor, "B D H W"]) -> Float[Tensor, ""]:
    """Squared distance, summed over channels and cells, mean over the images."""
    return (first - second).square().flatten(start_dim=1).sum(dim=1).mean()


def nearest_codes(cells: Float[Tensor, "n D"], codebook: Float[Tensor, "K D"]) -> Int64[Tensor, " n"]:
    """Number of the nearest code of each cell."""
    # |c - e|^2 without |c|^2, which is the same for all codes. Both are moved to the median of the codes: far from the
    # origin the two terms are large and nearly cancel, and the mean would follow a code that nobody uses anywhere.
    # Autocast would round the product to bfloat16.
    with torch.autocast(cells.device.type, enabled=False):
        centre = codebook.median(dim=0).values
        cells, codes = cells.float() - centre, codebook - centre
        return (codes.square().sum(dim=1) - 2 * cells @ codes.T).argmin(dim=1)
