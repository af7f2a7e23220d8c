"""The few latent directions that a trained VAE actually uses.

A beta-VAE switches most of its channels off: their posterior means barely move. Distances are measured in the principal
directions that carry (almost) all variance of the cells, so that k-d trees stay fast and Jacobians stay narrow.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError


@dataclass(frozen=True)
class ActiveSubspace:
    """Orthonormal frame of the directions that cells vary in.

    Attributes
    ----------
    mean : Tensor of shape (D,)
        Mean cell.
    basis : Tensor of shape (D, A)
        Orthonormal columns, strongest direction first.
    variances : Tensor of shape (D,)
        Variance along every principal direction, largest first; the first A belong to `basis`.
    """

    mean: Float[Tensor, " d"]
    basis: Float[Tensor, "d a"]
    variances: Float[Tensor, " d"]

    @property
    def n_active(self) -> int:
        """Number A of directions that are kept."""
        return self.basis.shape[1]

    @property
    def residual_variance(self) -> float:
        """Share of the total variance that lies outside the subspace."""
        return float(self.variances[self.n_active :].sum() / self.variances.sum())

    def project(self, cells: Float[Tensor, "n d"]) -> Float[Tensor, "n a"]:
        """Coordinates y = (z - mean) basis of cells, (n, D) -> (n, A)."""
        if cells.ndim != 2 or cells.shape[1] != self.mean.shape[0]:
            raise ShapeError(
                f"cells must have shape (n, {self.mean.shape[0]}), the latent channels; got {tuple(cells.shape)}."
            )
        return (cells - self.mean.to(cells)) @ self.basis.to(cells)

    def lift(self, points: Float[Tensor, "n a"]) -> Float[Tensor, "n d"]:
        """Cells at given coordinates, (n, A) -> (n, D); what the subspace leaves out sits at its mean."""
        return points @ self.basis.to(points).T + self.mean.to(points)


def active_subspace(cells: Float[Tensor, "n d"], residual_variance: float = 0.001) -> ActiveSubspace:
    """Smallest principal subspace that loses at most a given share of variance.

    Parameters
    ----------
    cells : Tensor of shape (n, D)
        Latent vectors of many cells.
    residual_variance : float, default=0.001
        Largest share of the total variance that may be left out, in [0, 1).

    Raises
    ------
    InvalidValueError
        If the cells do not vary, as after posterior collapse.
    """
    if not 0 <= residual_variance < 1:
        raise InvalidValueError(f"residual_variance must be in [0, 1); got {residual_variance}.")
    if not torch.isfinite(cells).all():
        raise NonFiniteError("The latents contain NaN or infinity; train the model again with a lower learning rate.")
    wide = cells.double()
    mean = wide.mean(dim=0)
    centred = wide - mean
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(cells))
    variances, directions = variances.flip(0).clamp_min(0), directions.flip(1)
    total = variances.sum()
    scale = wide.abs().amax().clamp_min(1e-30)
    if not total > (1e-6 * scale) ** 2:
        raise InvalidValueError(
            "The latents of all cells are the same, so there is no geometry to measure (posterior collapse); "
            "lower vae.beta and train the VAE again."
        )
    lost = 1 - variances.cumsum(0) / total
    n_active = int((lost > max(residual_variance, 1e-12)).sum()) + 1
    basis = _with_fixed_signs(directions[:, : min(n_active, len(mean))])
    return ActiveSubspace(mean.float().cpu(), basis.float().cpu(), variances.float().cpu())


def require_orthonormal(basis: Float[Tensor, "d a"]) -> None:
    """Raise unless the columns of `basis` are orthonormal to 1e-4."""
    if basis.ndim != 2 or not 1 <= basis.shape[1] <= basis.shape[0]:
        raise ShapeError(f"basis must have shape (D, A) with 1 <= A <= D; got {tuple(basis.shape)}.")
    gram = basis.double().T @ basis.double()
    error = (gram - torch.eye(len(gram), dtype=gram.dtype, device=gram.device)).abs().amax().item()
    if not error < 1e-4:
        raise InvalidValueError(
            f"basis must have orthonormal columns; basis.T @ basis differs from the identity by {error:.2g}. "
            "Orthonormalise it, for example with torch.linalg.qr."
        )


def _with_fixed_signs(directions: Tensor) -> Tensor:
    # An eigenvector's sign is arbitrary; making its largest entry positive keeps results comparable between machines.
    largest = directions.abs().argmax(dim=0)
    return directions * directions.gather(0, largest[None]).sign()
