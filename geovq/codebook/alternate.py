"""k-medoids by alternation: rows go to their nearest medoid, and each cluster takes its most central row.

The published prototype's search, built like Lloyd's iteration for k-means: quick, deterministic, and often far from the
best, since it starts with the K most central rows of all, which lie side by side. It is the algorithm of
scikit-learn-extra's `KMedoids(method="alternate", init="heuristic")`, written out so that it also runs where that
package has no wheels.

Source: Park, Jun (2009), "A simple and fast algorithm for K-medoids clustering", doi:10.1016/j.eswa.2008.01.039.
"""

import numpy as np
from jaxtyping import Float, Int64

from geovq.arrays import IntArray
from geovq.codebook.kmedoids import KMedoidsResult, MatrixArray, from_one_start, require_dissimilarities
from geovq.progress import Progress, SilentProgress, stop_if_requested


def alternate_kmedoids(
    dissimilarities: Float[MatrixArray, "n n"],
    n_codes: int,
    *,
    max_iterations: int = 300,
    progress: Progress | None = None,
) -> KMedoidsResult:
    """Choose `n_codes` rows as medoids, from one fixed start.

    Parameters
    ----------
    dissimilarities : array of shape (N, N)
        Symmetric and non-negative.
    n_codes : int
        Medoids K, at most N.
    max_iterations : int, default=300
        Most rounds of assigning and centring.
    progress : Progress, optional
        Told about every round.

    Returns
    -------
    KMedoidsResult

    Raises
    ------
    ShapeError, InvalidValueError, NonFiniteError
        As `geovq.codebook.kmedoids` does.
    """
    matrix = dissimilarities
    require_dissimilarities(matrix, n_codes)
    progress = progress or SilentProgress()
    progress.start("k-medoids", max_iterations, "rounds")
    medoids = np.argpartition(matrix.sum(axis=1), n_codes - 1)[:n_codes].astype(np.int64)
    medoid_history, converged = [medoids], False
    while not converged and len(medoid_history) <= max_iterations:
        stop_if_requested(progress)
        medoids = _centred(matrix, medoids)
        converged = np.array_equal(medoids, medoid_history[-1])
        if not converged:
            medoid_history.append(medoids)
        progress.advance()
    return from_one_start(matrix, medoid_history, converged)


def _centred(matrix: Float[MatrixArray, "n n"], medoids: Int64[IntArray, " k"]) -> Int64[IntArray, " k"]:
    """The row of least sum within each cluster; a medoid that no row is nearest to stays."""
    labels = matrix[medoids].argmin(axis=0)
    centred = medoids.copy()
    for k, medoid in enumerate(medoids):
        members = np.flatnonzero(labels == k)
        if not len(members):
            continue
        sums = matrix[members, members[:, None]].sum(axis=1)
        # Among duplicates a medoid may lie in another's cluster; like the original, compare with the first row then.
        if sums.min() < sums[np.argmax(members == medoid)]:
            centred[k] = members[sums.argmin()]
    return centred
