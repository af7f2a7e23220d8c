"""k-medoids by classical PAM: greedy BUILD, then the best of all swaps, one at a time.

Source: Kaufman, Rousseeuw (1990), "Partitioning Around Medoids (Program PAM)", doi:10.1002/9780470316801.ch2, by
scikit-learn-extra, which has wheels up to Python 3.11.
"""

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float

from geovq.codebook.kmedoids import KMedoidsResult, MatrixArray, from_one_start, require_dissimilarities
from geovq.errors import ConfigError
from geovq.progress import Progress, SilentProgress


def classical_pam(
    dissimilarities: Float[MatrixArray, "n n"],
    n_codes: int,
    *,
    max_iterations: int = 100,
    progress: Progress | None = None,
) -> KMedoidsResult:
    """Choose `n_codes` rows as medoids, from one fixed start.

    Parameters
    ----------
    dissimilarities : array of shape (N, N)
        Symmetric and non-negative.
    n_codes : int
        Medoids K, at most N.
    max_iterations : int, default=100
        Most swaps; each costs O(K N²).
    progress : Progress, optional

    Returns
    -------
    KMedoidsResult
        Its history holds the final medoids only: the package does not tell how it came there.

    Raises
    ------
    ConfigError
        If scikit-learn-extra is not installed.
    ShapeError, InvalidValueError, NonFiniteError
        As `geovq.codebook.kmedoids` does.
    """
    estimator = pam_estimator()
    require_dissimilarities(dissimilarities, n_codes)
    progress = progress or SilentProgress()
    progress.start("k-medoids", 1, "search")
    model = estimator(n_codes, metric="precomputed", method="pam", init="build", max_iter=max_iterations)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # its only warnings are what `converged` says, and that one medoid needs no swap
        model.fit(dissimilarities)
    progress.advance()
    medoids = np.asarray(model.medoid_indices_, dtype=np.int64)
    return from_one_start(dissimilarities, [medoids], n_codes == 1 or model.n_iter_ < max_iterations - 1)


def pam_estimator() -> Any:
    """The class `sklearn_extra.cluster.KMedoids`, or `ConfigError` where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it asks for distutils' version numbers
            from sklearn_extra.cluster import KMedoids
    except ImportError as error:
        raise ConfigError(
            "codebook.solver = pam needs scikit-learn-extra, which is not installed and has wheels up to Python 3.11 "
            "only; set codebook.solver to fasterpam, the same idea made faster."
        ) from error
    return KMedoids
