"""Active subspace, metric field, neighbour graph, shortest paths and curves; arrays and callables only."""

from geovq.geometry.curves.cell_context import CellContext, cell_in_context
from geovq.geometry.curves.curve import Curve, graph_curve, measure_curve, straight_curve
from geovq.geometry.curves.relaxed import RelaxedCurve, relaxed_curve
from geovq.geometry.graph.nearest_source import NearestSource, nearest_source
from geovq.geometry.graph.neighbour_graph import (
    EuclideanMetric,
    Metric,
    NeighbourGraph,
    PullbackMetric,
    neighbour_graph,
)
from geovq.geometry.graph.path_tree import PathTree, path_tree
from geovq.geometry.graph.shortest_paths import geodesic_distances
from geovq.geometry.landmarks import LandmarkSample, sample_landmarks
from geovq.geometry.latent_geometry import LatentGeometry, load_geometry, measure_geometry
from geovq.geometry.metric.colouring import ColouringSummary
from geovq.geometry.metric.field import metric_tensors
from geovq.geometry.metric.field_summary import FieldSummary, summarise_field
from geovq.geometry.metric.lattice_metric import LatticeMetric, lattice_metric
from geovq.geometry.metric.pixel_directions import pixel_directions
from geovq.geometry.metric.subspace import ActiveSubspace, active_subspace

__all__ = [
    "ActiveSubspace",
    "CellContext",
    "ColouringSummary",
    "Curve",
    "EuclideanMetric",
    "FieldSummary",
    "LandmarkSample",
    "LatentGeometry",
    "LatticeMetric",
    "Metric",
    "NearestSource",
    "NeighbourGraph",
    "PathTree",
    "PullbackMetric",
    "RelaxedCurve",
    "active_subspace",
    "cell_in_context",
    "geodesic_distances",
    "graph_curve",
    "lattice_metric",
    "load_geometry",
    "measure_curve",
    "measure_geometry",
    "metric_tensors",
    "nearest_source",
    "neighbour_graph",
    "path_tree",
    "pixel_directions",
    "relaxed_curve",
    "sample_landmarks",
    "straight_curve",
    "summarise_field",
]
