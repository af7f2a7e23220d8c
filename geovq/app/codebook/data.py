"""What the page Codebook shows of a run, as plain arrays: thin calls into the library, no widgets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from geovq.app.shared import fetching
from geovq.app.shared.caching import shared
from geovq.app.shared.fetching import VAE
from geovq.app.shared.scene import Scene, landmark_codes, scene_of
from geovq.catalogue.tokenizers import ON_GRAPH, TOKENIZERS
from geovq.codebook import graph_kmedoids
from geovq.codebook.areas import ClusterAreas, cluster_areas, landmark_volumes
from geovq.codebook.choosing import ladder
from geovq.codebook.medoid_graph import MedoidGraph, code_layout, medoid_graph
from geovq.codebook.solvers import GraphSolver
from geovq.geometry import EuclideanMetric, NearestSource, nearest_source
from geovq.runs import Run
from geovq.runs.layout import GEOMETRY_FILE
from geovq.runs.stages.workspace import autoencoder_of
from geovq.tokenization import LandmarkTokenizer
from geovq.tokenization.landmark_rule import LandmarkRule
from geovq.tokenization.landmark_rule import landmark_codes as codes_of_cells
from geovq.viz.arrays import Array
from geovq.viz.patch_map import PatchMap, patch_map

Distance = Literal["euclidean", "geodesic"]
DISTANCES: tuple[Distance, ...] = get_args(Distance)
NOWHERE = -1  # code of a place where no real cells lie
_MAP_PLACES = 200  # along the longer side of a map of cells
_VOTERS = 7  # landmarks that decide on a place of the map, where it is seen from above
_MOST_ITERATIONS = 20  # of a search for the silhouette


@dataclass(frozen=True)
class Cells:
    """Which medoid is nearest, straight and by geodesic, for one codebook.

    Attributes
    ----------
    medoids : array of shape (K, 2)
        In the plane, latent units.
    labels : arrays of shape (N,) by distance
        Code of every landmark.
    x, y : arrays of shape (nx,), (ny,)
        A regular map of the plane, latent units.
    maps : arrays of shape (ny, nx) by distance
        Code of every place, `NOWHERE` where no real cells lie.
    """

    medoids: Float[Array, "K 2"]
    labels: Mapping[Distance, Int[Array, " N"]]
    x: Float[Array, " nx"]
    y: Float[Array, " ny"]
    maps: Mapping[Distance, Int[Array, "ny nx"]]

    @property
    def n_moved(self) -> int:
        """Landmarks whose nearest medoid is another one when the distance changes."""
        return int((self.labels["euclidean"] != self.labels["geodesic"]).sum())

    def n_landmarks(self, code: int) -> dict[Distance, int]:
        """Landmarks of one code under both distances."""
        return {distance: int((self.labels[distance] == code).sum()) for distance in DISTANCES}


def has_geometry(run: Run, name: str) -> bool:
    """Whether a tokenizer reads the lattices that the metric was measured on."""
    return run.has(GEOMETRY_FILE) and autoencoder_of(name) == VAE


def stands_on_graph(run: Run, name: str) -> bool:
    """Whether the codes of a tokenizer are landmarks of the run's graph; the prototype's are of its own."""
    return run.has(GEOMETRY_FILE) and name in ON_GRAPH


@shared(8, "Asking every place for its nearest code …")
def cells(run: Run, name: str) -> Cells:
    """Voronoi cells of a tokenizer's medoids, straight and by geodesic under the decoder's metric."""
    scene, tokenizer = scene_of(run), landmark_tokenizer(run, name)
    points, medoids = tokenizer.landmarks.numpy(), tokenizer.medoid_indices.numpy()
    nearest = nearest_source(scene.weights, medoids)
    straight = cKDTree(points[medoids])
    labels: dict[Distance, Array] = {"euclidean": straight.query(points)[1], "geodesic": nearest.source}
    x, y, places, covered = _map(scene)
    maps: dict[Distance, Array]
    if scene.is_exact:
        rule = _rule(scene, nearest, tokenizer)
        flat, _ = codes_of_cells(scene.geometry.sample.subspace.lift(torch.from_numpy(places)), rule)
        maps = {"euclidean": straight.query(places)[1], "geodesic": flat.numpy()}
    else:
        voters = cKDTree(scene.positions).query(places, k=min(_VOTERS, len(points)))[1].reshape(len(places), -1)
        maps = {distance: _most_votes(labels[distance][voters]) for distance in DISTANCES}
    shown = {d: np.where(covered, codes.reshape(covered.shape), NOWHERE) for d, codes in maps.items()}
    return Cells(scene.positions[medoids], labels, x, y, shown)


@shared(8, "Measuring the areas …")
def areas(run: Run, name: str) -> ClusterAreas:
    """Share of every code in the room of latent space, measured straight and through the decoder."""
    scene = scene_of(run)
    volumes = landmark_volumes(scene.geometry.sample.landmarks.numpy(), run.config.geometry.n_neighbors)
    magnification = scene.geometry.log10_magnification.numpy()
    return cluster_areas(landmark_codes(run, name), volumes, magnification, run.tokenizers[name].n_codes)


@shared(8, "Laying out the codes …")
def code_graph(run: Run, name: str) -> tuple[MedoidGraph, Float[Array, "K 2"]]:
    """Borders between a tokenizer's geodesic cells, and places on paper for its codes."""
    scene, medoids = scene_of(run), landmark_tokenizer(run, name).medoid_indices.numpy()
    graph = medoid_graph(scene.weights, medoids, nearest_source(scene.weights, medoids).source)
    return graph, code_layout(graph, scene.positions[medoids])


