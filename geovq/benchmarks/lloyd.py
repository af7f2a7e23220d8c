"""Graph Lloyd on up to a million landmarks: seconds, memory, growth, and its cost against FasterPAM where that fits."""

import resource
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from geovq.arrays import FloatArray
from geovq.artifacts import write_json
from geovq.benchmarks.geometry import SHIPPED_RUN, training_lattices
from geovq.benchmarks.timing import machine
from geovq.codebook import graph_kmedoids, kmedoids
from geovq.geometry import LatentGeometry, PullbackMetric, geodesic_distances, nearest_source, neighbour_graph
from geovq.geometry.latent_geometry import context_average
from geovq.lattice import cells_of
from geovq.runs import open_run
from geovq.runs.layout import SHIPPED_ROOT

N_NEIGHBORS = 10
_COMPARED_WITH_FASTERPAM = 8_000  # landmarks
_SIZES = (100_000, 1_000_000)  # those above the number of cells are left out


@dataclass(frozen=True)
class Scaling:
    """From landmarks and their metrics to codebook and labels, once."""

    n_landmarks: int
    n_codes: int
    graph_s: float
    search_s: float
    peak_gib: float  # of this process so far, landmarks included

    @property
    def seconds(self) -> float:
        """Neighbour graph, edge lengths, codebook, labels and distances to medoids."""
        return self.graph_s + self.search_s


def bench_lloyd(*, n_codes: int, seeds: int, out: Path | None) -> None:
    """Print cost ratios to FasterPAM over seeds, then seconds and memory of growing graphs; `out` gets them as JSON."""
    run = open_run(SHIPPED_ROOT / SHIPPED_RUN)
    geometry = run.geometry()
    lattices = training_lattices(run.autoencoder("riemannian"))
    cells: FloatArray = geometry.sample.subspace.project(cells_of(lattices)).numpy()
    print(f"{machine()}\n{len(cells):,} cells of images that the shipped VAE encoded, A = {cells.shape[1]}")
    ratios = [_cost_ratio(cells, geometry, n_codes, seed) for seed in range(seeds)]
    print(
        f"cost against FasterPAM, N = {_COMPARED_WITH_FASTERPAM:,}, K = {n_codes}, {seeds} seeds: median "
        f"{statistics.median(ratios):.3f}× ({min(ratios):.3f}–{max(ratios):.3f})"
    )
    sizes = [size for size in _SIZES if size <= len(cells)]
    scalings = []
    for size in sizes:
        scalings.append(scaling := _scaling(cells, geometry, size, n_codes))
        print(
            f"N = {size:>9,}, K = {n_codes}: graph {scaling.graph_s:.1f} s, "
            f"codebook and labels {scaling.search_s:.1f} s, peak memory {scaling.peak_gib:.1f} GiB"
        )
    if len(scalings) == len(_SIZES):
        print(f"10 times the landmarks took {scalings[1].seconds / scalings[0].seconds:.1f} times as long")
    if out is not None:
        rows = [{**asdict(scaling), "seconds": scaling.seconds} for scaling in scalings]
        write_json(out, {"machine": machine(), "cost_ratios": ratios, "scaling": rows})
        print(f"\nWritten to {out}.")


def _landmark_graph(
    cells: FloatArray, geometry: LatentGeometry, n_landmarks: int, seed: int
) -> tuple[csr_matrix, float]:
    """Weighted graph over random cells, and the seconds it took from landmarks and metrics."""
    points = cells[np.random.default_rng(seed).choice(len(cells), n_landmarks, replace=False)]
    measured = geometry.sample.subspace.project(geometry.sample.cells).numpy()
    metrics = context_average(geometry.cell_metrics.numpy(), measured, points, 32)
    began = time.perf_counter()
    graph = neighbour_graph(points, N_NEIGHBORS)
    weights = graph.weighted(PullbackMetric(metrics).edge_lengths(points, graph.tails, graph.heads))
    return weights, time.perf_counter() - began


def _cost_ratio(cells: FloatArray, geometry: LatentGeometry, n_codes: int, seed: int) -> float:
    weights, _ = _landmark_graph(cells, geometry, _COMPARED_WITH_FASTERPAM, seed)
    distances = geodesic_distances(weights)
    reference = kmedoids(np.square(distances, out=distances), n_codes, seed=seed)
    return graph_kmedoids(weights, n_codes, seed=seed).cost / reference.cost


def _scaling(cells: FloatArray, geometry: LatentGeometry, n_landmarks: int, n_codes: int) -> Scaling:
    weights, graph_s = _landmark_graph(cells, geometry, n_landmarks, seed=0)
    began = time.perf_counter()
    found = graph_kmedoids(weights, n_codes, n_restarts=1)
    nearest_source(weights, found.medoid_indices)
    search_s = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Scaling(n_landmarks, n_codes, graph_s, search_s, peak / 2**30)
