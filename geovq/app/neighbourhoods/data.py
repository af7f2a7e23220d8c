"""What the page Neighbourhoods shows of a run, as plain arrays: thin calls into the library, no widgets.

Landmarks that lie exactly on another one, as empty corners of images do, are one place: the first of them stands for
all, and copies of a landmark do not count as its neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.spatial.distance import cdist

from geovq.app.shared.caching import shared
from geovq.app.shared.cells import centre_cell
from geovq.app.shared.fetching import VAE, mean_lattice
from geovq.app.shared.scene import Scene, scene_of
from geovq.errors import InvalidValueError
from geovq.geometry import cell_in_context, geodesic_distances
from geovq.geometry.graph.component_counts import ComponentCounts, component_counts
from geovq.geometry.neighbourhoods import nearest_candidates, neighbour_ranks, overlap, rank_correlation
from geovq.randomness import make_rng
from geovq.runs import Run
from geovq.viz.arrays import Array

Kind = Literal["euclidean", "geodesic", "pixels"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_NEIGHBOURS = 20
_CORRELATED = 200  # nearest landmarks over which ranks are correlated
_MOST_QUERIES, _MOST_DISTANCES = 1_500, 6_000_000  # asked for the map: searches of the graph within seconds
_QUERIES_AT_ONCE, _PATCHES_AT_ONCE = 128, 256


@dataclass(frozen=True)
class Neighbourhood:
    """All landmarks as seen from one of them.

    Attributes
    ----------
    distances : arrays of shape (N,) by kind
        In latent units, the unit of the run's output geometry (along the way) and pixel intensity (L2); infinite for
        the landmark itself and for copies.
    ranks : arrays of shape (N,) by kind
        1 is the nearest.
    n_candidates : int
        Landmarks with a rank.
    """

    distances: Mapping[Kind, Float[Array, " N"]]
    ranks: Mapping[Kind, Int[Array, " N"]]
    n_candidates: int

    def nearest(self, kind: Kind, k: int) -> Int[Array, " k"]:
        """The k nearest by one distance, nearest first."""
        (nearest,) = nearest_candidates(self.distances[kind][None], k)
        return np.asarray(nearest)

    def n_shared(self, first: Kind, second: Kind, k: int) -> int:
        """How many of the k nearest by one distance are also among the k nearest by another."""
        return len(np.intersect1d(self.nearest(first, k), self.nearest(second, k)))


@dataclass(frozen=True)
class Agreement:
    """How far distances agree, for a sample of landmarks as queries and all landmarks as candidates.

    Attributes
    ----------
    members : array of shape (n,)
        The queries, ascending.
    nearest : arrays of shape (n, m) by kind
        Their m nearest landmarks, m as many as the page lists at most.
    euclidean_in_pixels : array of shape (n, m)
        Pixel distance (L2) of the nearest by Euclid.
    correlation : array of shape (n,)
        Spearman's, of Euclidean and geodesic distance over the `n_correlated` nearest by Euclid.
    n_correlated : int
    n_distinct : int
        Landmarks that are not copies of another one.
    """

    members: Int[Array, " n"]
    nearest: Mapping[Kind, Int[Array, "n m"]]
    euclidean_in_pixels: Float[Array, "n m"]
    correlation: Float[Array, " n"]
    n_correlated: int
    n_distinct: int

    @property
    def most_neighbours(self) -> int:
        """The largest k."""
        return self.nearest["euclidean"].shape[1]

    def overlap(self, first: Kind, second: Kind, k: int) -> Float[Array, " n"]:
        """Share of the k nearest by one distance that are also among the k nearest by another."""
        return overlap(self.nearest[first][:, :k], self.nearest[second][:, :k])

    def mean_shared(self, first: Kind, second: Kind, k: int) -> float:
        """Mean over the queries of how many of k neighbours two distances share."""
        return k * float(self.overlap(first, second, k).mean())

    def worst_first(self, k: int) -> Int[Array, " n"]:
        """Queries from the least overlap of Euclidean and geodesic neighbours on, those that can be seen first.

        Where landmarks lie densely, neighbours look so alike that one cannot see which of them are listed. So the half
        of the queries whose Euclidean neighbours differ most in pixels goes before the other half; queries of equal
        overlap are ordered by that difference.
        """
        visible = self.euclidean_in_pixels[:, :k].mean(axis=1)
        is_faint = visible < np.median(visible)
        order = np.lexsort((-visible, self.overlap("euclidean", "geodesic", k), is_faint))
        return np.asarray(self.members[order])


@shared(2, "Decoding the landmarks …")
@torch.no_grad()
def landmark_patches(run: Run) -> Float[Array, "N h w"]:
    """Every landmark decoded in the centre cell of the mean lattice of held-out images, footprint pixels only."""
    decode, sample = run.autoencoder(VAE).decode, scene_of(run).geometry.sample
    decoder = cell_in_context(decode, mean_lattice(run, VAE), centre_cell(run), sample.subspace)
    landmarks = sample.landmarks
    starts = range(0, len(landmarks), _PATCHES_AT_ONCE)
    return torch.cat([decoder(landmarks[i : i + _PATCHES_AT_ONCE])[:, 0] for i in starts]).numpy()


@shared(64, False)
def neighbourhood(run: Run, landmark: int) -> Neighbourhood:
    """Distances and ranks of all landmarks from one."""
    rows = _distance_rows(scene_of(run), landmark_patches(run), np.array([landmark]))
    distances = {kind: row[0] for kind, row in rows.items()}
    ranks = {kind: neighbour_ranks(row)[0] for kind, row in rows.items()}
    return Neighbourhood(distances, ranks, int(np.isfinite(distances["euclidean"]).sum()))


@shared(4, "Asking every landmark for its neighbours …")
def agreement(run: Run) -> Agreement:
    """Neighbours of a sample of landmarks under all distances; drawn with the run's seed.

    Raises
    ------
    InvalidValueError
        If fewer than three landmarks are distinct.
    """
    scene, patches = scene_of(run), landmark_patches(run)
    distinct = np.flatnonzero(~is_copy(scene))
    if len(distinct) < 3:
        raise InvalidValueError(
            f"Only {len(distinct)} of the {scene.n_landmarks} landmarks are distinct, so nobody has neighbours to "
            "compare. Raise geometry.n_landmarks."
        )
    n_queries = min(len(distinct), _MOST_QUERIES, max(1, _MOST_DISTANCES // scene.n_landmarks))
    rng = make_rng(run.seed, "app/neighbourhoods")
    members = np.sort(rng.choice(distinct, n_queries, replace=False))
    most, n_correlated = min(MOST_NEIGHBOURS, len(distinct) - 1), min(_CORRELATED, len(distinct) - 1)
    nearest: dict[Kind, list[Array]] = {kind: [] for kind in KINDS}
    in_pixels, correlations = [], []
    for begin in range(0, n_queries, _QUERIES_AT_ONCE):
        rows = _distance_rows(scene, patches, members[begin : begin + _QUERIES_AT_ONCE])
        for kind in KINDS:
            nearest[kind].append(nearest_candidates(rows[kind], most))
        in_pixels.append(np.take_along_axis(rows["pixels"], nearest["euclidean"][-1], axis=1))
        correlations.append(rank_correlation(rows["euclidean"], rows["geodesic"], n_correlated))
    joined: dict[Kind, Array] = {kind: np.concatenate(parts) for kind, parts in nearest.items()}
    joined_rows = np.concatenate(in_pixels), np.concatenate(correlations)
    return Agreement(members, joined, *joined_rows, n_correlated, len(distinct))


@shared(8, False)
def pieces(run: Run) -> ComponentCounts:
    """Components of the landmark graph against the number of neighbours."""
    points = scene_of(run).geometry.sample.landmarks.numpy()
    return component_counts(points, min(MOST_NEIGHBOURS, len(points) - 1))


def is_copy(scene: Scene) -> Bool[Array, " N"]:
    """Whether a landmark lies exactly on an earlier one."""
    points = scene.geometry.sample.landmarks.numpy()
    copies = np.ones(len(points), dtype=bool)
    copies[np.unique(points, axis=0, return_index=True)[1]] = False
    return copies


def _distance_rows(
    scene: Scene, patches: Float[Array, "N h w"], queries: Int[Array, " m"]
) -> dict[Kind, Float[Array, "m N"]]:
    points = scene.geometry.sample.landmarks.numpy()
    flat = patches.reshape(len(patches), -1)
    rows: dict[Kind, Array] = {
        "euclidean": cdist(points[queries], points),
        "geodesic": geodesic_distances(scene.weights, queries),
        "pixels": cdist(flat[queries], flat),
    }
    ignored = is_copy(scene)[None] | (rows["euclidean"] == 0)
    return {kind: np.where(ignored, np.inf, distances) for kind, distances in rows.items()}
