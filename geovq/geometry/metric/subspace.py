"""The few latent directions in which the cells of a trained VAE vary.

In a beta-VAE the posterior means of most channels hardly vary. Distances are measured in the principal directions that
carry (almost) all variance of the cells: with fewer dimensions k-d trees are fast, and a Jacobian has few columns.
Where many directions vary and few of them show in the picture, `geovq.geometry.metric.pixel_directions` finds those.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional as F

from geovq.errors import DeviceError, InvalidValueError, NonFiniteError, ShapeError
from geovq.lattice import require_lattices

ROUNDING = 1e-12  # share of the variance below which a direction cannot be told from float32 rounding
_CELLS_PER_BLOCK = 65_536  # bounds the float64 copies


@dataclass(frozen=True)
class ActiveSubspace:
    """Orthonormal frame of the directions that are kept, and how cells are projected to it.

    Cells are split as z = mean + basis y + rest, where y and the rest are uncorrelated, and so are the coordinates of y
    with each other. Principal directions are at right angles to their rest, so `basis` projects as well. Pixel
    directions are not: their rest is what changes the picture least, and `dual` projects along it.

    Attributes
    ----------
    mean : Tensor of shape (D,)
        Mean cell.
    basis : Tensor of shape (D, A)
        Orthonormal columns, strongest direction first: the one with most variance, or for pixel directions the one that
        moves the picture most. So distances between coordinates are distances in latent space, in latent units.
    variances : Tensor of shape (D,)
        Variance of each of the A coordinates, then that of the rest along its own principal directions, largest first.
    dual : Tensor of shape (D, A), optional
        y = (z - mean) dual, with dual^T basis = I; None where it is the basis itself, as for principal directions.
    lost_pixel_variance : Tensor of shape (), optional
        For pixel directions, the share of the decoded lattices' variance that lies outside the subspace.
    """

    mean: Float[Tensor, " d"]
    basis: Float[Tensor, "d a"]
    variances: Float[Tensor, " d"]
    dual: Float[Tensor, "d a"] | None = None
    lost_pixel_variance: Float[Tensor, ""] | None = None

    @property
    def n_active(self) -> int:
        """Number A of directions that are kept."""
        return self.basis.shape[1]

    @property
    def residual_variance(self) -> float:
        """Share of the total variance that lies outside the subspace."""
        return float(self.variances[self.n_active :].sum() / self.variances.sum())

    @property
    def residual_pixel_variance(self) -> float | None:
        """Share of the pictures' variance that lies outside the subspace; None where it was not measured."""
        return None if self.lost_pixel_variance is None else float(self.lost_pixel_variance)

    @property
    def kind(self) -> str:
        """What the directions are, as an adjective."""
        return "principal" if self.dual is None else "pixel"

    def sentence(self) -> str:
        """Which directions are active and what they leave out, for a log; without the full stop."""
        lost = f"{self.residual_variance:.2%} of the latents' variance"
        if self.residual_pixel_variance is not None:
            lost = f"{self.residual_pixel_variance:.2%} of the pictures' variance and {lost}"
        directions = f"{self.n_active} of {len(self.mean)} latent directions are active, {self.kind} ones"
        return f"{directions} ({lost} is left out)"

    @property
    def projection(self) -> Float[Tensor, "d a"]:
        """The matrix P of y = (z - mean) P."""
        return self.basis if self.dual is None else self.dual

    def project(self, cells: Float[Tensor, "n d"]) -> Float[Tensor, "n a"]:
        """Coordinates y of cells, (n, D) -> (n, A)."""
        if cells.ndim != 2 or cells.shape[1] != self.mean.shape[0]:
            raise ShapeError(
                f"cells must have shape (n, {self.mean.shape[0]}), the latent channels; got {tuple(cells.shape)}."
            )
        return (cells - self.mean.to(cells)) @ self.projection.to(cells)

    def lift(self, points: Float[Tensor, "n a"]) -> Float[Tensor, "n d"]:
        """Cells at given coordinates, (n, A) -> (n, D); directions outside the subspace get their mean."""
        # One product, with a column of ones: a sum with a constant, differentiated forward, would make PyTorch load its
        # compiler first, which takes a second or more.
        affine = torch.cat([self.basis.T, self.mean[None]]).to(points)
        return F.pad(points, (0, 1), value=1.0) @ affine


