"""Which codes lie beside each other more often than by chance.

Two cells are neighbours if they share a side. By chance, the two codes of a pair of neighbours would be independent,
each as frequent as it is among all ends of such pairs. The logarithm of a pair's frequency over its frequency by chance
is its pointwise mutual information.

Source: Church, Hanks (1990), "Word association norms, mutual information, and lexicography".
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from geovq.errors import InvalidValueError
from geovq.evaluation.inputs import Tokens, checked_tokens


@dataclass(frozen=True, eq=False)
class CoOccurrence:
    """Counts of neighbouring codes.

    Attributes
    ----------
    counts : ndarray of shape (K, K), int64
        Pairs of neighbouring cells that hold the two codes, in either order; symmetric.
    expected : ndarray of shape (K, K), float64
        Pairs to be expected by chance.
    n_pairs : int
        All pairs of neighbouring cells.
    """

    counts: NDArray[np.int64]
    expected: NDArray[np.float64]
    n_pairs: int

    @property
    def attraction_bits(self) -> Float[NDArray[np.float64], "k k"]:
        """log2 of counts over expected: above 0 for attraction, -inf for no pair, NaN for unused codes."""
        ratio = np.full(self.counts.shape, np.nan)
        np.divide(self.counts, self.expected, out=ratio, where=self.expected > 0)
        bits = np.full(self.counts.shape, -np.inf)
        np.log2(ratio, out=bits, where=~(ratio == 0))
        return bits

    @property
    def information_bits(self) -> float:
        """Mutual information of neighbouring codes: bits that knowing one saves on the other, on average."""
        met = np.triu(self.counts) > 0
        shares = self.counts[met] / self.n_pairs
        return float((shares * np.log2(self.counts[met] / self.expected[met])).sum())

    def most_attracted(self, n_most: int, *, at_least: float = 5.0) -> Int[NDArray[np.int64], "m 2"]:
        """Pairs of different codes with the largest attraction first, the lower code first.

        Parameters
        ----------
        n_most : int
            Most pairs.
        at_least : float, default=5
            Pairs that are expected less often are left out: a rare pair that occurs once looks attracted.
        """
        first, second = np.triu_indices(len(self.counts), k=1)
        kept = (self.expected[first, second] >= at_least) & (self.counts[first, second] > 0)
        first, second = first[kept], second[kept]
        order = np.argsort(-self.attraction_bits[first, second], kind="stable")[:n_most]
        return np.asarray(np.stack([first[order], second[order]], axis=1), dtype=np.int64)


def cooccurrence(tokens: Tokens, n_codes: int) -> CoOccurrence:
    """Count the codes of horizontal and vertical neighbours.

    Parameters
    ----------
    tokens : Tensor or ndarray of shape (n, H, W), integers
        Codes in [0, n_codes).
    n_codes : int
        Size K of the codebook.

    Raises
    ------
    ShapeError
        If there are not three axes, or no tokens.
    InvalidValueError
        If tokens are not whole numbers in [0, n_codes), or a lattice has one cell only.
    """
    values = checked_tokens(tokens, n_codes).numpy()
    beside = values[:, :, :-1] * n_codes + values[:, :, 1:]
    below = values[:, :-1] * n_codes + values[:, 1:]
    keys = np.concatenate([beside.ravel(), below.ravel()])
    if not len(keys):
        raise InvalidValueError(f"Neighbours need lattices of two cells or more; got {values.shape[1:]}.")
    ordered = np.bincount(keys, minlength=n_codes**2).reshape(n_codes, n_codes)
    both_ways = ordered + ordered.T  # every pair counts once from each of its ends
    ends = both_ways.sum(axis=1) / both_ways.sum()
    expected = 2 * len(keys) * np.outer(ends, ends)
    on_diagonal = np.eye(n_codes, dtype=bool)
    counts = np.where(on_diagonal, both_ways // 2, both_ways)  # a pair of equals was counted from both ends
    return CoOccurrence(counts.astype(np.int64), np.where(on_diagonal, expected / 2, expected), len(keys))
