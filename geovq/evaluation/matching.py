"""Pairs of codes of two codebooks whose decoded patches look most alike, over all pairs together.

Source: Kuhn (1955), "The Hungarian method for the assignment problem".
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from geovq.errors import ShapeError


@dataclass(frozen=True, eq=False)
class Matching:
    """One-to-one pairs of codes, most alike first.

    Attributes
    ----------
    first, second : ndarray of shape (m,), int64
        Codes of each pair; m is the size of the smaller codebook.
    distances : ndarray of shape (m,), float64
        Root mean squared pixel difference of each pair, ascending.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    distances: NDArray[np.float64]

    def partner_of_second(self, n_codes: int) -> Int[NDArray[np.int64], " k"]:
        """First code of every second one, -1 for those that are left over; `n_codes` is the second codebook's K."""
        partners = np.full(n_codes, -1, dtype=np.int64)
        partners[self.second] = self.first
        return partners


def matched_codes(first: Float[NDArray[np.float32], "k h w"], second: Float[NDArray[np.float32], "l h w"]) -> Matching:
    """Pair the codes of two codebooks so that the squared pixel differences sum to as little as possible.

    Parameters
    ----------
    first, second : ndarray of shape (K, h, w) and (L, h, w)
        Decoded patch of each code, intensities. Codebooks may differ in size; then some codes have no partner.

    Raises
    ------
    ShapeError
        If the patches are of different sizes, or there are none.
    """
    if first.ndim != 3 or first.shape[1:] != second.shape[1:] or not first.size or not second.size:
        raise ShapeError(f"Patches must be (K, h, w) with the same h and w; got {first.shape} and {second.shape}.")
    a, b = (patches.reshape(len(patches), -1).astype(np.float64) for patches in (first, second))
    squared = np.stack([((b - row) ** 2).mean(axis=1) for row in a])  # (K, L)
    rows, columns = linear_sum_assignment(squared)
    distances = np.sqrt(squared[rows, columns])
    order = np.argsort(distances, kind="stable")
    return Matching(rows[order].astype(np.int64), columns[order].astype(np.int64), distances[order])
