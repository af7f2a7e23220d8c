import numpy as np
import pytest

from geovq.errors import InvalidValueError, ShapeError
from geovq.evaluation.class_usage import class_usage


def test_counts_add_up_to_those_of_each_class() -> None:
    tokens, labels = np.random.default_rng(0).integers(4, size=(30, 3, 3)), np.arange(30) % 3
    found = class_usage(tokens, labels, 4, 3)
    for label in range(3):
        np.testing.assert_array_equal(found.counts[label], np.bincount(tokens[labels == label].ravel(), minlength=4))
    assert found.n_images.tolist() == [10, 10, 10]


def test_a_code_that_only_one_of_two_classes_uses_tells_one_bit() -> None:
    tokens = np.array([[[0, 0]], [[1, 1]]])
    found = class_usage(tokens, np.array([0, 1]), 3, 2)
    np.testing.assert_array_equal(found.preference_bits[:, :2], [[1, -np.inf], [-np.inf, 1]])
    assert np.isnan(found.preference_bits[:, 2]).all()
    assert found.information_bits == pytest.approx(1.0)


def test_classes_that_use_codes_alike_tell_nothing() -> None:
    found = class_usage(np.array([[[0, 1]], [[1, 0]]]), np.array([0, 1]), 2, 2)
    np.testing.assert_allclose(found.preference_bits, 0)
    assert found.information_bits == pytest.approx(0.0)


def test_labels_must_fit() -> None:
    tokens = np.zeros((2, 1, 1), dtype=int)
    with pytest.raises(ShapeError, match="one entry per image"):
        class_usage(tokens, np.array([0]), 1, 1)
    with pytest.raises(InvalidValueError, match="in \\[0, 1\\)"):
        class_usage(tokens, np.array([0, 1]), 1, 1)
