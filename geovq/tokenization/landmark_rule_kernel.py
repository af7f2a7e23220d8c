"""The landmark rule for many points on one CPU core, exactly.

Points are divided in halves, as a k-d tree divides points, and every half inherits the landmarks that can still be
near to it: in the end a few neighbouring points share a few candidates, which fit into vector registers. A box all of
whose candidates carry one code needs no distances at all.

Source: Gray, Moore (2000), "N-body problems in statistical learning", for pruning many queries at once.
"""

import numpy as np

from geovq.arrays import FloatArray, Int32Array, IntArray
from geovq.compiling import njit

_POINTS_PER_BOX = 16  # below this, looking at a few landmarks too many is cheaper than halving once more
_LIST_ROOM = 16  # landmarks that all lists of candidates may hold together, in multiples of N
_MAX_DEPTH = 512
_BISECTIONS = 5  # of the reach of a box; more would cost more than the candidates that they spare
_EIGHTH = 3 << 23  # subtracted from the bits of a float32 it lowers the exponent by 3, that is divides by 8


@njit(nogil=True, cache=True)
def project_cells(cells: FloatArray, mean: FloatArray, projection: FloatArray, points: FloatArray) -> None:
    """Write the coordinates (z - mean) projection of cells, (m, D), into `points`, (m, A)."""
    points[:] = 0
    for i in range(len(cells)):
        for channel in range(len(mean)):
            offset = cells[i, channel] - mean[channel]
            for a in range(projection.shape[1]):
                points[i, a] += offset * projection[channel, a]


@njit(nogil=True, cache=True)
def codes_of_points(
    axes: tuple[int, ...],
    points: FloatArray,
    landmarks: FloatArray,
    metrics: FloatArray,
    distance_to_medoid: FloatArray,
    label: IntArray,
    n_nearest: int,
) -> tuple[IntArray, FloatArray]:
    """Code and margin of every point.

    Parameters
    ----------
    axes : tuple of int
        (0, ..., A - 1). The kernel is compiled for a tuple of that length, which unrolls its loops over axes.
    points : array of shape (m, A), float32
        Reordered on the way.
    landmarks : array of shape (N, A), float32
    metrics : array of shape (N, A, A), float32
    distance_to_medoid : array of shape (N,), float32
    label : array of shape (N,)
    n_nearest : int
        Nearest landmarks that compete for a point, at most N.

    Returns
    -------
    codes : array of shape (m,)
    margins : array of shape (m,), float32
    """
    n_points, n_landmarks = len(points), len(landmarks)
    codes, margins = np.empty(n_points, dtype=np.int64), np.empty(n_points, dtype=np.float32)
    order = np.arange(n_points)
    # Lists of candidates in the order of landmarks. A box writes its own behind that of the box it is a half of; since
    # one half is done before the other begins, both may use the same room.
    room = _LIST_ROOM * n_landmarks
    members, places = np.empty(room + 1, dtype=np.int32), np.empty((len(axes), room + 1), dtype=np.float32)
    members[:n_landmarks] = np.arange(n_landmarks)
    places[:, :n_landmarks] = landmarks.T
    scratch, nearest = np.empty((2, n_landmarks), dtype=np.float32), np.empty(n_nearest + 1, dtype=np.int32)
    box = np.empty((2, len(axes)), dtype=np.float32)
    boxes, reaches = np.empty((_MAX_DEPTH, 4), dtype=np.int64), np.empty(_MAX_DEPTH, dtype=np.float32)
    boxes[0] = 0, n_points, 0, n_landmarks
    reaches[0] = np.inf
    n_boxes = min(n_points, 1)
    while n_boxes:
        n_boxes -= 1
        begin, end, first, size = boxes[n_boxes]
        widest = _measure_box(axes, points, begin, end, box)
        kept, reach = _inherit(axes, members, places, first, size, box, n_nearest, reaches[n_boxes], scratch)
        first, size = first + size, kept
        mine, at = members[first : first + size], places[:, first : first + size]
        code = _common_code(mine, label)
        if code >= 0:
            for i in range(begin, end):
                codes[order[i]], margins[order[i]] = code, np.inf
            continue
        has_room = first + 2 * size <= room and n_boxes + 2 <= _MAX_DEPTH
        if end - begin > _POINTS_PER_BOX and box[0, widest] < box[1, widest] and has_room:
            middle = _halve(axes, points, order, begin, end, widest, box)
            boxes[n_boxes] = begin, middle, first, size
            boxes[n_boxes + 1] = middle, end, first, size
            reaches[n_boxes] = reaches[n_boxes + 1] = reach
            n_boxes += 2
            continue
        for i in range(begin, end):
            _find_nearest(axes, points[i], at, reach, scratch[0], nearest)
            code, margin = _best_way(axes, points[i], mine, at, nearest, metrics, distance_to_medoid, label, scratch[1])
            codes[order[i]], margins[order[i]] = code, margin
    return codes, margins


@njit(inline="always")
def _measure_box(axes: tuple[int, ...], points: FloatArray, begin: int, end: int, box: FloatArray) -> int:
    """Least and most of every coordinate into `box`; returns the axis along which it is widest."""
    widest = 0
    for a in range(len(axes)):
        least = most = points[begin, a]
        for i in range(begin + 1, end):
            least, most = min(least, points[i, a]), max(most, points[i, a])
        box[0, a], box[1, a] = least, most
        if most - least > box[1, widest] - box[0, widest]:
            widest = a
    return widest


