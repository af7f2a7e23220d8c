"""The decoder of one cell of a lattice, while all other cells stay as they are; curves are measured with it.

Only the pixels of the cell's footprint change, and those depend on the cells around it only. So no more of the lattice
is decoded than the footprint depends on: where a cell changes a fifth of the pixels, that takes a third of the time, or
less at the border. Once for every context it is checked that the smaller lattice gives the same pixels; where it does
not, the whole lattice is decoded.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from geovq.errors import InvalidValueError, ShapeError
from geovq.geometry.metric.decoder_check import check_decoder
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.subspace import ActiveSubspace

Window = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class CellContext:
    """A cell's decoder: points of the active subspace to the pixels that the cell can change.

    Attributes
    ----------
    decoder : callable
        (B, D, H, W) -> (B, C, h, w).
    lattice : Tensor of shape (D, H, W)
        The context; its own value at `position` is not used.
    position : (int, int)
        Row and column of the cell.
    subspace : ActiveSubspace
        Whose coordinates points have.
    footprint : (slice, slice)
        Rows and columns of the image that the cell can change.
    neighbourhood : (slice, slice)
        Rows and columns of the lattice that are decoded.
    footprint_in_patch : (slice, slice)
        The footprint within what the neighbourhood decodes to.
    """

    decoder: Decode
    lattice: Float[Tensor, "d h w"]
    position: tuple[int, int]
    subspace: ActiveSubspace
    footprint: Window
    neighbourhood: Window
    footprint_in_patch: Window

    def __call__(self, points: Float[Tensor, "t a"]) -> Float[Tensor, "t c rows columns"]:
        """Pixels of the footprint with the cell at each point; differentiable, rows independent."""
        return self._decode(points, self.neighbourhood)[:, :, *self.footprint_in_patch]

    def images(self, points: Float[Tensor, "t a"]) -> Float[Tensor, "t c height width"]:
        """Whole images with the cell at each point."""
        return self._decode(points, (slice(None), slice(None)))

    @property
    def point(self) -> Float[Tensor, " a"]:
        """Where the lattice itself has the cell."""
        row, column = self.position
        return self.subspace.project(self.lattice[None, :, row, column])[0]

    def _decode(self, points: Tensor, window: Window) -> Tensor:
        latents = self.subspace.lift(points.to(self.lattice))  # (T, D)
        surroundings = self.lattice[:, *window]
        here = _mask_at(self.position, self.lattice)[window]
        return self.decoder(torch.where(here, latents[:, :, None, None], surroundings))


def cell_in_context(
    decoder: Decode, lattice: Float[Tensor, "d h w"], position: tuple[int, int], subspace: ActiveSubspace
) -> CellContext:
    """Let one cell of a lattice move in the active subspace.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, C, h, w) to pixel means, on the lattice's device. Rows must not interact.
    lattice : Tensor of shape (D, H, W)
    position : (int, int)
        Row and column of the cell.
    subspace : ActiveSubspace

    Raises
    ------
    ShapeError
        If the lattice does not have three axes, or the decoder does not return images.
    InvalidValueError
        If the position is outside the lattice, or the decoder is in train mode or mixes the rows of a batch.
    NonFiniteError
        If the lattice or the decoder's output contain NaN or infinity.
    """
    if lattice.ndim != 3:
        raise ShapeError(f"lattice must have shape (D, H, W), one image's; got {tuple(lattice.shape)}.")
    _, height, width = lattice.shape
    position = row, column = int(position[0]), int(position[1])
    if not (0 <= row < height and 0 <= column < width):
        raise InvalidValueError(f"position must be a cell of the {height} by {width} lattice; got {position}.")
    check_decoder(decoder, lattice[None], needs_derivative=False)
    whole: Window = (slice(0, height), slice(0, width))
    footprint, neighbourhood = _what_the_cell_changes(decoder, lattice, position)
    undivided = CellContext(decoder, lattice, position, subspace, footprint, whole, footprint)
    if neighbourhood == whole:
        return undivided
    return _cropped(undivided, neighbourhood) or undivided


@torch.no_grad()
def _what_the_cell_changes(decoder: Decode, lattice: Tensor, position: tuple[int, int]) -> tuple[Window, Window]:
    """Bounding box of the cell's footprint, and the smallest neighbourhood of cells that the footprint depends on.

    NaN reaches exactly the pixels that depend on where it was put, as in `probe_footprints`. In the cell it shows the
    footprint; in all cells outside a neighbourhood it shows whether the footprint depends on any of them.
    """
    _, height, width = lattice.shape
    reached = decoder(torch.where(_mask_at(position, lattice), torch.nan, lattice)[None]).isnan()
    if reached.ndim != 4:
        raise ShapeError(f"The decoder must return images (B, C, h, w); got {tuple(reached.shape)} for one lattice.")
    changed = reached[0].any(dim=0)  # (h, w)
    if not changed.any():  # the decoder replaces NaN: nothing is known
        return (slice(0, changed.shape[0]), slice(0, changed.shape[1])), (slice(0, height), slice(0, width))
    footprint = _bounding(changed.any(dim=1)), _bounding(changed.any(dim=0))
    for reach in range(max(height, width)):
        near = _around(position, reach, height, width)
        outside = torch.ones(height, width, dtype=torch.bool, device=lattice.device)
        outside[near] = False
        poisoned = decoder(torch.where(outside, torch.nan, lattice)[None])
        if not poisoned[0, :, *footprint].isnan().any():
            break
    return footprint, near  # at the latest the whole lattice, where nothing is poisoned


@torch.no_grad()
def _cropped(whole: CellContext, neighbourhood: Window) -> CellContext | None:
    """The same context decoded from its neighbourhood only, or None where that gives other pixels."""
    lattice = whole.lattice
    points = whole.subspace.project(torch.stack([lattice[:, *whole.position], lattice.mean(dim=(1, 2))]))
    scale = [size // cells for size, cells in zip(whole.images(points).shape[2:], lattice.shape[1:], strict=True)]
    shifts = [pixels * cells.start for pixels, cells in zip(scale, neighbourhood, strict=True)]
    moved = [slice(side.start - by, side.stop - by) for side, by in zip(whole.footprint, shifts, strict=True)]
    cropped = replace(whole, neighbourhood=neighbourhood, footprint_in_patch=(moved[0], moved[1]))
    expected = whole(points)
    try:
        pixels = cropped(points)
    except (RuntimeError, ValueError):  # a decoder for lattices of one size says so in its own words
        return None
    same = pixels.shape == expected.shape and torch.allclose(pixels, expected, rtol=1e-4, atol=1e-5)
    return cropped if same else None


def _mask_at(position: tuple[int, int], lattice: Tensor) -> Bool[Tensor, "h w"]:
    mask = torch.zeros(lattice.shape[1:], dtype=torch.bool, device=lattice.device)
    mask[position] = True
    return mask


def _around(position: tuple[int, int], reach: int, height: int, width: int) -> Window:
    row, column = position
    rows = slice(max(row - reach, 0), min(row + reach + 1, height))
    return rows, slice(max(column - reach, 0), min(column + reach + 1, width))


def _bounding(changed: Bool[Tensor, " n"]) -> slice:
    indices = changed.nonzero()
    return slice(int(indices.min()), int(indices.max()) + 1)
