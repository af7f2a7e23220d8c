"""How distinct clusters are: the medoid silhouette.

Rousseeuw's silhouette compares every point's mean distance to its own cluster with that to the next, which needs all N²
distances. With the distance to a cluster's medoid in place of the mean distance to its members, two numbers per point
are enough, at any N: a, to the nearest medoid, and b, to the second nearest. The two silhouettes agree where clusters
are tight.

Source: Van der Laan, Pollard, Bryan (2003), "A new partitioning around medoids algorithm",
doi:10.1080/0094965031000136012; Lenssen, Schubert (2022), "Clustering by Direct Optimization of the Medoid Silhouette",
doi:10.1007/978-3-031-17849-8_15; Rousseeuw (1987), doi:10.1016/0377-0427(87)90125-7.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

Distances: TypeAlias = npt.NDArray[np.floating[Any]]


def medoid_silhouette(nearest: Float[Distances, " n"], second: Float[Distances, " n"]) -> float:
    """Mean of 1 - a / b over points.

    Parameters
    ----------
    nearest, second : arrays of shape (N,)
        Distance of every point to its nearest and to its second nearest medoid; nearest <= second.

    Returns
    -------
    float
        In [0, 1]: 0 where every point lies midway between two medoids, 1 where every point lies on its medoid.
    """
    share = np.divide(nearest, second, out=np.zeros(len(nearest)), where=second > 0)  # 0 / 0: on two medoids at once
    return float(1 - share.mean())


def two_smallest(distances: Float[Distances, "k n"]) -> tuple[Float[Distances, " n"], Float[Distances, " n"]]:
    """Least and second least of every column; K is at least 2."""
    least = np.partition(distances, 1, axis=0)
    return least[0], least[1]
