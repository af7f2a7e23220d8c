"""What changes of tokens do alone, where they were made together.

Cells whose footprints overlap paint over each other. A change can make the picture worse by itself and better beside
the change of a neighbour: the errors of both cancel in the pixels that they share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from geovq.errors import ShapeError

ErrorOf: TypeAlias = Callable[[Int[NDArray[np.int64], "n h w"]], Float[NDArray[np.float64], " n"]]
Cell = tuple[int, int]

_AFTER = ((0, 1), (1, -1), (1, 0), (1, 1))  # from a cell to those that touch it, each pair of cells once


@dataclass(frozen=True)
class CancellingPair:
    """Two cells that touch, of which each change alone raises the error while both together lower it.

    Attributes
    ----------
    first, second : (int, int)
        Row and column.
    before, first_alone, second_alone, both : float
        Error with none of the two changed, with one of them, and with both.
    """

    first: Cell
    second: Cell
    before: float
    first_alone: float
    second_alone: float
    both: float

    @property
    def cancelled(self) -> float:
        """How much lower the error of both changes is than if their effects on it added up."""
        return self.first_alone + self.second_alone - self.before - self.both


def errors_of_lone_changes(
    error_of: ErrorOf, before: Int[NDArray[np.int64], "h w"], after: Int[NDArray[np.int64], "h w"]
) -> Float[NDArray[np.float64], "h w"]:
    """Error of the tokens `before` with one cell taken from `after`; NaN in cells where both have the same code.

    Parameters
    ----------
    error_of : callable
        Error of each of n lattices of tokens.
    before, after : ndarrays of shape (H, W)

    Raises
    ------
    ShapeError
        If the two differ in shape.
    """
    cells = _changed(before, after)
    errors = np.full(before.shape, np.nan)
    if cells:
        errors[tuple(np.transpose(cells))] = error_of(np.stack([_with(before, after, cell) for cell in cells]))
    return errors


def most_cancelling_pair(
    error_of: ErrorOf, before: Int[NDArray[np.int64], "h w"], after: Int[NDArray[np.int64], "h w"]
) -> CancellingPair | None:
    """The pair of touching cells whose changes need each other most; None if no two do.

    Parameters
    ----------
    error_of, before, after
        As in `errors_of_lone_changes`.

    Raises
    ------
    ShapeError
        If the two differ in shape.
    """
    alone = errors_of_lone_changes(error_of, before, after)
    cells = set(_changed(before, after))
    pairs = [
        ((row, column), (row + down, column + right))
        for row, column in sorted(cells)
        for down, right in _AFTER
        if (row + down, column + right) in cells
    ]
    if not pairs:
        return None
    start = float(error_of(before[None])[0])
    both = error_of(np.stack([_with(before, after, *pair) for pair in pairs]))
    found = [
        CancellingPair(first, second, start, float(alone[first]), float(alone[second]), float(error))
        for (first, second), error in zip(pairs, both, strict=True)
    ]
    needing = [pair for pair in found if pair.both < start < min(pair.first_alone, pair.second_alone)]
    return max(needing, key=lambda pair: pair.cancelled, default=None)


def _changed(before: NDArray[np.int64], after: NDArray[np.int64]) -> list[Cell]:
    if before.shape != after.shape:
        raise ShapeError(f"before and after must have the same shape (H, W); got {before.shape} and {after.shape}.")
    return [(int(row), int(column)) for row, column in np.argwhere(before != after)]


def _with(before: NDArray[np.int64], after: NDArray[np.int64], *cells: Cell) -> NDArray[np.int64]:
    tokens = before.copy()
    for cell in cells:
        tokens[cell] = after[cell]
    return tokens
