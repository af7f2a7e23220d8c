"""The metric that a decoder pulls back from images to lattice cells.

A step v of one cell moves the image by J v, so its squared length is v^T G v with G = J^T J. For every cell, in its
own lattice, J is taken along the A active directions by forward-mode differentiation; cells with disjoint footprints
share a Jacobian-vector product, so a lattice costs n_colours * A products, however many cells it has.

Source: Arvanitidis, Hansen, Hauberg (2018), "Latent Space Oddity"; Curtis, Powell, Reid (1974) for the colouring.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.footprint import CellColouring, Decode, colour_cells
from geovq.geometry.subspace import require_orthonormal
from geovq.lattice import require_lattices
from geovq.progress import Progress, SilentProgress, stop_if_requested

OutputGeometry = Literal["pixel", "bernoulli"]
_VARIANCE_FLOOR = 1e-2  # keeps the Fisher-Rao weight of saturated pixels, 1 / (f (1 - f)), below 100
_TANGENT_BYTES = 256 * 2**20  # bounds the pushforwards that are held at once


def metric_tensors(
    decoder: Decode,
    lattices: Float[Tensor, "n d h w"],
    basis: Float[Tensor, "d a"],
    *,
    output_geometry: OutputGeometry = "pixel",
    chunk_size: int | None = None,
    progress: Progress | None = None,
) -> Float[Tensor, "n h w a a"]:
    """Pullback metric of every cell of every lattice, in the cell's own context.

    Parameters
    ----------
    decoder : callable
        Differentiable map (B, D, H, W) -> (B, ...) to pixel means. Rows must not interact: use eval mode.
    lattices : Tensor of shape (n, D, H, W)
    basis : Tensor of shape (D, A)
        Orthonormal directions along which the decoder is differentiated.
    output_geometry : {"pixel", "bernoulli"}, default="pixel"
        `pixel`: G = J^T J. `bernoulli`: Fisher-Rao metric of the pixel likelihood, G = J^T diag(1 / (f (1 - f))) J,
        with f (1 - f) kept above 0.01.
    chunk_size : int, optional
        Lattices per decoder pass; bounds memory, never changes the result. By default chosen from the image size.
    progress : Progress, optional
        Told about every chunk of lattices.

    Returns
    -------
    Tensor of shape (n, H, W, A, A)
        Symmetric, positive semi-definite; squared pixel intensity per squared latent unit.

    Raises
    ------
    ShapeError
        If lattices and basis do not fit.
    InvalidValueError
        If the basis is not orthonormal, or the decoder is in train mode or mixes the rows of a batch.
    NonFiniteError
        If lattices or the decoder's output contain NaN or infinity.
    """
    require_lattices(lattices)
    require_orthonormal(basis)
    if basis.shape[0] != lattices.shape[1]:
        raise ShapeError(f"basis must have {lattices.shape[1]} rows, one per latent channel; got {tuple(basis.shape)}.")
    basis = basis.to(lattices)
    progress = progress or SilentProgress()
    check_decoder(decoder, lattices)
    colouring = colour_cells(decoder, lattices[0])
    n_pixels = colouring.footprints.shape[1]
    if chunk_size is None:
        chunk_size = max(1, _TANGENT_BYTES // (lattices.element_size() * basis.shape[1] * n_pixels * 16))
    progress.start("metric field", len(lattices), "lattices")
    chunks = []
    for chunk in torch.split(lattices, chunk_size):
        stop_if_requested(progress)
        chunks.append(_chunk_metrics(decoder, chunk, basis, colouring, output_geometry))
        progress.advance(len(chunk))
    return torch.cat(chunks)


@torch.no_grad()
def check_decoder(decoder: Decode, lattices: Float[Tensor, "n d h w"]) -> None:
    """Raise unless the decoder is deterministic, finite and treats the rows of a batch independently."""
    owner = getattr(decoder, "__self__", decoder)
    if getattr(owner, "training", False):
        raise InvalidValueError("The decoder is in train mode; call .eval() on it before its metric is measured.")
    if not torch.isfinite(lattices).all():
        raise NonFiniteError("The lattices contain NaN or infinity; check the encoder that made them.")
    probe = lattices[:4]
    together = decoder(probe)
    if together.shape[0] != len(probe):
        raise ShapeError(
            f"The decoder must return one row per lattice; got {tuple(together.shape)} for {len(probe)} lattices."
        )
    if not torch.isfinite(together).all():
        raise NonFiniteError("The decoder returned NaN or infinity; load another checkpoint or train the model again.")
    alone = torch.cat([decoder(row) for row in torch.split(probe, 1)])
    if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
        raise InvalidValueError(
            "The decoder's answer to a lattice depends on the others in its batch (batch normalisation or dropout in "
            "train mode?); call .eval() on it or remove layers that mix rows."
        )


@torch.no_grad()  # forward-mode AD ignores no_grad; without it every pushforward would keep the decoder's graph
def _chunk_metrics(
    decoder: Decode, lattices: Tensor, basis: Tensor, colouring: CellColouring, output_geometry: OutputGeometry
) -> Tensor:
    n, _, height, width = lattices.shape
    n_active = basis.shape[1]
    weight = _pixel_weight(decoder, lattices, output_geometry)  # (n, P) or None
    metrics = lattices.new_empty(height * width, n_active, n_active, n)
    upper = torch.triu_indices(n_active, n_active, device=lattices.device)
    for colour in range(colouring.n_colours):
        cells = (colouring.colours == colour).nonzero().squeeze(1)
        pushed = _pushforwards(decoder, lattices, basis, (cells // width, cells % width))  # (A, n, P)
        if not torch.isfinite(pushed).all():
            raise NonFiniteError(
                "The decoder's derivative is NaN or infinite; its metric is undefined at these lattices."
            )
        if weight is not None:
            pushed = pushed * weight
        owners = colouring.footprints[cells].to(pushed.dtype).T  # (P, cells of this colour)
        for a, b in upper.T.tolist():
            entries = ((pushed[a] * pushed[b]) @ owners).T  # (cells, n)
            metrics[cells, a, b] = metrics[cells, b, a] = entries
    return metrics.permute(3, 0, 1, 2).reshape(n, height, width, n_active, n_active)


def _pushforwards(decoder: Decode, lattices: Tensor, basis: Tensor, cells: tuple[Tensor, Tensor]) -> Tensor:
    """J v for each active direction v placed at all given cells at once, (A, n, P)."""
    rows, columns = cells
    tangents = lattices.new_zeros(basis.shape[1], *lattices.shape)
    tangents[:, :, :, rows, columns] = basis.T[:, None, :, None]

    def push(tangent: Tensor) -> Tensor:
        return torch.func.jvp(decoder, (lattices,), (tangent,))[1]  # type: ignore[no-any-return]

    return torch.func.vmap(push)(tangents).flatten(start_dim=2)  # vmap: the primal is computed once for all directions


def _pixel_weight(decoder: Decode, lattices: Tensor, output_geometry: OutputGeometry) -> Tensor | None:
    if output_geometry == "pixel":
        return None
    if output_geometry != "bernoulli":
        raise InvalidValueError(f"output_geometry must be 'pixel' or 'bernoulli'; got {output_geometry!r}.")
    means = decoder(lattices).flatten(start_dim=1)
    return (means * (1 - means)).clamp_min(_VARIANCE_FLOOR).rsqrt()
