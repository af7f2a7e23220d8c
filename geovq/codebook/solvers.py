"""The searches for a codebook behind one protocol: what a search needs is computed once, for any number of codes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from jaxtyping import Float, Float32, Int64
from scipy.sparse import csr_matrix

from geovq.arrays import FloatArray, IntArray
from geovq.codebook.alternate import alternate_kmedoids
from geovq.codebook.kmedoids import KMedoidsResult, MatrixArray, kmedoids
from geovq.codebook.on_graph.lloyd import graph_kmedoids
from geovq.codebook.pam import classical_pam, pam_estimator
from geovq.codebook.silhouette import medoid_silhouette, two_smallest
from geovq.config import CodebookConfig, SolverName
from geovq.geometry import geodesic_distances
from geovq.geometry.graph.nearest_source import nearest_source
from geovq.progress import Progress

MOST_LANDMARKS_OF_FASTERPAM = 20_000  # above it, "auto" forms no matrix of all distances
_PATHS_BYTES = 256 * 2**20  # bounds the distances to medoids that are held at once

Search = Callable[[MatrixArray, int], KMedoidsResult]


class Clustering(Protocol):
    """What every search finds, whatever its codes are."""

    @property
    def labels(self) -> Int64[IntArray, " n"]:
        """Code of every point."""

    @property
    def cost(self) -> float:
        """Mean dissimilarity of a point to its code."""


Found = TypeVar("Found", bound=Clustering)


class CodebookSolver(Protocol[Found]):
    """A search for codes among fixed points."""

    def solve(self, n_codes: int) -> Found:
        """The best codebook of `n_codes` codes that was found."""

    def silhouette(self, found: Found) -> float:
        """Medoid silhouette, in the unsquared distance."""


class MedoidSolver(CodebookSolver[KMedoidsResult], Protocol):
    """A search whose codes are landmarks of a graph."""

    def distance_to_medoid(self, found: KMedoidsResult) -> Float32[FloatArray, " n"]:
        """Distance of every landmark to the medoid of its label."""


@dataclass(frozen=True)
class MatrixSolver:
    """k-medoids on a matrix of all distances.

    Attributes
    ----------
    dissimilarities : array of shape (N, N)
        Distances, raised to `power`.
    power : float
        2 minimises squared error, as k-means does.
    search : callable
        Dissimilarities and number of codes to `KMedoidsResult`.
    """

    dissimilarities: Float[MatrixArray, "n n"]
    power: float
    search: Search

    def solve(self, n_codes: int) -> KMedoidsResult:
        """The best codebook of `n_codes` codes that was found."""
        return self.search(self.dissimilarities, n_codes)

    def distance_to_medoid(self, found: KMedoidsResult) -> Float32[FloatArray, " n"]:
        """Distance of every landmark to the medoid of its label."""
        rows = np.arange(len(self.dissimilarities))
        own = self.dissimilarities[rows, found.medoid_indices[found.labels]]
        return np.asarray(own ** (1 / self.power), dtype=np.float32)

    def silhouette(self, found: KMedoidsResult) -> float:
        """Medoid silhouette, in the unsquared distance."""
        nearest, second = two_smallest(self.dissimilarities[found.medoid_indices])
        return medoid_silhouette(nearest ** (1 / self.power), second ** (1 / self.power))


@dataclass(frozen=True)
class GraphSolver:
    """Graph Lloyd: k-medoids by shortest paths, without a matrix of all distances.

    Attributes
    ----------
    weights : csr_matrix of shape (N, N)
        Edge lengths.
    search : callable
        Number of codes to `KMedoidsResult`.
    """

    weights: csr_matrix
    search: Callable[[int], KMedoidsResult]

    def solve(self, n_codes: int) -> KMedoidsResult:
        """The best codebook of `n_codes` codes that was found."""
        return self.search(n_codes)

    def distance_to_medoid(self, found: KMedoidsResult) -> Float32[FloatArray, " n"]:
        """Distance of every landmark to the medoid of its label."""
        return nearest_source(self.weights, found.medoid_indices).distance

    def silhouette(self, found: KMedoidsResult) -> float:
        """Medoid silhouette, in the unsquared distance; one shortest-path search per code."""
        n_nodes = self.weights.shape[0]
        n_at_once = max(2, _PATHS_BYTES // (4 * n_nodes))
        least = np.full((2, n_nodes), np.inf, dtype=np.float32)
        for start in range(0, len(found.medoid_indices), n_at_once):
            paths = geodesic_distances(self.weights, found.medoid_indices[start : start + n_at_once])
            least = np.stack(two_smallest(np.concatenate([least, paths])))
        return medoid_silhouette(least[0], least[1])


def resolved_solver(name: SolverName, n_landmarks: int) -> SolverName:
    """The search that a setting stands for on so many landmarks; only "auto" depends on them."""
    if name != "auto":
        return name
    return "fasterpam" if n_landmarks <= MOST_LANDMARKS_OF_FASTERPAM else "graph-lloyd"


def codebook_solver(
    weights: csr_matrix, config: CodebookConfig, *, seed: int, progress: Progress | None = None
) -> MedoidSolver:
    """The search that `config.solver` names, ready to be solved.

    Parameters
    ----------
    weights : csr_matrix of shape (N, N)
        Edge lengths of a connected graph; squared path lengths are minimised.
    config : CodebookConfig
        `solver`, `n_restarts` and `max_iterations` are used.
    seed : int
    progress : Progress, optional

    Returns
    -------
    MedoidSolver

    Raises
    ------
    ConfigError
        If "pam" is asked for and scikit-learn-extra is not installed.
    """
    name = resolved_solver(config.solver, weights.shape[0])
    starts = {"n_restarts": config.n_restarts, "max_iterations": config.max_iterations, "seed": seed}
    if name == "graph-lloyd":
        return GraphSolver(weights, lambda n: graph_kmedoids(weights, n, **starts, progress=progress))
    if name == "pam":
        pam_estimator()  # before the paths are searched, which takes longer than to say that it is missing
    searches: dict[str, Search] = {
        "fasterpam": lambda matrix, n: kmedoids(matrix, n, **starts, progress=progress),
        "pam": lambda matrix, n: classical_pam(matrix, n, max_iterations=config.max_iterations, progress=progress),
        "alternate": lambda matrix, n: alternate_kmedoids(
            matrix, n, max_iterations=config.max_iterations, progress=progress
        ),
    }
    distances = geodesic_distances(weights, progress=progress)
    return MatrixSolver(np.square(distances, out=distances), 2, searches[name])
