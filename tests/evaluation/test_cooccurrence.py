import numpy as np
import pytest

from geovq.errors import InvalidValueError
from geovq.evaluation.cooccurrence import cooccurrence


def by_hand(tokens: np.ndarray, n_codes: int) -> np.ndarray:
    counts = np.zeros((n_codes, n_codes), dtype=int)
    n, height, width = tokens.shape
    for image in range(n):
        for row in range(height):
            for column in range(width):
                for other in ((row + 1, column), (row, column + 1)):
                    if other[0] < height and other[1] < width:
                        pair = sorted((tokens[image, row, column], tokens[(image, *other)]))
                        counts[tuple(pair)] += 1
    return counts


def test_counts_are_those_of_a_walk_over_all_neighbours() -> None:
    tokens = np.random.default_rng(0).integers(5, size=(6, 4, 3))
    found = cooccurrence(tokens, 5)
    np.testing.assert_array_equal(np.triu(found.counts), by_hand(tokens, 5))
    np.testing.assert_array_equal(found.counts, found.counts.T)
    assert np.triu(found.counts).sum() == found.n_pairs == 6 * (3 * 3 + 4 * 2)
    np.testing.assert_allclose(np.triu(found.expected).sum(), found.n_pairs)


def test_independent_tokens_neither_attract_nor_inform() -> None:
    found = cooccurrence(np.random.default_rng(0).integers(3, size=(4_000, 7, 7)), 3)
    np.testing.assert_allclose(found.attraction_bits, 0, atol=0.02)
    assert found.information_bits == pytest.approx(0, abs=1e-4)


def test_a_chessboard_attracts_opposites_by_one_bit_and_tells_all() -> None:
    """Half of all pairs would be of opposites by chance; all are."""
    board = np.add.outer(np.arange(8), np.arange(8))[None] % 2
    found = cooccurrence(board, 3)
    np.testing.assert_allclose(found.attraction_bits[0, 1], 1.0)
    assert found.attraction_bits[0, 0] == -np.inf
    assert np.isnan(found.attraction_bits[2, 2])
    assert found.information_bits == pytest.approx(1.0)


def test_pairs_come_with_the_most_attracted_first_and_rare_ones_are_left_out() -> None:
    rows = [[0, 1]] * 50 + [[2, 3]] * 40 + [[0, 2]] * 10 + [[4, 5]]
    found = cooccurrence(np.array(rows)[:, None], 6)
    pairs = found.most_attracted(3).tolist()
    assert sorted(pairs[:2]) == [[0, 1], [2, 3]]
    assert [4, 5] not in pairs
    assert found.most_attracted(1, at_least=0).tolist() == [[4, 5]]


def test_single_cells_have_no_neighbours() -> None:
    with pytest.raises(InvalidValueError, match="two cells"):
        cooccurrence(np.zeros((3, 1, 1), dtype=int), 2)
