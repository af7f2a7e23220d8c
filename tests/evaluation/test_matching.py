from itertools import permutations

import numpy as np
import pytest

from geovq.errors import ShapeError
from geovq.evaluation.matching import matched_codes

rng = np.random.default_rng(0)


def patches(n: int) -> np.ndarray:
    return rng.random((n, 3, 3)).astype(np.float32)


def test_a_shuffled_codebook_finds_itself() -> None:
    codes = patches(10)
    order = rng.permutation(10)
    found = matched_codes(codes, codes[order])
    np.testing.assert_array_equal(order[found.second], found.first)
    np.testing.assert_array_equal(found.distances, 0.0)


def test_no_other_assignment_has_less_squared_difference() -> None:
    first, second = patches(5), patches(5)
    squared = ((first[:, None] - second[None]) ** 2).mean(axis=(2, 3), dtype=np.float64)
    least = min(sum(squared[i, j] for i, j in enumerate(order)) for order in permutations(range(5)))
    np.testing.assert_allclose((matched_codes(first, second).distances ** 2).sum(), least)


def test_codes_of_the_larger_codebook_are_left_over() -> None:
    found = matched_codes(patches(3), patches(5))
    partners = found.partner_of_second(5)
    assert len(found.distances) == 3
    assert (partners == -1).sum() == 2
    assert sorted(partners[partners >= 0]) == [0, 1, 2]
    assert (np.diff(found.distances) >= 0).all()


def test_patches_of_different_sizes_have_no_distance() -> None:
    with pytest.raises(ShapeError, match="same h and w"):
        matched_codes(patches(3), np.zeros((3, 4, 4), dtype=np.float32))
