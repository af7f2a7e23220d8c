"""The metric that a decoder pulls back to whole lattices: block-sparse J^T J over all cells.

The metric of one cell says what a step of that cell alone does to the picture. Cells whose footprints overlap paint
over each other: a step d of all cells together moves the image by J d, and |J d|^2 = sum_ij d_i^T M_ij d_j with one
block M_ij for every two cells that share pixels. The diagonal blocks are the metric field; the others say where errors
of neighbours add up and where they cancel. All of them follow from the same coloured Jacobian-vector products.

Source: Curtis, Powell, Reid (1974), "On the Estimation of Sparse Jacobian Matrices".
"""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from geovq.catalogue.output_geometries import PIXEL
from geovq.chunks import in_chunks
from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.metric.colouring import ColouringSummary, colour_cells
from geovq.geometry.metric.decoder_check import check_measurement
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.linearisation import LinearisationPlan, linearise
from geovq.progress import Progress


@dataclass(frozen=True)
class LatticeMetric:
    """Pullback metric of whole lattices, by blocks; without the first axis n where one lattice was given.

    Attributes
    ----------
    blocks : Tensor of shape (n, L, M, A, A)
        Block (i, m) couples cell i, in raster order, with cell `neighbours[i, m]`: rows belong to cell i. Squared pixel
        intensity per squared latent unit.
    neighbours : Tensor of shape (L, M)
        Cells whose footprints overlap that of each cell, itself first. Rows with fewer than M of them are filled up
        with the cell itself and blocks of zeros.
    is_pair : Tensor of shape (L, M)
        False where a row is filled up.
    grid : (int, int)
        Rows H and columns W of a lattice; L = H * W.
    images : Tensor of shape (n, ...)
        The decoded lattices.
    pulled_residuals : Tensor of shape (n, H, W, A), optional
        J^T (x - f) for images x, where they were given: half of the steepest descent of |x - f|^2.
    colouring : ColouringSummary
        Which cells shared Jacobian-vector products.
    """

    blocks: Float[Tensor, "*n cells m a a"]
    neighbours: Int64[Tensor, "cells m"]
    is_pair: Bool[Tensor, "cells m"]
    grid: tuple[int, int]
    images: Float[Tensor, "..."]
    pulled_residuals: Float[Tensor, "*n h w a"] | None
    colouring: ColouringSummary

    @property
    def n_active(self) -> int:
        """Number A of directions."""
        return self.blocks.shape[-1]

    @property
    def pairs(self) -> Int64[Tensor, "pairs 2"]:
        """Cells (i, j) of every block, each pair in both orders, and every cell with itself."""
        cells, places = self.is_pair.nonzero(as_tuple=True)
        return torch.stack([cells, self.neighbours[cells, places]], dim=1)

    @property
    def diagonal(self) -> Float[Tensor, "*n h w a a"]:
        """Metric tensors of the cells, as `metric_tensors` gives them."""
        a = self.n_active
        return self.blocks[..., 0, :, :].reshape(*self.blocks.shape[:-4], *self.grid, a, a)

    def dense(self) -> Float[Tensor, "*n la la"]:
        """The whole matrix, (H * W * A, H * W * A); rows are cells in raster order, then directions."""
        n_cells, a = len(self.neighbours), self.n_active
        whole = self.blocks.new_zeros(*self.blocks.shape[:-4], n_cells, n_cells, a, a)
        cells, others = self.pairs.T
        whole[..., cells, others, :, :] = self.blocks[..., self.is_pair, :, :]
        return whole.transpose(-3, -2).reshape(*whole.shape[:-4], n_cells * a, n_cells * a)

    def apply(self, delta: Float[Tensor, "*n h w a"]) -> Float[Tensor, "*n h w a"]:
        """J^T J delta for steps of all cells.

        Raises
        ------
        ShapeError
            If there is not one step for each cell of each lattice.
        """
        expected = (*self.blocks.shape[:-4], *self.grid, self.n_active)
        if tuple(delta.shape) != expected:
            raise ShapeError(
                f"delta must hold one step for each cell, shape {expected}, as the metric has it; "
                f"got {tuple(delta.shape)}."
            )
        around = delta.flatten(-3, -2)[..., self.neighbours, :]  # (n, L, M, A)
        return torch.einsum("...imab,...imb->...ia", self.blocks, around).reshape(expected)

    def quadratic(self, delta: Float[Tensor, "*n h w a"]) -> Float[Tensor, "*n"]:
        """|J delta|^2: what steps of all cells do to the picture, to second order; squared pixel intensity."""
        return (delta * self.apply(delta)).sum(dim=(-3, -2, -1))

    def _of_one(self) -> Self:
        pulled = None if self.pulled_residuals is None else self.pulled_residuals[0]
        return type(self)(
            self.blocks[0], self.neighbours, self.is_pair, self.grid, self.images[0], pulled, self.colouring
        )


