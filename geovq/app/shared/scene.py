"""The latent space of a run with its landmarks and the plane that pages draw them in, as plain arrays."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from geovq.app.shared import fetching
from geovq.app.shared.caching import shared
from geovq.app.shared.fetching import VAE
from geovq.catalogue.output_geometries import OutputGeometry
from geovq.errors import ConfigError, DataError
from geovq.geometry import CellContext, LandmarkSample, LatentGeometry, PullbackMetric, cell_in_context
from geovq.geometry.active_plane import PlaneField, plane_field, plane_points
from geovq.runs import Run, images_of_geometry
from geovq.viz.arrays import Array


@dataclass(frozen=True)
class Scene:
    """The latent space of a run.

    Attributes
    ----------
    geometry : LatentGeometry
    positions : array of shape (N, 2)
        Landmarks in the plane of the two strongest active directions, latent units.
    shares : array of shape (2,)
        Share of the cells' variance that each of the two directions carries.
    field : PlaneField
        Metric of the plane.
    weights : csr_matrix of shape (N, N)
        The landmark graph with pullback lengths, in the unit of the run's output geometry.
    places : array of shape (N, 3)
        Image of the sample, row and column that every landmark comes from.
    classes : array of shape (N,), optional
        Class of that image; None where the images are not on this machine.
    class_names : tuple of str
    output_geometry : OutputGeometry
        Names the unit of all its lengths.
    """

    geometry: LatentGeometry
    positions: Float[Array, "N 2"]
    shares: Float[Array, "2"]
    field: PlaneField
    weights: csr_matrix
    places: Int[Array, "N 3"]
    classes: Int[Array, " N"] | None
    class_names: tuple[str, ...]
    output_geometry: OutputGeometry

    @property
    def n_landmarks(self) -> int:
        """Number N of landmarks."""
        return len(self.positions)

    @property
    def n_images(self) -> int:
        """Images whose lattices were sampled."""
        return len(self.geometry.sample.lattices)

    @property
    def is_exact(self) -> bool:
        """Whether the plane is the whole active subspace."""
        return self.geometry.sample.subspace.n_active == 2


@shared(2, "Measuring the plane …")
def scene_of(run: Run) -> Scene:
    """Read a run's geometry and measure the plane.

    Raises
    ------
    InvalidValueError
        If only one direction is active.
    """
    geometry = run.geometry()
    sample = geometry.sample
    _, _, height, width = sample.lattices.shape
    landmarks, metrics = sample.landmarks.numpy(), geometry.metrics.numpy()
    lengths = PullbackMetric(metrics).edge_lengths(landmarks, sample.graph.tails, sample.graph.heads)
    places = np.stack(np.unravel_index(sample.landmark_indices.numpy(), (len(sample.lattices), height, width)), axis=1)
    labels, names = _sampled_classes(run, sample)
    variances = sample.subspace.variances.numpy()
    return Scene(
        geometry,
        plane_points(geometry),
        (variances / variances.sum())[:2],
        plane_field(geometry, n_context=run.config.geometry.n_context),
        sample.graph.weighted(lengths),
        places,
        None if labels is None else labels[places[:, 0]],
        names,
        run.output_geometry,
    )


def context_of(run: Run, scene: Scene, image: int, landmark: int) -> CellContext:
    """The decoder of the cell where a landmark comes from, in the lattice of an image of the sample."""
    _, row, column = scene.places[landmark].tolist()
    sample = scene.geometry.sample
    return cell_in_context(run.autoencoder(VAE).decode, sample.lattices[image], (row, column), sample.subspace)


@shared(8, "Encoding …")
def landmark_codes(run: Run, tokenizer: str) -> Int[Array, " N"]:
    """Code of every landmark, encoded in the lattice that it comes from."""
    scene = scene_of(run)
    tokens = run.tokenizers[tokenizer].encode(scene.geometry.sample.lattices).numpy()  # (n, H, W)
    codes: Array = tokens[tuple(scene.places.T)]
    return codes


def _sampled_classes(run: Run, sample: LandmarkSample) -> tuple[Array | None, tuple[str, ...]]:
    """Classes of the images that the geometry was sampled from, and their names; none without the run's own images."""
    try:
        images = fetching.training_images(run)
    except (ConfigError, DataError):  # not on this machine
        return None, ()
    if images.name != run.config.data.dataset:  # others stand in for them
        return None, ()
    return images.labels[images_of_geometry(run.config, len(images), sample)].numpy(), images.class_names
