"""Pairs of codes of two tokenizers that stand for the same cells.

Source: Kuhn (1955), "The Hungarian method for the assignment problem".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from geovq.errors import ShapeError
from geovq.evaluation.inputs import Tokens, checked_tokens


@dataclass(frozen=True, eq=False)
class CoAssignment:
    """One-to-one pairs of codes that agree on as many cells as possible.

    Attributes
    ----------
    partner_of_second : ndarray of shape (L,), int64
        First code of each second one; -1 for those that are left over.
    fraction_agreed : float
        Share of the cells whose two codes are partners.
    """

    partner_of_second: NDArray[np.int64]
    fraction_agreed: float


def coassigned_codes(
    first: Tokens,
    second: Tokens,
    n_first: int,
    n_second: int,
) -> CoAssignment:
    """Pair the codes of two tokenizers over the same images.

    Parameters
    ----------
    first, second : Tensor or ndarray of shape (n, H, W), integers
        Tokens of the same images.
    n_first, n_second : int
        Sizes K and L of the codebooks; if they differ, some codes have no partner.

    Raises
    ------
    ShapeError
        If the tokens differ in shape.
    InvalidValueError
        If tokens are out of range.
    """
    a, b = checked_tokens(first, n_first).numpy(), checked_tokens(second, n_second).numpy()
    if a.shape != b.shape:
        raise ShapeError(f"Both tokenizers must have seen the same images; got tokens {a.shape} and {b.shape}.")
    shared = np.bincount((a * n_second + b).ravel(), minlength=n_first * n_second).reshape(n_first, n_second)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    partners = np.full(n_second, -1, dtype=np.int64)
    partners[columns] = rows
    return CoAssignment(partners, float(shared[rows, columns].sum() / a.size))
