"""What the page Lattice shows of one picture, as arrays. Thin calls into the library: no formulas, no Streamlit."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geovq.app.lattice.fitting import SIDE, grey_values
from geovq.app.shared.views import VAE, Array, first_batch
from geovq.data import ImageSet
from geovq.geometry import (
    ActiveSubspace,
    FieldSummary,
    active_subspace,
    cell_in_context,
    metric_tensors,
    summarise_field,
)
from geovq.geometry.metric.ellipses import (
    cell_jacobian,
    deviation_ellipse,
    indicatrix,
    plane_covariance,
    readable_distance,
)
from geovq.lattice import cells_of
from geovq.models import LatticeVAE
from geovq.runs import Run
from geovq.runs.layout import GEOMETRY_FILE
from geovq.tokenization.patches import decoded_codes

N_IMAGES = 200  # behind the active subspace, where the run has not measured one, and the shares of channels

_LONGEST = 4.0  # half-axis of the metric's ellipse, in the largest standard deviation beside it


@dataclass(frozen=True)
class Look:
    """A picture in the latent space of one autoencoder.

    lattice : (D, H, W), posterior means, or what the encoder of a VQ-VAE returns; decoded : (28, 28), the picture made
    from it; deviations : (D, H, W), of the posterior, and kl_nats : (H, W), summed over channels; None without one.
    """

    lattice: Float[Tensor, "d h w"]
    decoded: Float[Array, "height width"]
    deviations: Float[Tensor, "d h w"] | None
    kl_nats: Float[Array, "h w"] | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.lattice.shape[1], self.lattice.shape[2]


@dataclass(frozen=True)
class Cell:
    """One cell of a picture's lattice.

    footprint : rows and columns of the pixels that it can change; metric : (A, A), of steps from where it is;
    columns : (A, 28, 28), the Jacobian's.
    """

    position: tuple[int, int]
    footprint: tuple[slice, slice]
    metric: Float[Tensor, "a a"]
    columns: Float[Array, "a height width"]

    @property
    def strengths(self) -> Float[Array, " a"]:
        """How far the picture moves per latent unit along each active direction, pixel intensity (L2)."""
        return np.asarray(self.metric.diagonal().sqrt())


@dataclass(frozen=True)
class EqualSteps:
    """Steps in the two strongest directions, latent units, as closed outlines.

    metric : those that move the picture by `distance`; is_cut : whether they would reach further; posterior : one
    standard deviation, None without one; anisotropy : of the metric, largest over smallest stretch.
    """

    metric: Float[Array, "points 2"]
    posterior: Float[Array, "points 2"] | None
    distance: float
    is_cut: bool
    anisotropy: float


def as_batch(pixels: bytes) -> Float[Tensor, "1 1 28 28"]:
    """A picture as a model sees it."""
    image = torch.from_numpy(grey_values(pixels).copy()).reshape(1, 1, SIDE, SIDE)
    return ImageSet("picture", "test", image, torch.zeros(1, dtype=torch.int64), ("",)).batch(torch.tensor([0]))


@torch.no_grad()
def look(run: Run, model: str, pixels: bytes) -> Look:
    """Encode a picture."""
    autoencoder, image = run.autoencoder(model), as_batch(pixels)
    if isinstance(autoencoder, LatticeVAE):
        posterior = autoencoder.posterior(image)
        lattices, deviations = posterior.mean, (0.5 * posterior.logvar[0]).exp()
        kl_nats = posterior.kl_nats()[0].sum(dim=0).numpy()
    else:
        lattices, deviations, kl_nats = autoencoder.encode(image), None, None
    return Look(lattices[0], autoencoder.decode(lattices)[0, 0].numpy(), deviations, kl_nats)


@torch.no_grad()
def subspace(run: Run, model: str, images: ImageSet) -> ActiveSubspace:
    """Active directions of an autoencoder: those of the run's geometry, else of the cells of some held-out images."""
    if has_geometry(run, model):
        return run.geometry().sample.subspace
    lattices = run.autoencoder(model).encode(first_batch(images, N_IMAGES))
    return active_subspace(cells_of(lattices), residual_variance=run.config.geometry.residual_variance)


def has_geometry(run: Run, model: str) -> bool:
    """Whether the run's own measurements hold for this autoencoder."""
    return model == VAE and run.has(GEOMETRY_FILE)


@torch.no_grad()
def channel_shares(run: Run, model: str, images: ImageSet) -> Float[Array, " d"]:
    """Share of the latent variance in each channel."""
    variances = cells_of(run.autoencoder(model).encode(first_batch(images, N_IMAGES))).var(dim=0)
    return np.asarray(variances / variances.sum())


def field(run: Run, model: str, found: Look, active: ActiveSubspace) -> FieldSummary:
    """Metric of every cell in this lattice, (H, W)."""
    return summarise_field(metric_tensors(run.autoencoder(model).decode, found.lattice[None], active.basis)[0])


def cell(run: Run, model: str, found: Look, active: ActiveSubspace, position: tuple[int, int]) -> Cell:
    """What one cell can change, and how."""
    decode = run.autoencoder(model).decode
    footprint = cell_in_context(decode, found.lattice, position, active).footprint
    columns = cell_jacobian(decode, found.lattice, position, active.basis)[:, 0]  # (A, 28, 28)
    flat = columns.flatten(start_dim=1).double()
    return Cell(position, footprint, flat @ flat.T, columns.numpy())


def equal_steps(found: Look, active: ActiveSubspace, cell: Cell) -> EqualSteps:
    """Ellipses of a cell's metric and posterior, of about the same size."""
    if found.deviations is None:
        covariance, posterior = active.variances[:2].diag().double(), None  # of all cells
    else:
        covariance = plane_covariance(found.deviations[:, *cell.position].square(), active)
        posterior = deviation_ellipse(covariance).numpy()
    metric = cell.metric[:2, :2]
    distance = readable_distance(metric, covariance)
    ellipse = indicatrix(metric, distance, longest=_LONGEST * float(covariance.diagonal().max().sqrt()))
    anisotropy = float(summarise_field(metric).anisotropy)
    return EqualSteps(ellipse.outline.numpy(), posterior, distance, ellipse.is_cut, anisotropy)


@torch.no_grad()
def moved(
    run: Run, model: str, found: Look, active: ActiveSubspace, position: tuple[int, int], steps: Float[Array, " a"]
) -> Float[Array, "height width"]:
    """The picture after some steps of one cell along the active directions."""
    lattice = found.lattice.clone()
    lattice[:, *position] += active.basis @ torch.from_numpy(steps).to(active.basis)
    image: Array = run.autoencoder(model).decode(lattice[None])[0, 0].numpy()
    return image


def with_codes(run: Run, tokenizer: str, found: Look, position: tuple[int, int]) -> Float[Array, "k height width"]:
    """Pixels that the cell can change, with each code of a tokenizer in its place."""
    decode = run.autoencoder(tokenizer).decode
    return decoded_codes(decode, run.tokenizers[tokenizer].codebook, found.lattice, position)[:, 0].numpy()
