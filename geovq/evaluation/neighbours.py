"""What the neighbours of a cell by some distance are worth: whether they look alike, and are of one class.

Functions take rows of distances, one row per query and one column per candidate; infinity marks candidates that do not
count, such as the query itself.
"""

from jaxtyping import Float, Int64

from geovq.arrays import DoubleArray, IntArray
from geovq.errors import ShapeError
from geovq.geometry.neighbourhoods import Distances, nearest_candidates, overlap


def agreement_with(
    reference: Float[Distances, "rows n"], distances: Float[Distances, "rows n"], k: int
) -> Float[DoubleArray, " rows"]:
    """Share of the k nearest by one distance that are among the k nearest by the reference, per query.

    Parameters
    ----------
    reference, distances : arrays of shape (rows, n)
        Such as distances between pictures, and distances between latents.
    k : int

    Raises
    ------
    ShapeError
        If they differ in shape.
    InvalidValueError
        If some query has fewer than k candidates.
    """
    return overlap(nearest_candidates(distances, k), nearest_candidates(reference, k))


def label_purity(
    distances: Float[Distances, "rows n"],
    query_labels: Int64[IntArray, " rows"],
    labels: Int64[IntArray, " n"],
    k: int,
) -> Float[DoubleArray, " rows"]:
    """Share of the k nearest candidates that are of the query's class, per query.

    Parameters
    ----------
    distances : array of shape (rows, n)
        Infinite for candidates of the query's own image, whose class is the same by necessity.
    query_labels : array of shape (rows,)
    labels : array of shape (n,)
    k : int

    Raises
    ------
    ShapeError
        If there is not one label for each query and each candidate.
    InvalidValueError
        If some query has fewer than k candidates.
    """
    if distances.shape != (len(query_labels), len(labels)):
        raise ShapeError(
            f"distances must be (rows, n) for {len(query_labels)} queries and {len(labels)} candidates; "
            f"got {distances.shape}."
        )
    same: DoubleArray = (labels[nearest_candidates(distances, k)] == query_labels[:, None]).mean(axis=1)
    return same
