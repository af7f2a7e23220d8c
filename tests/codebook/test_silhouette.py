import numpy as np
import pytest
from kmedoids import medoid_silhouette as reference
from scipy.spatial.distance import cdist
from sklearn.metrics import silhouette_samples, silhouette_score

from geovq.codebook import kmedoids, medoid_silhouette
from geovq.codebook.silhouette import two_smallest


def of_medoids(distances, medoids):
    return medoid_silhouette(*two_smallest(distances[medoids]))


def blobs(n_blobs, n_per_blob=60, spread=0.3, seed=0):
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(n_blobs) / n_blobs
    centres = 4 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cloud = centres.repeat(n_per_blob, axis=0) + spread * rng.normal(size=(n_blobs * n_per_blob, 2))
    return cdist(cloud, cloud).astype(np.float32)


@pytest.mark.parametrize("n_codes", [2, 5, 30])
def test_it_is_that_of_its_authors_package(n_codes):
    distances = blobs(4)
    medoids = np.random.default_rng(1).choice(len(distances), n_codes, replace=False)
    assert of_medoids(distances, medoids) == pytest.approx(reference(distances, medoids)[0], rel=1e-5)


def test_it_tends_to_the_silhouette_of_scikit_learn_as_clusters_gather_at_their_medoids():
    """All members but one on the medoid: the mean distance of that one to a cluster is the distance to its medoid,
    up to one member in n."""
    rng = np.random.default_rng(0)
    centres, strays = rng.normal(size=(5, 2)), 0.1 * rng.normal(size=(5, 2))
    errors = []
    for n_members in (10, 40, 160):
        cloud = np.concatenate([centres.repeat(n_members, axis=0), centres + strays])
        labels = np.concatenate([np.arange(5).repeat(n_members), np.arange(5)])
        distances = cdist(cloud, cloud)
        ours = of_medoids(distances[:, -5:], n_members * np.arange(5))
        theirs = silhouette_samples(distances, labels, metric="precomputed")[-5:].mean()
        errors.append(abs(ours - theirs))
    # The stray itself is one of n + 1 members of the cluster next to it.
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), [41 / 11, 161 / 41], rtol=0.05)


@pytest.mark.parametrize("n_blobs", [3, 5, 8])
def test_it_is_best_where_the_silhouette_of_scikit_learn_is(n_blobs):
    distances = blobs(n_blobs)
    found = [kmedoids(distances**2, n_codes) for n_codes in range(2, 12)]
    ours = [of_medoids(distances, result.medoid_indices) for result in found]
    theirs = [silhouette_score(distances, result.labels, metric="precomputed") for result in found]
    assert 2 + int(np.argmax(ours)) == 2 + int(np.argmax(theirs)) == n_blobs


def test_midway_between_medoids_is_nothing_and_on_a_medoid_is_all():
    assert medoid_silhouette(np.array([2.0, 3.0]), np.array([2.0, 3.0])) == 0
    assert medoid_silhouette(np.array([0.0, 0.0]), np.array([2.0, 0.0])) == 1  # also on two medoids at once
    assert medoid_silhouette(np.array([1.0]), np.array([4.0])) == 0.75


def test_the_unit_of_distance_does_not_matter():
    distances = blobs(4).astype(np.float64)
    assert of_medoids(7.5 * distances, [0, 70, 150]) == pytest.approx(of_medoids(distances, [0, 70, 150]), rel=1e-12)