@shared(16, False)
def patches_in_plane(run: Run, name: str, image: int | None, size: float) -> PatchMap:
    """Patches of the codes at their medoids in the plane; `size` is a share of the plane's longer side."""
    side = size * float(np.ptp(scene_of(run).positions, axis=0).max())
    return _laid_out(run, name, image, cells(run, name).medoids, side)


@shared(16, False)
def patches_in_graph(run: Run, name: str, image: int | None, size: float) -> PatchMap:
    """Patches of the codes in the layout of the code graph; `size` is a share of the layout's longer side."""
    places = code_graph(run, name)[1]
    return _laid_out(run, name, image, places, size * (float(np.ptp(places, axis=0).max()) or 1.0))


@shared(4, False)
def own_weights(run: Run, name: str) -> csr_matrix:
    """The landmark graph with the edge lengths that a tokenizer's medoids were chosen by."""
    scene = scene_of(run)
    if TOKENIZERS[name].measures_images:
        return scene.weights
    sample = scene.geometry.sample
    lengths = EuclideanMetric().edge_lengths(sample.landmarks.numpy(), sample.graph.tails, sample.graph.heads)
    return sample.graph.weighted(lengths)


@shared(64, False)
def labels_after(run: Run, name: str, n_passes: int) -> Int[Array, " N"]:
    """Nearest medoid of every landmark after some passes of k-medoids."""
    return nearest_source(own_weights(run, name), landmark_tokenizer(run, name).medoid_history[n_passes].numpy()).source


@shared(128, False)
def silhouette(run: Run, name: str, n_codes: int) -> float:
    """Medoid silhouette of a codebook of so many codes, found by graph Lloyd from one start; takes a second or more."""
    weights, seed = own_weights(run, name), run.seed
    solver = GraphSolver(
        weights, lambda n: graph_kmedoids(weights, n, n_restarts=1, max_iterations=_MOST_ITERATIONS, seed=seed)
    )
    return solver.silhouette(solver.solve(n_codes))


def tried_counts(run: Run, name: str) -> list[int]:
    """Numbers of codes that the silhouette is measured for."""
    return ladder(run.tokenizers[name].n_codes)


def landmark_tokenizer(run: Run, name: str) -> LandmarkTokenizer:
    """A tokenizer whose codes are landmarks."""
    tokenizer = run.tokenizers[name]
    assert isinstance(tokenizer, LandmarkTokenizer)
    return tokenizer


def _laid_out(run: Run, name: str, image: int | None, places: Float[Array, "K 2"], side: float) -> PatchMap:
    """Patches at the places of their codes; where there is not room for all, rare codes go first."""
    counts = fetching.usage(run, name).counts
    return patch_map(places, fetching.code_patches(run, name, image), np.argsort(counts, kind="stable"), side)


def _rule(scene: Scene, nearest: NearestSource, tokenizer: LandmarkTokenizer) -> LandmarkRule:
    """How a place joins the graph, under the decoder's metric whatever the tokenizer's own."""
    return LandmarkRule(
        scene.geometry.sample.subspace,
        scene.geometry.sample.landmarks,
        scene.geometry.metrics,
        torch.from_numpy(nearest.distance),
        torch.from_numpy(nearest.source),
        tokenizer.n_candidates,
    )


def _map(scene: Scene) -> tuple[Array, Array, Float[Array, "places 2"], Array]:
    """A finer map than the field's: its axes, its places row by row, and whether real cells lie there."""
    field = scene.field
    low, high = np.array([field.x[0], field.y[0]]), np.array([field.x[-1], field.y[-1]])
    counts = np.maximum(np.rint(_MAP_PLACES * (high - low) / (high - low).max()).astype(int), 2)
    x, y = (np.linspace(low[i], high[i], counts[i], dtype=np.float32) for i in range(2))
    rows, columns = (
        np.rint(np.linspace(0, len(axis) - 1, len(fine))).astype(int) for axis, fine in ((field.y, y), (field.x, x))
    )
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return x, y, places, field.covered[np.ix_(rows, columns)]


def _most_votes(votes: Int[Array, "places voters"]) -> Int[Array, " places"]:
    agreeing = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    chosen: Array = np.take_along_axis(votes, agreeing.argmax(axis=1)[:, None], axis=1)[:, 0]
    return chosen
