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


@pytest.mark.slow
@pytest.mark.parametrize(("n_neighbors", "n_groups", "n_twins"), [(3, 10, 4), (5, 10, 6), (5, 10, 8), (15, 6, 16)])
def test_twins_have_the_same_picture_for_the_same_seed(n_neighbors: int, n_groups: int, n_twins: int) -> None:
    places = np.repeat(np.random.default_rng(0).normal(size=(n_groups, 3)), n_twins, axis=0)
    distances = cdist(places, places).astype(np.float32)
    first, second = (umap_projection(distances, n_neighbors=n_neighbors, seed=0) for _ in range(2))
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(umap_projection(distances, n_neighbors=n_neighbors, seed=1), first)


@pytest.mark.slow
def test_points_that_are_all_one_have_a_picture() -> None:
    assert np.isfinite(umap_projection(np.zeros((12, 12), dtype=np.float32), n_neighbors=3)).all()


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
