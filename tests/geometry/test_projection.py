import numpy as np
import pytest
from scipy.spatial.distance import cdist

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.geometry.projection import umap_projection


def two_clouds(n: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(0, 1, (n, 3)), rng.normal(20, 1, (n, 3))])


@pytest.mark.slow  # numba compiles UMAP, half a minute on a busy machine
def test_what_is_far_apart_stays_apart_and_the_same_seed_gives_the_same_picture() -> None:
    points = two_clouds()
    distances = cdist(points, points).astype(np.float32)
    picture = umap_projection(distances, n_neighbors=8, seed=3)
    assert picture.shape == (80, 2)
    nearest = cdist(picture, picture) + np.diag(np.full(80, np.inf))
    assert ((nearest.argmin(axis=1) < 40) == (np.arange(80) < 40)).all()
    np.testing.assert_array_equal(umap_projection(distances, n_neighbors=8, seed=3), picture)


def test_bad_distances_are_refused() -> None:
    square = np.zeros((12, 12), dtype=np.float32)
    with pytest.raises(ShapeError, match="at least 10"):
        umap_projection(square[:5, :5])
    with pytest.raises(ShapeError, match="at least 10"):
        umap_projection(square[:, :11])
    with pytest.raises(InvalidValueError, match="n_neighbors"):
        umap_projection(square, n_neighbors=1)
    square[0, 1] = np.nan
    with pytest.raises(NonFiniteError, match="finite"):
        umap_projection(square)
