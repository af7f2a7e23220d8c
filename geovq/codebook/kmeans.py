"""Euclidean k-means: the codes are means of cells.

Source: Lloyd (1982), "Least squares quantization in PCM", with k-means++ starts, by scikit-learn.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from scipy.spatial import cKDTree

from geovq.arrays import FloatArray, IntArray
from geovq.codebook.silhouette import medoid_silhouette
from geovq.progress import Progress, stop_if_requested
from geovq.randomness import derive_seed


@dataclass(frozen=True)
class KMeansResult:
    """The best of several starts.

    Attributes
    ----------
    codebook : array of shape (K, D)
    labels : array of shape (n,)
        Code of every cell.
    cost : float
        Mean squared distance of a cell to its code.
    """

    codebook: Float32[FloatArray, "k d"]
    labels: Int64[IntArray, " n"]
    cost: float


@dataclass(frozen=True)
class KMeansSolver:
    """k-means on fixed cells.

    Attributes
    ----------
    cells : array of shape (n, D)
    n_restarts, max_iterations, seed : int
    progress : Progress
    """

    cells: Float32[FloatArray, "n d"]
    n_restarts: int
    max_iterations: int
    seed: int
    progress: Progress

    def solve(self, n_codes: int) -> KMeansResult:
        """The best codebook of `n_codes` codes that was found."""
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        stop_if_requested(self.progress)
        self.progress.start("k-means", 1, "fit")
        model = KMeans(
            n_codes,
            n_init=self.n_restarts,
            max_iter=self.max_iterations,
            random_state=derive_seed(self.seed, "kmeans"),
        )
        with threadpool_limits(1):  # several threads would add up centres in an order that differs from run to run
            model.fit(self.cells)
        self.progress.advance()
        codebook = model.cluster_centers_.astype(np.float32)
        return KMeansResult(codebook, model.labels_.astype(np.int64), float(model.inertia_) / len(self.cells))

    def silhouette(self, found: KMeansResult) -> float:
        """Medoid silhouette with centroids for medoids."""
        distances, _ = cKDTree(found.codebook).query(self.cells, k=2, workers=-1)
        return medoid_silhouette(distances[:, 0], distances[:, 1])
