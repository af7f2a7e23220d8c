import numpy as np
import pytest

from geovq.errors import InvalidValueError, ShapeError
from geovq.evaluation.neighbours import agreement_with, label_purity

REFERENCE = np.array([[np.inf, 1.0, 2.0, 3.0, 4.0], [1.0, np.inf, 2.0, 3.0, 4.0]])


def test_a_distance_agrees_wholly_with_what_orders_alike_and_by_counting_otherwise():
    assert agreement_with(REFERENCE, REFERENCE**3, 2).tolist() == [1.0, 1.0]
    other = np.array([[np.inf, 1.0, 9.0, 2.0, 8.0], [8.0, np.inf, 9.0, 1.0, 2.0]])
    assert agreement_with(REFERENCE, other, 2).tolist() == [0.5, 0.0]


def test_purity_counts_neighbours_of_the_querys_class():
    labels = np.array([0, 0, 1, 0, 1])
    assert label_purity(REFERENCE, np.array([0, 1]), labels, 3).tolist() == pytest.approx([2 / 3, 1 / 3])


def test_purity_of_labels_that_say_nothing_is_their_frequency():
    rng = np.random.default_rng(0)
    labels, distances = rng.integers(4, size=2_000), rng.random((400, 2_000))
    assert label_purity(distances, labels[:400], labels, 10).mean() == pytest.approx(0.25, abs=0.03)  # 4 std. errors


def test_bad_input_is_named():
    with pytest.raises(ShapeError, match=r"2 queries and 4 candidates; got \(2, 5\)"):
        label_purity(REFERENCE, np.array([0, 1]), np.zeros(4, dtype=np.int64), 2)
    with pytest.raises(InvalidValueError, match=r"k must be in \[1, 4\]"):
        agreement_with(REFERENCE, REFERENCE, 5)