def lattice_metric(
    decoder: Decode,
    lattices: Float[Tensor, "*n d h w"],
    basis: Float[Tensor, "d a"],
    *,
    images: Float[Tensor, "..."] | None = None,
    output_geometry: str = PIXEL.name,
    chunk_size: int | None = None,
    progress: Progress | None = None,
) -> LatticeMetric:
    """Pullback metric of lattices as wholes, with a block for every two cells whose footprints overlap.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...) to pixel means. Rows must not interact: use eval mode.
    lattices : Tensor of shape (n, D, H, W) or (D, H, W)
        float32 or float64, on the device of the decoder.
    basis : Tensor of shape (D, A)
        Orthonormal directions along which the decoder is differentiated; any type and device.
    images : Tensor of the decoded shape, optional
        Pictures x that the lattices should decode to; the result then has J^T (x - f), weighted as the metric is.
    output_geometry : {"pixel", "bernoulli"}, default="pixel"
        As in `geovq.metric_tensors`.
    chunk_size : int, optional
        Lattices that are worked on at once; bounds memory, never changes the result.
    progress : Progress, optional
        Told about every chunk of lattices.

    Returns
    -------
    LatticeMetric
        n * L * M * A^2 numbers, where M is the number of cells that one cell overlaps with.

    Raises
    ------
    ShapeError
        If lattices and basis do not fit, or images do not have the shape of the decoded lattices.
    InvalidValueError
        If the basis is not orthonormal, the decoder is in train mode or mixes the rows of a batch, or its pixels are
        not in [0, 1] where `bernoulli` needs it.
    NonFiniteError
        If lattices, images, the decoder's output or its derivative contain NaN or infinity.
    DeviceError
        If decoder and lattices are on different devices, or not even one lattice fits into memory.
    """
    if lattices.ndim == 3:
        one = None if images is None else images[None]
        batched = lattice_metric(
            decoder, lattices[None], basis, images=one, output_geometry=output_geometry, progress=progress
        )
        return batched._of_one()
    geometry = check_measurement(decoder, lattices, basis, output_geometry, chunk_size)
    plan = LinearisationPlan(colour_cells(decoder, lattices[0]), basis.to(lattices), geometry)
    plan = plan.for_layers_of(decoder, lattices[0])
    if images is not None:
        require_images(images, len(lattices), plan.colouring.footprints.image_shape)

    def work(part: slice) -> tuple[Tensor, Tensor, Tensor | None]:
        linear = linearise(decoder, lattices[part], plan)
        pulled = None
        if images is not None:
            pulled = linear.pull(images[part].to(lattices).flatten(1) - linear.means)
        return linear.blocks(), linear.means, pulled

    chunks = list(
        in_chunks(
            work,
            len(lattices),
            chunk_size or plan.chunk_size(lattices),
            phase="lattice metric",
            unit="lattices",
            progress=progress,
        )
    )
    blocks, means, pulled = zip(*chunks, strict=True)
    overlaps, grid = plan.overlaps, (lattices.shape[2], lattices.shape[3])
    return LatticeMetric(
        torch.cat(blocks),
        overlaps.neighbours,
        overlaps.is_pair,
        grid,
        torch.cat(means).reshape(-1, *plan.colouring.footprints.image_shape),
        None if images is None else torch.cat(pulled).reshape(-1, *grid, basis.shape[1]),
        plan.colouring.summary(),
    )


def require_images(images: Float[Tensor, "..."], n_lattices: int, image_shape: tuple[int, ...]) -> None:
    """Raise unless these are finite images of `n_lattices` lattices, each of the shape that the decoder returns."""
    if not isinstance(images, Tensor) or not images.dtype.is_floating_point:
        got = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise InvalidValueError(
            f"images must be a floating-point tensor, in the unit of the decoder's pixel means; got {got}."
        )
    expected = (n_lattices, *image_shape)
    if tuple(images.shape) != expected:
        raise ShapeError(
            f"images must be those of the lattices, of the shape that they decode to, {expected}; "
            f"got {tuple(images.shape)}."
        )
    if not torch.isfinite(images).all():
        raise NonFiniteError("images contain NaN or infinity; leave those out.")
