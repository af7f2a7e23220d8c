from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import silhouette_score

from geovq.codebook import KMeansSolver, MatrixSolver, code_count_rule, kmedoids
from geovq.codebook.choosing import label_rate_bits, ladder
from geovq.config import CodebookConfig
from geovq.progress import SilentProgress


@dataclass(frozen=True)
class EvenLabels:
    labels: np.ndarray
    cost: float


class EvenSolver:
    """K codes are used equally, so their rate is log2 K."""

    def __init__(self):
        self.solved = []

    def solve(self, n_codes):
        self.solved.append(n_codes)
        return EvenLabels(np.arange(720_720) % n_codes, 1 / n_codes)  # divisible by 1 to 16

    def silhouette(self, found):
        return 0.5


def rule(**settings):
    return code_count_rule(CodebookConfig(**settings))


def cloud_solver(cloud):
    distances = cdist(cloud, cloud).astype(np.float32)
    return MatrixSolver(distances**2, 2, lambda matrix, n: kmedoids(matrix, n)), distances


def test_a_given_number_is_taken_as_it_is():
    solver = EvenSolver()
    found, choice = rule(n_codes=13).choose(solver)
    assert (choice, solver.solved, found.labels.max() + 1) == (None, [13], 13)


@pytest.mark.parametrize(("target", "n_codes"), [(2.0, 4), (3.3, 9), (3.33, 10), (3.4, 10), (1.0, 2), (1.58, 2)])
def test_the_rate_comes_as_close_to_the_target_as_any_number_does_from_below(target, n_codes):
    """log2 9 = 3.170, log2 10 = 3.322, log2 11 = 3.459."""
    found, choice = rule(choose_by="rate", target_rate_bits=target, n_codes=16).choose(EvenSolver())
    assert choice.n_codes == n_codes == found.labels.max() + 1
    assert choice.rates_bits[choice.candidates.tolist().index(n_codes)] == pytest.approx(np.log2(n_codes))


def test_a_rate_below_that_of_two_codes_gets_two():
    _, choice = rule(choose_by="rate", target_rate_bits=0.5, n_codes=16).choose(EvenSolver())
    assert choice.n_codes == 2
    assert choice.candidates.tolist() == [2]


def test_a_rate_that_no_number_reaches_gets_the_most_and_says_what_to_raise():
    class LazySolver(EvenSolver):
        def solve(self, n_codes):
            return super().solve(max(1, n_codes // 2))

    _, choice = rule(choose_by="rate", target_rate_bits=4.0, n_codes=16).choose(LazySolver())
    assert choice.n_codes == 16
    assert choice.reason == "16 codes have 3.000 bits per token of 4; raise codebook.n_codes to come closer."


def test_only_the_last_step_of_the_ladder_is_halved():
    solver = EvenSolver()
    rule(choose_by="rate", target_rate_bits=5.3, n_codes=4_096).choose(solver)
    assert solver.solved == [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 40, 36, 38, 39]  # log2 39 = 5.285, log2 40 = 5.322


def test_medoids_and_means_of_one_target_have_one_rate():
    cloud = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
    medoids, _ = cloud_solver(cloud)
    means = KMeansSolver(cloud, 1, 100, 0, SilentProgress())
    chosen = rule(choose_by="rate", target_rate_bits=3.0, n_codes=64)
    rates = [label_rate_bits(chosen.choose(solver)[0].labels) for solver in (medoids, means)]
    for rate in rates:
        assert 2.8 < rate <= 3.0  # one code more or less is about log2(9 / 8) = 0.17 bits


@pytest.mark.parametrize("n_blobs", [3, 6])
def test_the_silhouette_finds_clusters_that_are_there_as_scikit_learn_does(n_blobs):
    angles = 2 * np.pi * np.arange(n_blobs) / n_blobs
    centres = 4 * np.stack([np.cos(angles), np.sin(angles)], axis=1).repeat(50, axis=0)
    solver, distances = cloud_solver(centres + 0.3 * np.random.default_rng(0).normal(size=centres.shape))
    found, choice = rule(choose_by="silhouette", n_codes=20).choose(solver)
    theirs = [
        silhouette_score(distances, solver.solve(n).labels, metric="precomputed") for n in choice.candidates.tolist()
    ]
    assert choice.n_codes == len(found.medoid_indices) == n_blobs == choice.candidates[int(np.argmax(theirs))]
    assert choice.candidates.tolist() == [2, 3, 4, 6, 8, 12, 16, 20]
    assert choice.silhouettes.max() == pytest.approx(solver.silhouette(found))
    assert f"{n_blobs} codes have the best silhouette" in choice.reason


def test_of_equal_silhouettes_the_smallest_number_is_taken():
    _, choice = rule(choose_by="silhouette", n_codes=9).choose(EvenSolver())
    assert choice.n_codes == 2


def test_what_was_tried_is_in_order_and_costs_fall():
    cloud = np.random.default_rng(0).normal(size=(300, 2))
    _, choice = rule(choose_by="rate", target_rate_bits=4.0, n_codes=64).choose(cloud_solver(cloud)[0])
    assert (np.diff(choice.candidates) > 0).all()
    assert (np.diff(choice.costs) < 0).all()
    assert np.isnan(choice.silhouettes).all()


@pytest.mark.parametrize(
    ("most", "steps"), [(2, [2]), (3, [2, 3]), (5, [2, 3, 4, 5]), (32, [2, 3, 4, 6, 8, 12, 16, 24, 32])]
)
def test_the_ladder_ends_at_the_most(most, steps):
    assert ladder(most) == steps


def test_the_rate_is_the_entropy_of_the_labels():
    assert label_rate_bits(np.array([0, 0, 1, 2])) == pytest.approx(1.5)
    assert label_rate_bits(np.array([3, 3, 3])) == 0
