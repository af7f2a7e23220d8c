"""Dijkstra's algorithm from 32 sources at once: the shortest paths of sources near each other are mostly the same.

A search over a graph spends most of its time waiting for the memory that holds the neighbours. Here each node holds
its distances from all sources of a group side by side, and one vector instruction compares all of them. The heap is
ordered by the least distance of a node that became shorter since the node was last taken from it. The least in the heap
is final, as with one source, so a node is taken at most 32 times, and the distances are the same float32 numbers. If
the sources of a group are near each other, it is taken two or three times.

Source: Dijkstra (1959); sources side by side as in Then et al. (2014), "The more the merrier: efficient multi-source
graph traversal", doi:10.14778/2735496.2735507, there for breadth-first search.
"""

import numba
import numpy as np
from jaxtyping import Float32, Int32

from geovq.arrays import FloatArray, Int32Array, IntArray
from geovq.compiling import njit
from geovq.geometry.graph.heap import heap_item, item_distance, item_node, pop, sift_up
from geovq.threads import n_numba_threads

LANES = 32  # sources of a group; with fewer the compiler makes no vector instructions, more are less near each other
_N_PIVOTS = 16  # nodes whose distances are the coordinates in which sources are grouped
_BLOCKS_PER_THREAD = 4  # evens out the work between threads


def near_each_other(
    pointers: Int32Array, columns: Int32Array, lengths: FloatArray, sources: Int32[Int32Array, " m"]
) -> Int32[Int32Array, " m"]:
    """Order in which every `LANES` sources that follow each other are near each other.

    Sources are halved again and again along the coordinate in which they spread most, as a k-d tree does; coordinates
    are distances from a few nodes, so that nothing but the graph is needed.

    Parameters
    ----------
    pointers, columns, lengths
        Graph in compressed sparse rows.
    sources : array of shape (m,)

    Returns
    -------
    array of shape (m,)
        Indices into `sources`.
    """
    places = np.arange(len(sources), dtype=np.int32)
    if len(sources) <= LANES:
        return places
    n_nodes = len(pointers) - 1
    pivots = np.linspace(0, n_nodes - 1, _N_PIVOTS).astype(np.int32)
    rows = np.empty((_N_PIVOTS, n_nodes), dtype=np.float32)
    search_groups(pointers, columns, lengths, pivots, np.arange(_N_PIVOTS, dtype=np.int32), rows)
    coordinates = rows[:, sources].T
    waiting, groups = [places], []
    while waiting:
        part = waiting.pop()
        if len(part) <= LANES:
            groups.append(part)
            continue
        half = -(-len(part) // LANES) // 2 * LANES
        widest = int(np.ptp(coordinates[part], axis=0).argmax())
        order = part[np.argpartition(coordinates[part, widest], half)]
        waiting += [order[half:], order[:half]]  # the lower half is taken next: only the last group is not full
    return np.concatenate(groups)


def search_groups(
    pointers: Int32[Int32Array, " n_plus_1"],
    columns: Int32[Int32Array, " e"],
    lengths: Float32[FloatArray, " e"],
    sources: Int32[Int32Array, " m"],
    order: Int32[Int32Array, " searched"],
    out: Float32[FloatArray, "m n"],
) -> None:
    """Fill some rows of `out` with distances, `LANES` of them at once.

    Parameters
    ----------
    pointers, columns, lengths
        Graph in compressed sparse rows.
    sources : array of shape (m,)
    order : array of shape (searched,)
        Indices into `sources` of those to search from; also the rows of `out` that are filled.
    out : array of shape (m, N)
        Is written to.
    """
    n_blocks = min(_BLOCKS_PER_THREAD * n_numba_threads(), -(-len(order) // LANES))
    _search_groups(pointers, columns, lengths, sources, order, out, n_blocks)


@njit(parallel=True, cache=True)
def _search_groups(
    pointers: Int32Array,
    columns: Int32Array,
    lengths: FloatArray,
    sources: Int32Array,
    order: Int32Array,
    out: FloatArray,
    n_blocks: int,
) -> None:
    n_nodes, n_groups = len(pointers) - 1, -(-len(order) // LANES)
    for block in numba.prange(n_blocks):
        near = np.empty((n_nodes, LANES), dtype=np.float32)
        keys = np.empty(n_nodes, dtype=np.float32)
        heap = np.empty(LANES * (len(columns) + 1), dtype=np.int64)  # a node is taken at most once per lane
        for group in range(block, n_groups, n_blocks):
            rows = order[LANES * group : LANES * (group + 1)]
            _search(pointers, columns, lengths, sources[rows], near, keys, heap)
            for node in range(n_nodes):
                for lane in range(len(rows)):
                    out[rows[lane], node] = near[node, lane]


@njit(cache=True)
def _search(
    pointers: Int32Array,
    columns: Int32Array,
    lengths: FloatArray,
    sources: Int32Array,
    near: FloatArray,
    keys: FloatArray,
    heap: IntArray,
) -> None:
    """`near[node, lane]` becomes the distance of a node from the source of the lane.

    `keys[node]` is the least distance that became shorter since the node was taken, infinite if none did.
    """
    near[:] = np.inf
    keys[:] = np.inf
    here = np.empty(LANES, dtype=np.float32)
    size = 0
    for lane in range(len(sources)):
        near[sources[lane], lane] = 0
        if keys[sources[lane]] > 0:
            keys[sources[lane]] = 0
            sift_up(heap, size, heap_item(np.float32(0), sources[lane]))
            size += 1
    while size:
        top = pop(heap, size)
        size -= 1
        node = item_node(top)
        if item_distance(top) != keys[node]:
            continue  # a stale item: the node was reached on a shorter way, or was taken since
        keys[node] = np.inf
        here[:] = near[node]
        for e in range(pointers[node], pointers[node + 1]):
            head = columns[e]
            shortest = _shorten(here, lengths[e], near, head)
            if shortest < keys[head]:
                keys[head] = shortest
                sift_up(heap, size, heap_item(shortest, head))
                size += 1


@njit(cache=True)
def _shorten(here: FloatArray, length: np.float32, near: FloatArray, head: int) -> np.float32:
    """Offer a node the ways along one edge; the least distance that they made shorter, infinite if they made none.

    The minimum is taken over the bits of floats, which have the order of the floats as long as those are not negative:
    compilers turn a minimum of integers into vector instructions, of floats only if they may ignore NaN.
    """
    least = np.int32(0x7F800000)  # the bits of infinity
    for lane in range(LANES):
        through, known = np.float32(here[lane] + length), near[head, lane]
        shorter = through < known
        near[head, lane] = through if shorter else known
        offered = np.float32(through).view(np.int32) if shorter else np.int32(0x7F800000)
        least = offered if offered < least else least
    return np.int32(least).view(np.float32)
