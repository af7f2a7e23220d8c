"""A 4-ary heap of (distance, node) pairs for shortest-path kernels, one integer per pair.

The bits of a distance stand above the index of its node: the bits of non-negative floats are ordered like the floats,
so one comparison of integers orders the heap. Equal distances leave in the order of their nodes.

Source: Johnson (1975), "Priority queues with update and finding minimum spanning trees".
"""

import numpy as np

from geovq.arrays import IntArray
from geovq.compiling import njit


@njit(inline="always")
def heap_item(distance: np.float32, node: int) -> np.int64:
    """Pack a distance and a node."""
    return (np.int64(np.float32(distance).view(np.int32)) << 32) | node


@njit(inline="always")
def item_node(item: np.int64) -> np.int64:
    """Node of an item."""
    return item & 0xFFFFFFFF


@njit(inline="always")
def item_distance(item: np.int64) -> np.float32:
    """Distance of an item."""
    return np.int32(item >> 32).view(np.float32)


@njit(inline="always")
def sift_up(heap: IntArray, position: int, item: np.int64) -> None:
    """Put `item` at `position`, the end of the heap, and move it to its place."""
    while position > 0:
        parent = (position - 1) >> 2
        if heap[parent] <= item:
            break
        heap[position] = heap[parent]
        position = parent
    heap[position] = item


@njit(inline="always")
def sift_down(heap: IntArray, size: int, item: np.int64) -> None:
    """Put `item` in the place of the least one of a heap of `size` and move it down."""
    position = 0
    while 4 * position + 1 < size:
        first = 4 * position + 1
        least, smallest = first, heap[first]
        for child in range(first + 1, min(first + 4, size)):
            if heap[child] < smallest:
                least, smallest = child, heap[child]
        if smallest >= item:
            break
        heap[position] = smallest
        position = least
    heap[position] = item


@njit(inline="always")
def pop(heap: IntArray, size: int) -> np.int64:
    """Take the least item from a heap of `size` items, which has one less after it."""
    least: np.int64 = heap[0]
    sift_down(heap, size - 1, heap[size - 1])
    return least
