"""How much, how unevenly and in which directions the image changes at each cell of a metric field.

A metric tensor is an ellipse: its principal directions are the latent directions that change the image most and least,
and along each of them the image moves by the stretch, the root of the eigenvalue, per latent unit.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError

_ROUNDING = 1e-4  # relative asymmetry, or negative eigenvalue, that float32 may leave behind


@dataclass(frozen=True)
class FieldSummary:
    """Principal directions of every metric tensor of a field. All float64, strongest direction first.

    Attributes
    ----------
    stretches : Tensor of shape (..., A)
        Pixel intensity (L2) per latent unit along each direction, descending. Where they cannot be told from zero they
        are set to the least that could be.
    directions : Tensor of shape (..., A, A)
        Unit columns in the active subspace, the largest entry of each positive. Where stretches are equal, any
        directions of their plane would do.
    is_degenerate : Tensor of shape (...)
        Whether some direction changes the image by less than rounding can tell; magnification and anisotropy are then
        bounds, from above and from below.
    """

    stretches: Float64[Tensor, "*field a"]
    directions: Float64[Tensor, "*field a a"]
    is_degenerate: Bool[Tensor, "*field"]

    @property
    def log10_magnification(self) -> Float64[Tensor, "*field"]:
        """log10 sqrt(det G): how much the decoder enlarges a small volume; -inf where nothing changes the image."""
        return self.stretches.log10().sum(dim=-1)

    @property
    def anisotropy(self) -> Float64[Tensor, "*field"]:
        """Largest over smallest stretch, at least 1: sqrt(lambda_max / lambda_min); NaN where both are zero."""
        return self.stretches[..., 0] / self.stretches[..., -1]


def summarise_field(metrics: Float[Tensor, "*field a a"]) -> FieldSummary:
    """Magnification, anisotropy and principal directions of metric tensors.

    Parameters
    ----------
    metrics : Tensor of shape (..., A, A)
        Symmetric and positive semi-definite, as from `metric_tensors` or `LatentGeometry.metrics`. Their type tells how
        small an eigenvalue can be trusted: A times its rounding error, relative to the largest.

    Raises
    ------
    ShapeError
        If the last two axes are not (A, A).
    NonFiniteError
        If a tensor contains NaN or infinity.
    InvalidValueError
        If a tensor is not symmetric, or has a negative eigenvalue beyond rounding.
    """
    if metrics.ndim < 2 or metrics.shape[-1] != metrics.shape[-2] or metrics.shape[-1] == 0:
        raise ShapeError(f"metrics must have shape (..., A, A); got {tuple(metrics.shape)}.")
    if not torch.isfinite(metrics).all():
        raise NonFiniteError("The metric tensors contain NaN or infinity; measure the field again.")
    wide = metrics.double()
    if not ((wide - wide.mT).abs() <= _ROUNDING * wide.abs().amax(dim=(-2, -1), keepdim=True)).all():
        raise InvalidValueError("Metric tensors must be symmetric; use (G + G.mT) / 2 if they should be.")
    eigenvalues, vectors = torch.linalg.eigh((wide + wide.mT) / 2)
    eigenvalues, vectors = eigenvalues.flip(-1), vectors.flip(-1)
    largest = eigenvalues[..., :1].clamp_min(0)
    if not (eigenvalues >= -_ROUNDING * largest).all():
        raise InvalidValueError(
            f"Metric tensors must not have negative eigenvalues; the lowest is {eigenvalues.min().item():.3g}."
        )
    smallest = metrics.shape[-1] * torch.finfo(metrics.dtype).eps * largest
    kept = torch.maximum(eigenvalues, smallest)
    return FieldSummary(kept.sqrt(), _with_fixed_signs(vectors), (eigenvalues <= smallest).any(dim=-1))


def _with_fixed_signs(vectors: Tensor) -> Tensor:
    # As in the active subspace: an eigenvector's sign is arbitrary, so its largest entry is made positive.
    largest = vectors.abs().argmax(dim=-2, keepdim=True)
    return vectors * vectors.gather(-2, largest).sign()
