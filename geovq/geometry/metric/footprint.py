"""Which pixels each cell of a lattice can change, found by probing the decoder: any stride and kernel will do."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geovq.chunks import in_chunks

Decode = Callable[[Tensor], Tensor]

_CELLS_PER_PASS = 256
_SMALLEST_CHANGE = 1e-4  # share of the largest pixel: above rounding, far below what a cell does to its own pixels


@dataclass(frozen=True)
class Footprints:
    """Pixels that each cell can change.

    Attributes
    ----------
    masks : Tensor of shape (H * W, P)
        Whether cell i can change pixel p.
    image_shape : tuple of int
        Shape of one decoded image; its sizes multiply to P.
    """

    masks: Bool[Tensor, "cells pixels"]
    image_shape: tuple[int, ...]

    @property
    def largest_box(self) -> tuple[int, int]:
        """Rows and columns of pixels of the largest box that one cell can change."""
        rows, columns = (1, 1, *self.image_shape)[-2:]
        planes = self.masks.reshape(len(self.masks), -1, rows, columns).any(dim=1)
        return _longest_span(planes.any(dim=2)), _longest_span(planes.any(dim=1))


@torch.no_grad()
def probe_footprints(decode: Decode, lattice: Float[Tensor, "d h w"]) -> Footprints:
    """Find the footprint of every cell of a lattice.

    A NaN put into one cell reaches exactly the pixels that depend on it, whatever the weights and the context: decoding
    H * W copies of one lattice, each with NaN in another cell, finds every footprint. A decoder may replace NaN, in all
    of its branches or in some; the latter shows where moving a cell changes a pixel that NaN did not reach. Then
    nothing is known, and every cell is taken to change every pixel.

    Parameters
    ----------
    decode : callable
        (B, D, H, W) -> (B, ...), rows independent.
    lattice : Tensor of shape (D, H, W)
        Any lattice; gives shape, type and device.

    Raises
    ------
    DeviceError
        If not even one lattice fits through the decoder.
    """
    n_cells = lattice.shape[1] * lattice.shape[2]
    probes = in_chunks(
        lambda part: _probe(decode, lattice, part),
        n_cells,
        min(_CELLS_PER_PASS, n_cells),
        phase="probing footprints",
        unit="cells",
    )
    reached, missed, image_shapes = zip(*probes, strict=True)
    masks = torch.cat(reached)  # (cells, pixels)
    if any(missed) or not masks.any(dim=1).all():
        masks = torch.ones_like(masks)
    return Footprints(masks, tuple(image_shapes[0]))


def _probe(decode: Decode, lattice: Tensor, part: slice) -> tuple[Tensor, bool, torch.Size]:
    """Pixels that NaN in some of the cells reaches, (cells, P); whether it misses one that moves; an image's shape."""
    width = lattice.shape[2]
    cells = torch.arange(part.start, part.stop, device=lattice.device)
    here = torch.arange(len(cells), device=lattice.device), slice(None), cells // width, cells % width
    copies = lattice.repeat(len(cells) + 1, 1, 1, 1)  # the last one stays as it is
    copies[here] = lattice[:, cells // width, cells % width].T + 1
    moved = decode(copies).flatten(start_dim=1)
    visible = (moved[:-1] - moved[-1]).abs() > _SMALLEST_CHANGE * moved[-1].abs().amax()
    copies[here] = torch.nan
    images = decode(copies)
    reached = images[:-1].flatten(start_dim=1).isnan()
    return reached, bool((visible & ~reached).any()), images.shape[1:]


def _longest_span(touched: Tensor) -> int:
    """Largest distance from the first to the last touched place of any row, both included."""
    places = torch.arange(1, touched.shape[1] + 1, device=touched.device)
    last = (touched * places).amax(dim=1)
    first = torch.where(touched, places, touched.shape[1] + 1).amin(dim=1)
    return int((last - first + 1).amax())
