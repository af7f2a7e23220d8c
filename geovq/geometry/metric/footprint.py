"""Which pixels a lattice cell can change, and which cells may be differentiated together.

Cells whose footprints are disjoint can carry a tangent in the same Jacobian-vector product, because every pixel then
answers to one of them only. Footprints are probed, so any stride and kernel will do.

Source: Curtis, Powell, Reid (1974), "On the Estimation of Sparse Jacobian Matrices".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from geovq.chunks import in_chunks

Decode = Callable[[Tensor], Tensor]

_CELLS_PER_PASS = 256
_SMALLEST_CHANGE = 1e-4  # share of the largest pixel: above rounding, far below what a cell does to its own pixels


@dataclass(frozen=True)
class ColouringSummary:
    """How the cells of a lattice shared Jacobian-vector products.

    Attributes
    ----------
    n_cells : int
        Cells of one lattice.
    n_colours : int
        Jacobian-vector products per lattice and direction.
    spacing : (int, int)
        Rows and columns after which a colour returns.
    footprint : (int, int)
        Rows and columns of pixels of the largest box that one cell can change.
    """

    n_cells: int
    n_colours: int
    spacing: tuple[int, int]
    footprint: tuple[int, int]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Inverse of `dataclasses.asdict` followed by JSON, which turns pairs into lists."""
        return cls(values["n_cells"], values["n_colours"], tuple(values["spacing"]), tuple(values["footprint"]))

    @property
    def is_local(self) -> bool:
        """Whether any two cells shared a product; False means one colour per cell."""
        return self.n_colours < self.n_cells

    def sentence(self) -> str:
        """For a log or a caption."""
        rows, columns = self.footprint
        if not self.is_local:
            return (
                f"One cell changes up to {rows} × {columns} pixels, so every cell has a colour of its own: "
                f"{self.n_colours} products per direction."
            )
        return (
            f"One cell changes up to {rows} × {columns} pixels, so {self.n_colours} colours serve all "
            f"{self.n_cells} cells."
        )


@dataclass(frozen=True)
class CellColouring:
    """A partition of the cells of a lattice into groups with disjoint footprints.

    Attributes
    ----------
    footprints : Tensor of shape (H * W, P)
        Whether cell i can change pixel p.
    colours : Tensor of shape (H * W,)
        Group of every cell.
    spacing : (int, int)
        Rows and columns after which a colour returns.
    image_shape : tuple of int
        Shape of one decoded image; its sizes multiply to P.
    """

    footprints: Bool[Tensor, "cells pixels"]
    colours: Int[Tensor, " cells"]
    spacing: tuple[int, int]
    image_shape: tuple[int, ...]

    @property
    def n_colours(self) -> int:
        """Number of groups: Jacobian-vector products per direction."""
        return int(self.colours.max()) + 1

    @property
    def is_local(self) -> bool:
        """Whether any two cells share a product; False means one colour per cell."""
        return self.n_colours < len(self.colours)

    def summary(self) -> ColouringSummary:
        """The numbers worth keeping."""
        rows, columns = (1, 1, *self.image_shape)[-2:]
        planes = self.footprints.reshape(len(self.colours), -1, rows, columns).any(dim=1)
        box = _longest_span(planes.any(dim=2)), _longest_span(planes.any(dim=1))
        return ColouringSummary(len(self.colours), self.n_colours, self.spacing, box)


@torch.no_grad()
def colour_cells(decode: Decode, lattice: Tensor) -> CellColouring:
    """Probe footprints, and the smallest regular spacing at which they do not overlap.

    A NaN put into one cell reaches exactly the pixels that depend on it, whatever the weights and the context: one
    decoder pass over H * W poisoned copies of one lattice finds every footprint. Where the poison gets lost (a decoder
    that replaces NaN), on all its ways or, as moving the cell then shows, on some, nothing is known, and every cell
    gets a colour of its own.

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
    _, height, width = lattice.shape
    n_cells = height * width
    probes = in_chunks(
        lambda part: _probe(decode, lattice, part),
        n_cells,
        min(_CELLS_PER_PASS, n_cells),
        phase="probing footprints",
        unit="cells",
    )
    poisoned, missed, image_shapes = zip(*probes, strict=True)
    footprints = torch.cat(poisoned)  # (cells, pixels)
    if any(missed) or not footprints.any(dim=1).all():
        footprints = torch.ones_like(footprints)
    overlap = (footprints.float() @ footprints.float().T) > 0  # (cells, cells)
    spacing = _smallest_spacing(overlap.cpu(), height, width)
    cells = torch.arange(n_cells, device=lattice.device)
    colours = cells // width % spacing[0] * spacing[1] + cells % width % spacing[1]
    return CellColouring(footprints, colours, spacing, tuple(image_shapes[0]))


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
    poisoned = images[:-1].flatten(start_dim=1).isnan()
    return poisoned, bool((visible & ~poisoned).any()), images.shape[1:]


def _smallest_spacing(overlap: Tensor, height: int, width: int) -> tuple[int, int]:
    """Fewest rows x columns after which a colour may return; as square as possible among equals."""
    rows, columns = torch.arange(height * width) // width, torch.arange(height * width) % width
    tails, heads = overlap.nonzero(as_tuple=True)
    conflicts = torch.zeros(height, width, dtype=torch.bool)  # by the offset between two cells
    conflicts[(rows[tails] - rows[heads]).abs(), (columns[tails] - columns[heads]).abs()] = True
    conflicts[0, 0] = False
    spacings = sorted(product(range(1, height + 1), range(1, width + 1)), key=lambda s: (s[0] * s[1], abs(s[0] - s[1])))
    # Cells of one colour differ by multiples of the spacing. At (height, width) no two cells share one.
    return next((down, right) for down, right in spacings if not conflicts[::down, ::right].any())


def _longest_span(touched: Tensor) -> int:
    """Largest distance from the first to the last touched place of any row, both included."""
    places = torch.arange(1, touched.shape[1] + 1, device=touched.device)
    last = (touched * places).amax(dim=1)
    first = torch.where(touched, places, touched.shape[1] + 1).amin(dim=1)
    return int((last - first + 1).amax())
