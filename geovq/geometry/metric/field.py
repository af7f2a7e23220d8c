"""The metric that a decoder pulls back from images to lattice cells.

A step v of one cell moves the image by J v, so its squared length is v^T G v with G = J^T J. For every cell, in its
own lattice, J is taken along the A active directions by forward-mode differentiation; cells with disjoint footprints
share a Jacobian-vector product, so a lattice costs n_colours * A products, however many cells it has.

Source: Arvanitidis, Hansen, Hauberg (2018), "Latent Space Oddity"; Curtis, Powell, Reid (1974) for the colouring.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.catalogue.output_geometries import PIXEL, OutputGeometry
from geovq.chunks import in_chunks, memory_budget
from geovq.geometry.metric.colouring import CellColouring, ColouringSummary, colour_cells
from geovq.geometry.metric.decoder_check import check_measurement
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.forward_mode import pushforwards, require_finite_products
from geovq.progress import Progress

_FLOATS_PER_PIXEL = 64  # that a decoder holds at once: 16 channels at the image's resolution, four such layers
_CPU_BYTES = 32 * 2**20  # larger layers go back to the system and are faulted in anew: 500 at once took twice as long
_MOST_BYTES = 2 * 2**30  # keeps a GPU busy, and its layers far below the 2^31 elements that kernels can index


@dataclass(frozen=True)
class MetricField:
    """Metric tensors of all cells, and how they were found.

    Attributes
    ----------
    tensors : Tensor of shape (n, H, W, A, A)
    colouring : ColouringSummary
        Which cells shared Jacobian-vector products.
    """

    tensors: Float[Tensor, "n h w a a"]
    colouring: ColouringSummary


def metric_tensors(
    decoder: Decode,
    lattices: Float[Tensor, "n d h w"],
    basis: Float[Tensor, "d a"],
    *,
    output_geometry: str = PIXEL.name,
    chunk_size: int | None = None,
    progress: Progress | None = None,
) -> Float[Tensor, "n h w a a"]:
    """Pullback metric of every cell of every lattice, in the cell's own context.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...) to pixel means. Rows must not interact: use eval mode.
    lattices : Tensor of shape (n, D, H, W)
        float32 or float64, on the device of the decoder.
    basis : Tensor of shape (D, A)
        Orthonormal directions along which the decoder is differentiated; any type and device.
    output_geometry : str, default="pixel"
        Name of a geometry of `geovq.catalogue.output_geometries`, which explains them. `pixel`: G = J^T J.
        `bernoulli`: Fisher-Rao metric of the pixel likelihood, G = J^T diag(1 / (f (1 - f))) J,
        with f (1 - f) kept above 0.01: a pixel counts at most 100 times, which it reaches where f is within 0.0101 of
        0 or 1.
    chunk_size : int, optional
        Lattices per decoder pass; bounds memory, never changes the result. By default chosen from the image size and,
        on CUDA, the free memory; halved when it does not fit.
    progress : Progress, optional
        Told about every chunk of lattices.

    Returns
    -------
    Tensor of shape (n, H, W, A, A)
        Symmetric, positive semi-definite; squared unit of the output geometry per squared latent unit. Under `pixel`
        that is squared pixel intensity.

    Raises
    ------
    ShapeError
        If lattices and basis do not fit.
    InvalidValueError
        If the basis is not orthonormal, the decoder is in train mode or mixes the rows of a batch, or its pixels are
        not in [0, 1] where `bernoulli` needs it.
    NonFiniteError
        If lattices, the decoder's output or its derivative contain NaN or infinity.
    DeviceError
        If decoder and lattices are on different devices, or not even one lattice fits into memory.
    """
    field = measure_field(
        decoder, lattices, basis, output_geometry=output_geometry, chunk_size=chunk_size, progress=progress
    )
    return field.tensors


def measure_field(
    decoder: Decode,
    lattices: Float[Tensor, "n d h w"],
    basis: Float[Tensor, "d a"],
    *,
    output_geometry: str = PIXEL.name,
    chunk_size: int | None = None,
    progress: Progress | None = None,
) -> MetricField:
    """`metric_tensors`, together with the colouring that they were measured by."""
    geometry = check_measurement(decoder, lattices, basis, output_geometry, chunk_size)
    basis = basis.to(lattices)
    colouring = colour_cells(decoder, lattices[0])
    chunks = in_chunks(
        lambda part: _chunk_metrics(decoder, lattices[part], basis, colouring, geometry),
        len(lattices),
        chunk_size or _fitting_chunk(lattices, basis.shape[1] * colouring.footprints.masks.shape[1]),
        phase="metric field",
        unit="lattices",
        progress=progress,
    )
    return MetricField(torch.cat(list(chunks)), colouring.summary())


def _fitting_chunk(lattices: Tensor, pushed_pixels: int) -> int:
    """Lattices per pass, when each has `pushed_pixels` = A * P numbers to push forward at once."""
    bytes_per_lattice = lattices.element_size() * _FLOATS_PER_PIXEL * pushed_pixels
    return max(1, min(_MOST_BYTES, memory_budget(lattices.device, _CPU_BYTES)) // bytes_per_lattice)


@torch.no_grad()
def _chunk_metrics(
    decoder: Decode, lattices: Tensor, basis: Tensor, colouring: CellColouring, geometry: OutputGeometry
) -> Tensor:
    n, _, height, width = lattices.shape
    n_active = basis.shape[1]
    metrics = lattices.new_empty(height * width, n_active, n_active, n)
    upper = torch.triu_indices(n_active, n_active).T.tolist()
    for colour in range(colouring.n_colours):
        cells = (colouring.colours == colour).nonzero().squeeze(1)
        means, pushed = _pushforwards(decoder, lattices, basis, (cells // width, cells % width))  # (n, P), (A, n, P)
        require_finite_products(means, pushed)
        if geometry.weight is not None:
            pushed = pushed * geometry.weight(means)
        owners = colouring.footprints.masks[cells].to(pushed.dtype).T  # (P, cells of this colour)
        for a, b in upper:
            entries = ((pushed[a] * pushed[b]) @ owners).T  # (cells, n)
            metrics[cells, a, b] = metrics[cells, b, a] = entries
    return metrics.permute(3, 0, 1, 2).reshape(n, height, width, n_active, n_active)


def _pushforwards(
    decoder: Decode, lattices: Tensor, basis: Tensor, cells: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Pixel means (n, P), and J v for each active direction v placed at all given cells at once, (A, n, P)."""
    rows, columns = cells
    tangents = lattices.new_zeros(basis.shape[1], *lattices.shape)
    tangents[:, :, :, rows, columns] = basis.T[:, None, :, None]

    # torch.func.linearize would compute the primal once for all colours, but traces the decoder anew for every chunk:
    # it took 1.2 to 1.6 times as long.
    means, pushed = pushforwards(decoder, lattices, tangents)
    return means.flatten(start_dim=1), pushed.flatten(start_dim=2)
