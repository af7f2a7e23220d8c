import math

import numpy as np
import pytest
import torch
from scipy import linalg, stats

from geovq.errors import InvalidValueError, NonFiniteError, ShapeError
from geovq.evaluation import class_coverage, frechet_distance, nearest_images


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pixels(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def with_moments(features, mean, deviations):
    """Features moved and stretched so that their mean and covariance are exactly these (a diagonal covariance)."""
    centred = features - features.mean(dim=0)
    whitening = torch.linalg.cholesky(torch.linalg.inv(torch.cov(centred.T)))
    return centred @ whitening * torch.tensor(deviations) + torch.tensor(mean)


def test_the_frechet_distance_of_gaussians_with_common_axes_has_a_closed_form():
    """Then it is the sum over the axes of (difference of the means)^2 + (difference of the deviations)^2."""
    first = with_moments(normal(0, 50, 3), [0.0, 1.0, -2.0], [1.0, 2.0, 0.5])
    second = with_moments(normal(1, 70, 3), [1.0, 1.0, -4.0], [3.0, 2.0, 0.25])
    assert frechet_distance(first, second) == pytest.approx(1 + 4 + (2**2 + 0 + 0.25**2), rel=1e-9)


def test_the_frechet_distance_is_the_formula_with_the_matrix_square_root_of_scipy():
    first, second = normal(0, 60, 5) @ normal(2, 5, 5), normal(1, 80, 5) @ normal(3, 5, 5) + 0.3
    mean_1, mean_2 = first.mean(dim=0).numpy(), second.mean(dim=0).numpy()
    cov_1, cov_2 = np.cov(first.T), np.cov(second.T)
    root = linalg.sqrtm(cov_1 @ cov_2).real
    expected = ((mean_1 - mean_2) ** 2).sum() + np.trace(cov_1 + cov_2 - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-7)


def test_equal_sets_have_no_frechet_distance_even_without_full_rank():
    for features in (normal(0, 40, 6), normal(1, 4, 6), normal(2, 40, 6) * torch.tensor([1e4, 1, 1, 0, 0, 1e-4])):
        scale = features.square().sum().item()
        assert frechet_distance(features, features) <= 1e-12 * scale
        assert frechet_distance(features, features.flip(0)) <= 1e-12 * scale


def test_a_shift_of_all_features_costs_its_squared_length():
    features = normal(0, 30, 4)
    assert frechet_distance(features, features + 0.5) == pytest.approx(4 * 0.25, rel=1e-9)


def test_the_frechet_distance_is_symmetric_and_blind_to_rotations():
    first, second = normal(0, 30, 4), 2 * normal(1, 40, 4) + 1
    rotation = torch.linalg.qr(normal(2, 4, 4)).Q
    expected = frechet_distance(first, second)
    assert expected > 1
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(first @ rotation, second @ rotation) == pytest.approx(expected, rel=1e-9)


def test_features_of_different_networks_are_refused():
    with pytest.raises(ShapeError, match=r"got 3 and 4 columns\. Use one classifier for both"):
        frechet_distance(normal(0, 9, 3), normal(0, 9, 4))


def test_one_image_has_no_covariance():
    with pytest.raises(ShapeError, match=r"second must have shape \(n, F\) with at least two rows.*got \(1, 3\)"):
        frechet_distance(normal(0, 9, 3), normal(0, 1, 3))


def test_features_that_are_not_finite_are_refused():
    with pytest.raises(NonFiniteError, match="first features must be finite"):
        frechet_distance(normal(0, 9, 3) * math.nan, normal(0, 9, 3))


def test_class_counts_and_their_entropy_are_those_of_numpy_and_scipy():
    labels = torch.randint(5, (40,), generator=torch.Generator().manual_seed(0)) + 1
    coverage = class_coverage(labels, 7)
    counts = np.array([(labels == k).sum() for k in range(7)])
    np.testing.assert_array_equal(coverage.counts, counts)
    assert coverage.entropy_bits == pytest.approx(stats.entropy(counts, base=2), rel=1e-9)
    assert (coverage.n_covered, coverage.fraction_covered) == (5, 5 / 7)


def test_all_classes_alike_use_log2_of_their_number():
    coverage = class_coverage(torch.arange(8).repeat(3), 8)
    assert (coverage.n_covered, coverage.entropy_bits) == (8, 3.0)


def test_a_collapsed_generator_shows_one_class():
    coverage = class_coverage(torch.full((9,), 3), 10)
    assert coverage.summary() == {
        "classes_covered": 1,
        "fraction_of_classes_covered": 0.1,
        "class_entropy_bits": 0.0,
    }


def test_a_class_that_does_not_exist_is_refused():
    with pytest.raises(InvalidValueError, match=r"labels must be in \[0, 3\); got 0 to 3"):
        class_coverage(torch.tensor([0, 3]), 3)


def test_no_labels_are_refused():
    with pytest.raises(ShapeError, match="at least one image"):
        class_coverage(torch.tensor([], dtype=torch.int64), 3)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_the_nearest_image_is_at_the_smallest_of_all_distances_however_the_references_are_cut(batch_size):
    images, references = pixels(0, 6, 1, 5, 4), pixels(1, 40, 1, 5, 4)
    nearest = nearest_images(images, references.split(batch_size))
    everything = (images.double()[:, None] - references.double()[None]).flatten(start_dim=2).norm(dim=2)
    np.testing.assert_allclose(nearest.distances, everything.min(dim=1).values, rtol=1e-6)
    np.testing.assert_array_equal(nearest.indices, everything.argmin(dim=1))


def test_a_copy_is_at_distance_zero():
    references = pixels(0, 50, 1, 28, 28)
    nearest = nearest_images(references[[31, 4]], references.split(20))
    assert nearest.distances.tolist() == [0.0, 0.0]
    assert nearest.indices.tolist() == [31, 4]
    assert nearest.summary() == {"nearest_distance_mean": 0.0, "nearest_distance_min": 0.0}


def test_black_and_white_are_as_far_apart_as_can_be():
    nearest = nearest_images(torch.zeros(1, 1, 28, 28), [torch.ones(1, 1, 28, 28)])
    assert nearest.distances.tolist() == [28.0]


def test_images_of_another_size_are_refused():
    with pytest.raises(ShapeError, match=r"same shape; got \(1, 5, 4\) and \(1, 4, 5\)"):
        nearest_images(torch.zeros(1, 1, 5, 4), [torch.zeros(2, 1, 4, 5)])


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ShapeError, match="at least one image and one reference; got 1 and 0"):
        nearest_images(torch.zeros(1, 1, 5, 4), [])
