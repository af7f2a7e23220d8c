"""The latent directions whose variation is seen in the picture.

With Sigma the covariance of the cells and E[G] the mean of their metrics, keeping A coordinates of a cell and setting
what is uncorrelated with them to its mean moves the picture least, to first order, if they belong to the leading
eigenvectors of S = Sigma^1/2 E[G] Sigma^1/2. A direction that varies without being seen is dropped, however much it
varies. S is never formed from full Jacobians: products S v with a few random v span its leading eigenvectors.

How many are needed is measured by decoding: to first order, and with one cell at a time, the picture of a digit seemed
to lose 20 times less than it did, because what is left out of neighbouring cells adds up in the picture.

Sources: Halko, Martinsson, Tropp (2011), "Finding Structure with Randomness" (range finder, Nystroem approximation);
Hutchinson (1990), "A Stochastic Estimator of the Trace of the Influence Matrix" (random signs).
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from geovq.catalogue.output_geometries import OUTPUT_GEOMETRIES, PIXEL, OutputGeometry
from geovq.chunks import in_chunks, memory_budget
from geovq.errors import InvalidValueError
from geovq.geometry.metric.decoder_check import check_decoder
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.forward_mode import pushforwards, require_finite_products
from geovq.geometry.metric.reverse_mode import pullbacks
from geovq.geometry.metric.subspace import ROUNDING, ActiveSubspace, fixed_signs, principal_axes
from geovq.lattice import cells_of, lattices_of
from geovq.progress import Progress
from geovq.randomness import make_generator

N_EXTRA = 8  # probes besides the directions that may be kept; five to ten are usual
_LATTICES_PER_PASS = 64
_MOST_LATTICES = 200  # that are decoded; the mean metric of 100 had the spectrum of 500 within 3 %
_PRODUCT_ROUNDING = 1e-6  # of the largest eigenvalue: products are float32
_FLOATS_PER_PIXEL = 64  # that a decoder holds at once: 16 channels at the image's resolution, four such layers
_CPU_BYTES = 32 * 2**20  # keeps the layers of a pass in the caches
_MOST_BYTES = 2 * 2**30  # keeps a GPU busy, and its layers far below the 2^31 elements that kernels can index


def pixel_directions(
    decoder: Decode,
    lattices: Float[Tensor, "n d h w"],
    *,
    residual_variance: float = 0.001,
    max_active: int = 16,
    output_geometry: str = PIXEL.name,
    seed: int = 0,
    progress: Progress | None = None,
) -> ActiveSubspace:
    """Fewest directions that give up at most a share of the picture's variance.

    A lattice costs min(D, max_active + 8) products with J, and as many with J^T where D is larger than that, whatever D
    and the decoder's footprints are: all cells of a lattice move at once, each with a random sign, so that what they do
    to each other's pixels cancels in the mean over lattices.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...) to pixel means, forwards and, where D > max_active + 8, backwards.
        Rows must not interact: use eval mode.
    lattices : Tensor of shape (n, D, H, W)
        On the device of the decoder. The cells of all of them count; at most 200, evenly spaced, are decoded.
    residual_variance : float, default=0.001
        Largest share of the pictures' variance that may be left out, in [0, 1): how far decoded lattices move, in mean
        squared length, where cells are projected, by how far they move where every cell is set to the mean.
    max_active : int, default=16
        Directions that are kept at most, whatever they leave out.
    output_geometry : {"pixel", "bernoulli"}, default="pixel"
        What the picture's variance is measured in, as for `geovq.metric_tensors`.
    seed : int, default=0
    progress : Progress, optional

    Returns
    -------
    ActiveSubspace
        With `dual` and `lost_pixel_variance`; `basis` is orthonormal, as for principal directions.

    Raises
    ------
    ShapeError, DeviceError
        If lattices do not have four axes, or decoder and lattices are on different devices.
    InvalidValueError
        If a number is out of range, the cells do not vary or are not seen in the picture, or the decoder cannot be
        differentiated.
    NonFiniteError
        If lattices, the decoder's output or its derivative contain NaN or infinity.
    """
    if not 0 <= residual_variance < 1:
        raise InvalidValueError(f"residual_variance must be in [0, 1); got {residual_variance}.")
    if max_active < 1:
        raise InvalidValueError(f"max_active must be at least 1 direction; got {max_active}.")
    check_decoder(decoder, lattices)
    mean, variances, directions = principal_axes(cells_of(lattices))
    varies = variances > ROUNDING * variances.sum()
    white = _Whitening(mean, directions[:, varies], variances[varies].sqrt())
    geometry = OUTPUT_GEOMETRIES[output_geometry]
    sample = lattices[:: -(-len(lattices) // _MOST_LATTICES)]
    values, vectors = _spectrum(decoder, sample, white, max_active, geometry, seed, progress)
    pictures = _decoded(decoder, sample, geometry)

    def moved(others: Tensor) -> float:
        steps = _decoded(decoder, others, geometry) - pictures
        return float(steps.double().square().sum(dim=1).mean())

    total = moved(mean.to(sample)[:, None, None].expand(sample.shape))
    if not (total > 0 and values[:1].sum() > 0):
        raise InvalidValueError(
            "The decoder's picture does not change with the cells, so no direction is seen in it; check the decoder."
        )
    for n_active in range(1, min(max_active, len(values)) + 1):
        frame = _frame(white, values[:n_active], vectors[:, :n_active])
        lost = moved(lattices_of(frame.lift(frame.project(cells_of(sample))), *sample.shape[2:])) / total
        if lost <= max(residual_variance, ROUNDING):
            break
    return replace(frame, lost_pixel_variance=torch.tensor(lost))


class _Whitening(NamedTuple):
    """Principal axes of the cells: z = mean + axes (deviations * x), where x is white."""

    mean: Float64[Tensor, " d"]
    axes: Float64[Tensor, "d r"]
    deviations: Float64[Tensor, " r"]


def _spectrum(
    decoder: Decode,
    lattices: Tensor,
    white: _Whitening,
    max_active: int,
    geometry: OutputGeometry,
    seed: int,
    progress: Progress | None,
) -> tuple[Float64[Tensor, " m"], Float64[Tensor, "r m"]]:
    """Leading eigenvalues of S in white coordinates, largest first, and its eigenvectors in columns."""
    rank, n_sketch = len(white.deviations), max_active + N_EXTRA
    factor = white.axes * white.deviations  # (D, R)
    generator = make_generator(seed, "geometry.directions")
    is_whole = rank <= n_sketch
    if is_whole:
        probes = torch.eye(rank, dtype=torch.float64).to(factor)
    else:
        probes = torch.randn(rank, n_sketch, generator=generator, dtype=torch.float64).to(factor)
    grams, pulled = _products(
        decoder,
        lattices,
        (factor @ probes).T.to(lattices),
        torch.randint(0, 2, (len(lattices), 1, *lattices.shape[2:]), generator=generator).to(lattices) * 2 - 1,
        not is_whole,
        geometry,
        progress,
    )
    if is_whole:
        values, vectors = torch.linalg.eigh(grams.double())
        return values.flip(0).clamp_min(0), vectors.flip(1)
    found = torch.linalg.svd(_nystroem_factor(factor.T @ pulled.T.double(), probes), full_matrices=False)
    return found.S.square(), found.U


def _nystroem_factor(products: Float64[Tensor, "r t"], probes: Float64[Tensor, "r t"]) -> Float64[Tensor, "r m"]:
    """A matrix F with F F^T nearly S, from S times the probes."""
    gram = probes.T @ products
    values, vectors = torch.linalg.eigh((gram + gram.T) / 2)
    is_sound = values > _PRODUCT_ROUNDING * values[-1]
    factor: Tensor = products @ (vectors[:, is_sound] * values[is_sound].rsqrt())
    return factor


def _products(
    decoder: Decode,
    lattices: Float[Tensor, "n d h w"],
    tangents: Float[Tensor, "t d"],
    signs: Float[Tensor, "n 1 h w"],
    pulls_back: bool,
    geometry: OutputGeometry,
    progress: Progress | None,
) -> tuple[Float[Tensor, "t t"], Float[Tensor, "s d"]]:
    """V^T E[G] V for the tangents V, and E[G] V, one row for each, if that is asked for."""

    @torch.no_grad()
    def work(part: slice) -> tuple[Tensor, Tensor]:
        rows = lattices[part]
        means, pushed = pushforwards(decoder, rows, tangents[:, None, :, None, None] * signs[part])
        means, pushed = means.flatten(start_dim=1), pushed.flatten(start_dim=2)  # (n, P), (T, n, P)
        require_finite_products(means, pushed)
        weight = torch.ones_like(means) if geometry.weight is None else geometry.weight(means)
        columns = (pushed * weight).flatten(start_dim=1)
        gram = columns @ columns.T
        if not pulls_back:
            return gram, tangents[:0]
        pulled = pullbacks(decoder, rows, pushed * weight.square()) * signs[part]
        return gram, pulled.sum(dim=(1, 3, 4))

    n_pixels = decoder(lattices[:1]).numel()
    bytes_per_lattice = lattices.element_size() * _FLOATS_PER_PIXEL * n_pixels * len(tangents)
    size = max(1, min(_MOST_BYTES, memory_budget(lattices.device, _CPU_BYTES)) // bytes_per_lattice)
    chunks = in_chunks(work, len(lattices), size, phase="pixel directions", unit="lattices", progress=progress)
    n_cells = len(lattices) * lattices.shape[2] * lattices.shape[3]
    grams, pulled = zip(*chunks, strict=True)
    return torch.stack(grams).sum(dim=0) / n_cells, torch.stack(pulled).sum(dim=0) / n_cells


def _frame(white: _Whitening, values: Tensor, vectors: Tensor) -> ActiveSubspace:
    """Orthonormal frame of the steps that eigenvectors of S stand for, with coordinates that do not correlate."""
    steps = white.axes @ (white.deviations[:, None] * vectors)  # (D, A): what a white coordinate moves
    basis, deviations, turn = torch.linalg.svd(steps, full_matrices=False)
    dual = white.axes @ (vectors / white.deviations[:, None]) @ (turn.T * deviations)
    seen = turn.square() @ values  # how much of the picture's variance each coordinate makes, to first order
    order = seen.argsort(descending=True)
    basis, dual, variances = basis[:, order], dual[:, order], deviations[order].square()
    signs = fixed_signs(basis)
    rest = (white.axes * white.deviations.square()) @ white.axes.T - steps @ steps.T
    others = torch.linalg.eigvalsh(rest).flip(0)[: len(rest) - len(variances)].clamp_min(0)
    parts = (white.mean, basis * signs, torch.cat([variances, others]), dual * signs)
    return ActiveSubspace(*(part.float().cpu() for part in parts))


@torch.no_grad()
def _decoded(decoder: Decode, lattices: Tensor, geometry: OutputGeometry) -> Float[Tensor, "n p"]:
    """Decoded lattices, in coordinates in which the geometry's lengths are plain ones."""
    parts = torch.split(lattices, _LATTICES_PER_PASS)
    pictures = torch.cat([decoder(part).flatten(start_dim=1) for part in parts])
    return pictures if geometry.embed is None else geometry.embed(pictures)
