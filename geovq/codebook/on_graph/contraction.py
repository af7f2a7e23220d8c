"""A smaller graph of a sample of landmarks, each of which stands for those nearest to it.

Two of them are joined where their Voronoi cells touch, at the length of the shortest path between them that crosses
the border. Distances come out somewhat too long, but by similar factors, so that good medoids of the small graph are
a good start for the large one.

Source: Erwig (2000), "The graph Voronoi diagram with applications"; solving on a contracted graph first: Hendrickson,
Leland (1995), "A multilevel algorithm for partitioning graphs".
"""

import numpy as np
from jaxtyping import Int64

from geovq.arrays import DoubleArray, IntArray
from geovq.codebook.on_graph.search import LandmarkGraph, nearest_medoids


def contracted(graph: LandmarkGraph, seeds: Int64[IntArray, " seeds"]) -> LandmarkGraph:
    """Graph of the `seeds`, numbered in their order; connected if `graph` is."""
    n_seeds = len(seeds)
    cell, distance = nearest_medoids(graph, seeds)
    tails = np.repeat(np.arange(graph.n_nodes, dtype=np.int32), np.diff(graph.pointers))
    crossing = np.flatnonzero(cell[tails] != cell[graph.columns])
    tails, heads = tails[crossing], graph.columns[crossing]
    lengths = distance[tails] + graph.lengths[crossing] + distance[heads]
    pairs = cell[tails].astype(np.int64) * n_seeds + cell[heads]
    order = np.lexsort((lengths, pairs))
    rows_and_columns, shortest = np.unique(pairs[order], return_index=True)
    rows, columns = np.divmod(rows_and_columns, n_seeds)
    mass: DoubleArray = np.bincount(cell, graph.mass, n_seeds).astype(np.float64)
    return LandmarkGraph(
        pointers=np.append(0, np.bincount(rows, minlength=n_seeds).cumsum()).astype(np.int32),
        columns=columns.astype(np.int32),
        lengths=lengths[order[shortest]],
        mass=mass,
    )
