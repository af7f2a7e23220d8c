import numpy as np
import pytest

from geovq.codebook.areas import cluster_areas, landmark_volumes
from geovq.errors import InvalidValueError, ShapeError


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(4_000, 2)).astype(np.float32)


def test_volumes_of_a_filled_square_sum_to_its_area(points: np.ndarray) -> None:
    # The mean of the density estimate's inverse is k / (k - 1) of the area, and balls at the border reach outside.
    assert landmark_volumes(points).sum() == pytest.approx(1.0, rel=0.12)


@pytest.mark.parametrize("n_active", [1, 2, 3])
def test_stretching_space_by_three_multiplies_volumes_by_three_to_the_dimension(n_active: int) -> None:
    points = np.random.default_rng(1).normal(size=(60, n_active)).astype(np.float32)
    np.testing.assert_allclose(landmark_volumes(3 * points), 3**n_active * landmark_volumes(points), rtol=1e-5)


def test_on_a_regular_line_each_landmark_has_the_way_to_its_neighbour() -> None:
    """k = 2 on whole numbers: inside, the ball of radius 1 has length 2 and is shared by two."""
    volumes = landmark_volumes(np.arange(7, dtype=np.float32)[:, None], n_neighbors=2)
    np.testing.assert_allclose(volumes[1:-1], 1.0)


def test_copies_share_one_volume(points: np.ndarray) -> None:
    alone, doubled = landmark_volumes(points[:50]), landmark_volumes(np.concatenate([points[:50], points[:1]]))
    np.testing.assert_allclose(doubled[[0, 50]], alone[0] / 2)
    np.testing.assert_allclose(doubled.sum(), alone.sum())


def test_a_metric_that_is_the_same_everywhere_changes_no_share() -> None:
    labels, volumes = np.array([0, 0, 1, 2]), np.array([1.0, 2.0, 3.0, 2.0])
    areas = cluster_areas(labels, volumes, np.full(4, 700.0), 4)
    np.testing.assert_allclose(areas.euclidean, [3 / 8, 3 / 8, 2 / 8, 0])
    np.testing.assert_allclose(areas.riemannian, areas.euclidean)


def test_what_is_magnified_tenfold_has_ten_times_the_area() -> None:
    areas = cluster_areas(np.array([0, 1]), np.array([1.0, 1.0]), np.array([0.0, 1.0]), 2)
    np.testing.assert_allclose(areas.euclidean, [0.5, 0.5])
    np.testing.assert_allclose(areas.riemannian, [1 / 11, 10 / 11])


def test_what_cannot_be_measured_is_refused(points: np.ndarray) -> None:
    with pytest.raises(InvalidValueError, match="two landmarks at different places"):
        landmark_volumes(np.zeros((5, 2), dtype=np.float32))
    with pytest.raises(InvalidValueError, match="at least 1"):
        landmark_volumes(points, n_neighbors=0)
    with pytest.raises(ShapeError, match="\\(N, A\\)"):
        landmark_volumes(points.ravel())
    with pytest.raises(ShapeError, match="one entry per landmark"):
        cluster_areas(np.array([0, 1]), np.ones(3), np.ones(3), 2)
