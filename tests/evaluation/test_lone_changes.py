"""Changes alone and together, on decoders small enough to count by hand."""

import numpy as np
import pytest

from geovq.errors import ShapeError
from geovq.evaluation.lone_changes import errors_of_lone_changes, most_cancelling_pair


def row_of_cells(target: list[float]):
    """Cells paint their token into their own pixel and into the one to the right of it."""

    def error_of(tokens: np.ndarray) -> np.ndarray:
        cells = tokens[:, 0].astype(float)  # (n, W)
        painted = np.pad(cells, ((0, 0), (0, 1))) + np.pad(cells, ((0, 0), (1, 0)))
        return ((painted - np.array(target)) ** 2).sum(axis=1)

    return error_of


def test_an_error_alone_is_that_of_one_cell_changed_by_hand() -> None:
    error_of = row_of_cells([1.0, 0.0, 2.0, 5.0])
    before, after = np.array([[1, 2, 3]]), np.array([[1, 0, 4]])
    alone = errors_of_lone_changes(error_of, before, after)
    assert np.isnan(alone[0, 0])
    assert alone[0, 1] == error_of(np.array([[[1, 0, 3]]]))[0]
    assert alone[0, 2] == error_of(np.array([[[1, 2, 4]]]))[0]


def test_two_changes_that_cancel_between_them_are_found() -> None:
    """Both cells must rise by 1 and -1: alone each puts an error of 1 into their common pixel besides its own."""
    error_of = row_of_cells([1.0, 2.0, 1.0])
    before, after = np.array([[1, 1]]), np.array([[2, 0]])
    assert most_cancelling_pair(error_of, before, after) is None  # together they are worse
    target = row_of_cells([1.6, 2.0, 0.4])
    pair = most_cancelling_pair(target, before, after)
    assert pair is not None
    assert (pair.first, pair.second) == ((0, 0), (0, 1))
    np.testing.assert_allclose((pair.before, pair.first_alone, pair.second_alone, pair.both), (0.72, 1.52, 1.52, 0.32))
    np.testing.assert_allclose(pair.cancelled, 2.0)  # twice the product of +1 and -1 in one pixel


def test_changes_far_apart_are_no_pair_and_neither_is_one_change() -> None:
    error_of = row_of_cells([0.0] * 4)
    assert most_cancelling_pair(error_of, np.array([[1, 1, 1]]), np.array([[2, 1, 0]])) is None
    assert most_cancelling_pair(error_of, np.array([[1, 1, 1]]), np.array([[0, 1, 1]])) is None


def test_tokens_that_stay_have_no_error_of_their_own() -> None:
    tokens = np.zeros((2, 2), dtype=np.int64)
    assert np.isnan(errors_of_lone_changes(lambda tokens: np.zeros(len(tokens)), tokens, tokens)).all()


def test_lattices_of_two_sizes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"same shape \(H, W\); got \(1, 2\) and \(2, 1\)"):
        errors_of_lone_changes(row_of_cells([0.0] * 3), np.zeros((1, 2), int), np.zeros((2, 1), int))
