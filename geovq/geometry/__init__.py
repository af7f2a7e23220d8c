"""Active subspace, metric field, neighbour graph and shortest paths; arrays and callables only."""

from geovq.geometry.graph import EuclideanMetric, Metric, NeighbourGraph, PullbackMetric, neighbour_graph
from geovq.geometry.landmarks import LandmarkSample, sample_landmarks
from geovq.geometry.latent_geometry import LatentGeometry, load_geometry, measure_geometry
from geovq.geometry.metric_field import metric_tensors
from geovq.geometry.shortest_paths import geodesic_distances
from geovq.geometry.subspace import ActiveSubspace, active_subspace

__all__ = [
    "ActiveSubspace",
    "EuclideanMetric",
    "LandmarkSample",
    "LatentGeometry",
    "Metric",
    "NeighbourGraph",
    "PullbackMetric",
    "active_subspace",
    "geodesic_distances",
    "load_geometry",
    "measure_geometry",
    "metric_tensors",
    "neighbour_graph",
    "sample_landmarks",
]
