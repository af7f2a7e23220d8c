"""Pairs of points between which the geodesic is much shorter than the straight line.

Between most pairs the metric hardly changes, and the two look alike. Relaxing a geodesic for every candidate would take
seconds. A few curves that bow to either side take one batch of the decoder; where one of them is shorter than the
straight line, the geodesic is at least as short.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.arrays import IntArray
from geovq.errors import InvalidValueError
from geovq.geometry.curves.curve import DecodePoints

_BULGES = (0.0, -0.35, -0.2, -0.1, 0.1, 0.2, 0.35)  # height of a bow as a share of its chord; the straight line first
_N_POINTS = 9


@torch.no_grad()
def bow_saving(decode: DecodePoints, start: Float[Tensor, " a"], end: Float[Tensor, " a"]) -> float:
    """By which share the best of a few bows is shorter than the straight line; 0 if none is.

    Parameters
    ----------
    decode : callable
        As for `measure_curve`.
    start, end : Tensor of shape (A,)
        A of at least 2; bows leave the straight line within the first two directions.

    Returns
    -------
    float
        In [0, 1).
    """
    along = end - start
    across = torch.zeros_like(along)
    across[0], across[1] = -along[1], along[0]
    share = torch.linspace(0, 1, _N_POINTS).to(along)[:, None]
    height = torch.tensor(_BULGES).to(along)[:, None, None] * (math.pi * share).sin()  # (bows, T, 1)
    points = start + share * along + height * across  # (bows, T, A)
    images = decode(points.flatten(end_dim=1)).flatten(start_dim=1).double().reshape(len(_BULGES), _N_POINTS, -1)
    lengths = torch.linalg.vector_norm(images.diff(dim=1), dim=2).sum(dim=1)  # (bows,)
    straight = float(lengths[0])
    return 1 - float(lengths.min()) / straight if straight > 0 else 0.0


def most_bent_pair(
    decoder_at: Callable[[int], DecodePoints], points: Float[Tensor, "n a"], pairs: Int64[IntArray, "m 2"]
) -> tuple[int, int]:
    """The pair whose straight line some bow beats by the largest share.

    Parameters
    ----------
    decoder_at : callable
        Decoder for curves that start at a point, by its row in `points`: of the cell that the point comes from.
    points : Tensor of shape (N, A)
    pairs : array of int of shape (M, 2)
        Candidates, rows of `points`; the first of equals wins.

    Raises
    ------
    InvalidValueError
        If there are no candidates.
    """
    if len(pairs) == 0:
        raise InvalidValueError("There are no pairs of points to choose from.")
    savings = [bow_saving(decoder_at(int(i)), points[i], points[j]) for i, j in pairs]
    i, j = pairs[int(np.argmax(savings))]
    return int(i), int(j)
