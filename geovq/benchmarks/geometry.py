"""Geometry on the shipped decoder: metric field and shortest paths against the ways they are usually done."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from torch import Tensor

from geovq.benchmarks.timing import compare, report
from geovq.geometry import PullbackMetric, geodesic_distances, metric_tensors, neighbour_graph
from geovq.runs import open_run
from geovq.runs.layout import SHIPPED_ROOT

SHIPPED_RUN = "demo"
N_LATTICES = 500
N_LANDMARKS = 8_000
N_NEIGHBORS = 10
_USUAL_CELLS = 1  # of the 49 cells, which all cost the same: the usual way would take minutes for all


def bench_geometry(*, repeats: int, out: Path | None) -> None:
    """Print the ratios of this machine; `out` gets them as JSON."""
    run = open_run(SHIPPED_ROOT / SHIPPED_RUN)
    model, sample = run.autoencoder("riemannian"), run.geometry().sample
    decode, basis = model.decode, sample.subspace.basis
    lattices = sample.lattices[:N_LATTICES]
    n_cells = lattices.shape[2] * lattices.shape[3]
    field = compare(
        f"metric tensors, {len(lattices)} lattices, A = {basis.shape[1]}",
        lambda: metric_tensors(decode, lattices, basis),
        "one torch.autograd.functional.jvp per cell and direction, all lattices in a batch",
        lambda: _usual_metric(decode, lattices, basis, range(_USUAL_CELLS)),
        repeats=repeats,
        usual_share=_USUAL_CELLS / n_cells,
    )
    weights = _landmark_graph(sample.subspace.project(sample.cells), run.geometry().cell_metrics)
    paths = compare(
        f"all-pairs shortest paths, N = {N_LANDMARKS:,}, k = {N_NEIGHBORS}",
        lambda: geodesic_distances(weights),
        "scipy.sparse.csgraph.dijkstra",
        lambda: dijkstra(weights),
        repeats=repeats,
    )
    report([field, paths], out)


def _usual_metric(decode: Callable[[Tensor], Tensor], lattices: Tensor, basis: Tensor, cells: range) -> list[Tensor]:
    """One double-backward JVP per cell and direction, as in the published prototype."""
    width = lattices.shape[3]
    metrics = []
    for cell in cells:
        columns = []
        for direction in basis.T:
            tangent = torch.zeros_like(lattices)
            tangent[:, :, cell // width, cell % width] = direction
            _, pushed = torch.autograd.functional.jvp(decode, lattices, tangent)  # type: ignore[no-untyped-call]
            columns.append(pushed.flatten(start_dim=1))
        jacobian = torch.stack(columns, dim=2)  # (n, P, A)
        metrics.append(jacobian.mT @ jacobian)
    return metrics


def _landmark_graph(cells: Tensor, metrics: Tensor) -> csr_matrix:
    chosen = np.random.default_rng(0).choice(len(cells), N_LANDMARKS, replace=False)
    points = cells.numpy()[chosen]
    graph = neighbour_graph(points, N_NEIGHBORS)
    return graph.weighted(PullbackMetric(metrics.numpy()[chosen]).edge_lengths(points, graph.tails, graph.heads))