@njit(inline="always")
def _inherit(
    axes: tuple[int, ...],
    members: Int32Array,
    places: FloatArray,
    first: int,
    size: int,
    box: FloatArray,
    n_nearest: int,
    reach: np.float32,
    scratch: FloatArray,
) -> tuple[int, np.float32]:
    """Write the candidates of a box behind those of its parent; returns how many they are, and the reach of the box.

    A reach is a squared distance within which every point of the box has `n_nearest` landmarks. Rounding is monotone:
    the distance of a point in the box lies between those of its faces in float32, too, so nothing is lost.
    """
    near, far = scratch[0], scratch[1]
    near[:size], far[:size] = 0, 0
    for a in range(len(axes)):
        place, least, most = places[a, first : first + size], box[0, a], box[1, a]
        for c in range(size):
            below, above = least - place[c], place[c] - most
            inside, outside = max(max(below, above), np.float32(0)), max(-below, -above)
            near[c] += inside * inside
            far[c] += outside * outside
    if reach == np.inf:  # the first box
        reach = far[:size].max()
    too_near = np.float32(0)
    for _ in range(_BISECTIONS):
        middle = np.float32(0.5) * (too_near + reach)
        if _count(far, size, middle) >= n_nearest:
            reach = middle
        else:
            too_near = middle
    end = first + size
    for c in range(size):  # written in any case, kept if `end` moves on: a branch would often be guessed wrong
        members[end] = members[first + c]
        for a in range(len(axes)):
            places[a, end] = places[a, first + c]
        end += near[c] <= reach
    return end - first - size, reach


@njit(inline="always")
def _common_code(members: Int32Array, label: IntArray) -> int:
    """Code that all members carry, or -1."""
    code = label[members[0]]
    for c in range(1, len(members)):
        if label[members[c]] != code:
            return -1
    return int(code)


@njit(inline="always")
def _halve(
    axes: tuple[int, ...], points: FloatArray, order: IntArray, begin: int, end: int, axis: int, box: FloatArray
) -> int:
    """Move the points of the lower half of a box to the front; returns where the upper half begins."""
    cut = np.float32(0.5) * box[0, axis] + np.float32(0.5) * box[1, axis]
    if not cut > box[0, axis]:  # faces are neighbouring floats
        cut = box[1, axis]
    middle = begin
    for i in range(begin, end):
        is_low = points[i, axis] < cut
        for a in range(len(axes)):
            points[i, a], points[middle, a] = points[middle, a], points[i, a]
        order[i], order[middle] = order[middle], order[i]
        middle += is_low
    return middle


@njit(inline="always")
def _find_nearest(
    axes: tuple[int, ...],
    point: FloatArray,
    places: FloatArray,
    reach: np.float32,
    squared: FloatArray,
    nearest: Int32Array,
) -> None:
    """Fill `nearest` with the positions of the nearest places; of equally distant ones the first."""
    n_nearest, size = len(nearest) - 1, places.shape[1]
    squared[:size] = 0
    for a in range(len(axes)):
        place, here = places[a], point[a]
        for c in range(size):
            step = here - place[c]
            squared[c] += step * step
    # The last distance that counts, by bisection on the bits of floats: where none is negative, both have one order.
    bits = squared.view(np.int32)
    last, too_near, found = np.float32(reach).view(np.int32), np.int32(-1), size
    guess = np.int32(last - _EIGHTH)
    if _count(bits, size, guess) < n_nearest:
        too_near = guess
    while found > n_nearest and last - too_near > 1:
        middle = np.int32((too_near + last) >> 1)
        at_most = _count(bits, size, middle)
        if at_most >= n_nearest:
            last, found = middle, at_most
        else:
            too_near = middle
    n_ties = n_nearest - _count(bits, size, np.int32(last - 1))
    taken = 0
    for c in range(size):
        nearest[taken] = c
        is_tie = bits[c] == last
        taken += (bits[c] < last) | (is_tie & (n_ties > 0))
        n_ties -= is_tie


@njit(inline="always")
def _count(values: FloatArray | Int32Array, size: int, most: np.float32 | np.int32) -> int:
    found = np.int32(0)  # as wide as a value, so that both fill vector registers
    for c in range(size):
        found += np.int32(values[c] <= most)
    return int(found)


@njit(inline="always")
def _best_way(
    axes: tuple[int, ...],
    point: FloatArray,
    members: Int32Array,
    places: FloatArray,
    nearest: Int32Array,
    metrics: FloatArray,
    distance_to_medoid: FloatArray,
    label: IntArray,
    ways: FloatArray,
) -> tuple[int, np.float32]:
    """Code at the end of the shortest way, and how much longer the shortest way to another code is."""
    n_nearest = len(nearest) - 1
    for j in range(n_nearest):
        c = nearest[j]
        landmark = members[c]
        squared = np.float32(0)
        for a in range(len(axes)):
            row = np.float32(0)
            for b in range(len(axes)):
                row += metrics[landmark, a, b] * (point[b] - places[b, c])
            squared += row * (point[a] - places[a, c])
        ways[j] = np.sqrt(max(squared, np.float32(0))) + distance_to_medoid[landmark]
    code = label[members[nearest[0]]]
    best, other = np.float32(np.inf), np.float32(np.inf)
    for j in range(n_nearest):
        its_code = label[members[nearest[j]]]
        if ways[j] < best:
            if its_code != code:
                other = best
            best, code = ways[j], its_code
        elif ways[j] < other and its_code != code:
            other = ways[j]
    return int(code), other - best