def active_subspace(cells: Float[Tensor, "n d"], residual_variance: float = 0.001) -> ActiveSubspace:
    """Smallest principal subspace that loses at most a given share of variance.

    Parameters
    ----------
    cells : Tensor of shape (n, D)
        Latent vectors of many cells.
    residual_variance : float, default=0.001
        Largest share of the total variance that may be left out, in [0, 1). With 0 every direction is kept that varies
        at all, which means by more than rounding: 1e-12 of the variance.

    Raises
    ------
    ShapeError
        If `cells` does not have two axes, or no rows.
    NonFiniteError
        If the cells contain NaN or infinity.
    InvalidValueError
        If the cells do not vary, as after posterior collapse.
    """
    if not 0 <= residual_variance < 1:
        raise InvalidValueError(f"residual_variance must be in [0, 1); got {residual_variance}.")
    mean, variances, directions = principal_axes(cells)
    lost = 1 - variances.cumsum(0) / variances.sum()
    n_active = int((lost > max(residual_variance, ROUNDING)).sum()) + 1
    basis = directions[:, : min(n_active, len(mean))]
    basis = basis * fixed_signs(basis)
    return ActiveSubspace(mean.float().cpu(), basis.float().cpu(), variances.float().cpu())


def principal_axes(
    cells: Float[Tensor, "n d"],
) -> tuple[Float64[Tensor, " d"], Float64[Tensor, " d"], Float64[Tensor, "d d"]]:
    """Mean of cells, their variance along every principal direction, largest first, and the directions in columns.

    Raises
    ------
    ShapeError, NonFiniteError, InvalidValueError
        As `active_subspace` does.
    """
    if cells.ndim != 2 or 0 in cells.shape:
        raise ShapeError(f"cells must have shape (n, D) with at least one cell and channel; got {tuple(cells.shape)}.")
    if not torch.isfinite(cells).all():
        raise NonFiniteError("The latents contain NaN or infinity; train the model again with a lower learning rate.")
    mean, covariance = _moments(cells)
    variances, directions = torch.linalg.eigh(covariance)
    variances, directions = variances.flip(0).clamp_min(0), directions.flip(1)
    scale = cells.abs().amax().double().clamp_min(1e-30)
    if not variances.sum() > (1e-6 * scale) ** 2:
        raise InvalidValueError(
            "The latents of all cells are the same, so there is no geometry to measure (posterior collapse); "
            "lower vae.beta and train the VAE again."
        )
    return mean, variances, directions


def fixed_signs(directions: Float[Tensor, "d a"]) -> Float[Tensor, " a"]:
    """Factors -1 or 1 that make the largest entry of each column positive."""
    # An eigenvector's sign is arbitrary; fixing it keeps results comparable between machines.
    largest = directions.abs().argmax(dim=0)
    return directions.gather(0, largest[None]).sign()[0]


def require_orthonormal(basis: Float[Tensor, "d a"]) -> None:
    """Raise unless the columns of `basis` are finite and orthonormal to 1e-4."""
    if basis.ndim != 2 or not 1 <= basis.shape[1] <= basis.shape[0]:
        raise ShapeError(f"basis must have shape (D, A) with 1 <= A <= D; got {tuple(basis.shape)}.")
    if not torch.isfinite(basis).all():
        raise NonFiniteError("basis contains NaN or infinity; take the one of active_subspace(cells).")
    gram = basis.double().T @ basis.double()
    error = (gram - torch.eye(len(gram), dtype=gram.dtype, device=gram.device)).abs().amax().item()
    if not error < 1e-4:
        raise InvalidValueError(
            f"basis must have orthonormal columns; basis.T @ basis differs from the identity by {error:.2g}. "
            "Orthonormalise it, for example with torch.linalg.qr."
        )


def require_latents(lattices: Float[Tensor, "n d h w"], device: torch.device | None = None) -> None:
    """Raise unless these are finite float32 or float64 lattices, at least one, on `device` where it is given."""
    if not isinstance(lattices, Tensor):
        raise InvalidValueError(
            f"lattices must be a torch tensor; got {type(lattices).__name__}. Convert an array with torch.from_numpy."
        )
    require_lattices(lattices)
    if 0 in lattices.shape:
        raise ShapeError(f"lattices must hold at least one lattice, channel and cell; got {tuple(lattices.shape)}.")
    if lattices.dtype not in (torch.float32, torch.float64):
        kind = str(lattices.dtype).removeprefix("torch.")
        raise InvalidValueError(
            f"lattices must be float32 or float64, the posterior means of an encoder; got {kind}. "
            "Tokens become lattices with tokenizer.decode, half precision with .float()."
        )
    if device is not None and lattices.device != device:
        raise DeviceError(
            f"The decoder is on {device} and the lattices are on {lattices.device}; "
            f"move one to the other, for example with lattices.to('{device}')."
        )
    if not torch.isfinite(lattices).all():
        raise NonFiniteError("The lattices contain NaN or infinity; check the encoder that made them.")


def _moments(cells: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and covariance (D, D) in float64, block by block."""
    blocks = torch.split(cells, _CELLS_PER_BLOCK)
    mean = torch.stack([block.double().sum(dim=0) for block in blocks]).sum(dim=0) / len(cells)
    covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64, device=cells.device)
    for block in blocks:
        centred = block.double() - mean
        covariance += centred.T @ centred
    return mean, covariance / len(cells)
