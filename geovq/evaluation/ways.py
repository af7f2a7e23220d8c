"""Ways between landmarks by three distances, each walked by its own clock, and what the picture does meanwhile.

A distance that measures the picture makes it change evenly where its points lie even in that distance. Straight lines
are walked in even latent steps, or in even steps under the metric of the nearest landmark; shortest paths over the
landmark graph in even steps of its lengths.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.geometry import LatentGeometry, PullbackMetric, cell_in_context, measure_curve, path_tree
from geovq.geometry.metric.footprint import Decode

KINDS = ("euclidean", "local", "geodesic")
_POINTS = 32  # of a curve
_FINE = 257  # places along a straight line where the local metric is looked up


class Ways(NamedTuple):
    """Ways from several landmarks, by one distance.

    Attributes
    ----------
    evenness : array of shape (m,)
        Of the pixel speed, in (0, 1]; 1 is even.
    lengths : array of shape (m,)
        Decoded, pixel intensity (L2).
    """

    evenness: Float[DoubleArray, " m"]
    lengths: Float[DoubleArray, " m"]


def pullback_graph(geometry: LatentGeometry) -> csr_matrix:
    """The landmark graph with lengths under the context-averaged metric."""
    graph, points = geometry.sample.graph, geometry.sample.landmarks.numpy()
    return graph.weighted(PullbackMetric(geometry.metrics.numpy()).edge_lengths(points, graph.tails, graph.heads))


def measure_ways(
    decoder: Decode, geometry: LatentGeometry, starts: Int64[IntArray, " m"], ends: Int64[IntArray, " m"]
) -> dict[str, Ways]:
    """Walk from each start to its end by each of `KINDS`, in the lattice that the start comes from.

    Parameters
    ----------
    decoder : callable
        As for `cell_in_context`, on the CPU.
    geometry : LatentGeometry
    starts, ends : arrays of shape (m,)
        Landmarks, by number.
    """
    sample = geometry.sample
    points, metrics = sample.landmarks.numpy(), geometry.metrics.numpy().astype(np.float64)
    shape = (len(sample.lattices), *sample.lattices.shape[2:])
    places = np.stack(np.unravel_index(sample.landmark_indices.numpy(), shape), axis=1)  # image, row, column
    weights, tree = pullback_graph(geometry), cKDTree(points)
    measured = {kind: np.empty((2, len(starts))) for kind in KINDS}
    fractions = np.linspace(0, 1, _FINE)
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        line = points[start] + fractions[:, None] * (points[end] - points[start])
        step = (points[end] - points[start]).astype(np.float64) / (_FINE - 1)
        midway = metrics[tree.query((line[1:] + line[:-1]) / 2)[1]]
        speeds = np.sqrt(np.maximum(np.einsum("a,tab,b->t", step, midway, step), 0))
        found = path_tree(weights, int(start))
        path = found.path_to(int(end))
        ways = {
            "euclidean": (line, fractions),
            "local": (line, np.append(0, speeds.cumsum())),
            "geodesic": (points[path], found.distances[path].astype(np.float64)),
        }
        image, row, column = places[start].tolist()
        context = cell_in_context(decoder, sample.lattices[image], (row, column), sample.subspace)
        for kind, (corners, clock) in ways.items():
            curve = measure_curve(context, torch.from_numpy(_even(corners, clock)))
            measured[kind][:, i] = curve.evenness, curve.length
    return {kind: Ways(*rows) for kind, rows in measured.items()}


def _even(corners: Float[FloatArray, "t a"], clock: Float[DoubleArray, " t"]) -> Float[FloatArray, "m a"]:
    """Points of a polyline at even times of a clock that does not run backwards."""
    marks = np.linspace(0, clock[-1], _POINTS)
    columns = [np.interp(marks, clock, column) for column in corners.T]
    even: FloatArray = np.stack(columns, axis=1).astype(np.float32)
    return even
