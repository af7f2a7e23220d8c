import itertools

import numpy as np
import pytest

from geovq.errors import ShapeError
from geovq.evaluation.coassignment import coassigned_codes


def test_the_same_tokens_under_other_numbers_agree_everywhere() -> None:
    tokens = np.random.default_rng(0).integers(6, size=(20, 3, 3))
    renamed = np.array([3, 0, 5, 1, 4, 2])
    found = coassigned_codes(tokens, renamed[tokens], 6, 6)
    np.testing.assert_array_equal(found.partner_of_second[renamed], np.arange(6))
    assert found.fraction_agreed == 1.0


def test_no_other_pairing_agrees_on_more_cells() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(4, size=(2, 30, 2, 2))
    best = max((np.array(order)[second] == first).mean() for order in itertools.permutations(range(4)))
    assert coassigned_codes(first, second, 4, 4).fraction_agreed == pytest.approx(best)


def test_codes_of_the_larger_codebook_may_be_left_over() -> None:
    second = np.array([[[0, 1, 2, 2]]])
    found = coassigned_codes(np.array([[[0, 0, 1, 1]]]), second, 2, 3)
    assert sorted(found.partner_of_second.tolist()) == [-1, 0, 1]
    assert found.fraction_agreed == 0.75


def test_tokens_of_other_images_are_refused() -> None:
    with pytest.raises(ShapeError, match="same images"):
        coassigned_codes(np.zeros((2, 1, 1), dtype=int), np.zeros((3, 1, 1), dtype=int), 1, 1)
