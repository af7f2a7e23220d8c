"""What the page Lattice shows of one picture, as arrays: thin calls into the library, no widgets.

Results are kept by the run and the pixels of the picture.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geovq.app.lattice.fitting import grey_values
from geovq.app.shared.caching import copies, shared
from geovq.app.shared.fetching import N_CONTEXT_IMAGES, VAE, Passage, first_batch, held_out_of, passage_of
from geovq.data import ImageSet
from geovq.geometry import (
    ActiveSubspace,
    FieldSummary,
    active_subspace,
    cell_in_context,
    metric_tensors,
    summarise_field,
)
from geovq.geometry.metric.cell_jacobian import cell_jacobian
from geovq.geometry.metric.ellipses import (
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
from geovq.viz.arrays import Array

_LONGEST = 4.0  # half-axis of the metric's ellipse, in the largest standard deviation beside it


@dataclass(frozen=True)
class Look:
    """A picture in the latent space of one autoencoder.

    Attributes
    ----------
    lattice : Tensor of shape (D, H, W)
        Posterior means, or what the encoder of a VQ-VAE returns.
    decoded : array of shape (h, w)
        The picture made from it.
    deviations : Tensor of shape (D, H, W), optional
        Standard deviations of the posterior; None where there is no posterior.
    kl_nats : array of shape (H, W), optional
        KL of the posterior against the prior, summed over channels; None where there is no posterior.
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

    Attributes
    ----------
    position : (int, int)
    footprint : (slice, slice)
        Rows and columns of the pixels that it can change.
    metric : Tensor of shape (A, A)
        Of steps from where it is.
    columns : array of shape (A, h, w)
        The Jacobian's, one per active direction.
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

    Attributes
    ----------
    metric : array of shape (points, 2)
        Those that move the picture by `distance`.
    posterior : array of shape (points, 2), optional
        One standard deviation of the posterior; None where there is no posterior.
    distance : float
        Pixel intensity (L2).
    is_cut : bool
        Whether the longest of the steps in `metric` would reach further than is drawn.
    anisotropy : float
        Of the metric, largest over smallest stretch.
    """

    metric: Float[Array, "points 2"]
    posterior: Float[Array, "points 2"] | None
    distance: float
    is_cut: bool
    anisotropy: float


@shared(64, "Encoding …")
@torch.no_grad()
def look(run: Run, model: str, pixels: bytes) -> Look:
    """A picture in the latent space of an autoencoder."""
    autoencoder, image = run.autoencoder(model), _as_batch(run, pixels)
    if isinstance(autoencoder, LatticeVAE):
        posterior = autoencoder.posterior(image)
        lattices, deviations = posterior.mean, (0.5 * posterior.logvar[0]).exp()
        kl_nats = posterior.kl_nats()[0].sum(dim=0).numpy()
    else:
        lattices, deviations, kl_nats = autoencoder.encode(image), None, None
    return Look(lattices[0], autoencoder.decode(lattices)[0, 0].numpy(), deviations, kl_nats)


@shared(64, "Encoding …")
def passage(run: Run, tokenizer: str, pixels: bytes) -> Passage:
    """A picture through a tokenizer."""
    return passage_of(run, tokenizer, _as_batch(run, pixels))


@shared(4, "Looking for the active directions …")
@torch.no_grad()
def subspace(run: Run, model: str) -> ActiveSubspace:
    """Active directions of an autoencoder: those of the run's geometry, else of the cells of some held-out images."""
    if has_geometry(run, model):
        return run.geometry().sample.subspace
    lattices = run.autoencoder(model).encode(first_batch(held_out_of(run), N_CONTEXT_IMAGES))
    return active_subspace(cells_of(lattices), residual_variance=run.config.geometry.residual_variance)


def has_geometry(run: Run, model: str) -> bool:
    """Whether the run's own measurements hold for this autoencoder."""
    return model == VAE and run.has(GEOMETRY_FILE)


@copies(8, "Encoding …")
@torch.no_grad()
def channel_shares(run: Run, model: str) -> Float[Array, " d"]:
    """Share of the latent variance in each channel."""
    variances = cells_of(run.autoencoder(model).encode(first_batch(held_out_of(run), N_CONTEXT_IMAGES))).var(dim=0)
    return np.asarray(variances / variances.sum())


@shared(32, "Differentiating the decoder in every cell …")
def field(run: Run, model: str, pixels: bytes) -> FieldSummary:
    """Metric of every cell in this picture's lattice, (H, W)."""
    lattice, basis = look(run, model, pixels).lattice, subspace(run, model).basis
    return summarise_field(metric_tensors(run.autoencoder(model).decode, lattice[None], basis)[0])


@shared(128, False)
def cell(run: Run, model: str, pixels: bytes, position: tuple[int, int]) -> Cell:
    """What one cell can change, and how."""
    decode, lattice, active = run.autoencoder(model).decode, look(run, model, pixels).lattice, subspace(run, model)
    footprint = cell_in_context(decode, lattice, position, active).footprint
    columns = cell_jacobian(decode, lattice, position, active.basis)[:, 0]  # (A, h, w)
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
    run: Run, model: str, pixels: bytes, position: tuple[int, int], steps: Float[Array, " a"]
) -> Float[Array, "height width"]:
    """The picture after some steps of one cell along the active directions."""
    lattice, basis = look(run, model, pixels).lattice.clone(), subspace(run, model).basis
    lattice[:, *position] += basis @ torch.from_numpy(steps).to(basis)
    image: Array = run.autoencoder(model).decode(lattice[None])[0, 0].numpy()
    return image


@shared(64, "Decoding the codes …")
def with_codes(
    run: Run, tokenizer: str, model: str, pixels: bytes, position: tuple[int, int]
) -> Float[Array, "k rows columns"]:
    """Pixels that the cell can change, with each code of a tokenizer in its place."""
    decode, lattice = run.autoencoder(tokenizer).decode, look(run, model, pixels).lattice
    return decoded_codes(decode, run.tokenizers[tokenizer].codebook, lattice, position)[:, 0].numpy()


def _as_batch(run: Run, pixels: bytes) -> Float[Tensor, "1 1 height width"]:
    """A picture as a model sees it."""
    image = torch.from_numpy(grey_values(pixels, run.image_shape[1:]).copy())[None, None]
    return ImageSet("picture", "test", image, torch.zeros(1, dtype=torch.int64), ("",)).batch(torch.tensor([0]))
