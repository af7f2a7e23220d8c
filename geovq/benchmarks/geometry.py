"""Geometry on the shipped decoder: ours against the ways it is usually done, side by side in one process."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from torch import Tensor

from geovq.arrays import FloatArray
from geovq.benchmarks.timing import Comparison, compare, report
from geovq.codebook import KMedoidsResult, alternate_kmedoids
from geovq.config import DiscretizationConfig
from geovq.data import load_images
from geovq.errors import DataError
from geovq.geometry import PullbackMetric, geodesic_distances, metric_tensors, neighbour_graph
from geovq.lattice import cells_of
from geovq.runs import Run, open_run
from geovq.runs.layout import SHIPPED_ROOT
from geovq.runs.stages.workspace import Autoencoder
from geovq.tokenization import discretize
from geovq.tokenization.landmark import LandmarkTokenizer
from geovq.tokenization.prototype import prototype_distances, prototype_edge_weights, prototype_edges

SHIPPED_RUN = "demo"
N_LATTICES = 500
N_LANDMARKS = 8_000
N_NEIGHBORS = 10
N_CODES = 64
_USUAL_CELLS = 1  # of one lattice; all cost the same, and the usual way would take minutes for all


def bench_geometry(*, repeats: int, out: Path | None) -> None:
    """Print the ratios of this machine; `out` gets them as JSON."""
    run = open_run(SHIPPED_ROOT / SHIPPED_RUN)
    model, sample = run.autoencoder("riemannian"), run.geometry().sample
    lattices, basis = sample.lattices[:N_LATTICES], sample.subspace.basis
    weights = _landmark_graph(sample.subspace.project(sample.cells), run.geometry().cell_metrics)
    rows = [
        _metric_field(model, lattices, basis, "cpu", repeats),
        _discretization(model, lattices, repeats),
        _paths(weights, "cpu", repeats),
        _encoding(run, model, repeats),
    ]
    if torch.cuda.is_available():
        rows.append(_metric_field(model, lattices, basis, "cuda", repeats))
        rows.append(_paths(weights, "cuda", repeats))
    report(rows, out)


def _metric_field(model: Autoencoder, lattices: Tensor, basis: Tensor, device: str, repeats: int) -> Comparison:
    decode, lattices = model.to(device).decode, lattices.to(device)
    n_cells = lattices.shape[2] * lattices.shape[3]
    comparison = compare(
        f"metric tensors, {len(lattices)} lattices, A = {basis.shape[1]}, {device}",
        lambda: metric_tensors(decode, lattices, basis).cpu(),
        "one torch.autograd.functional.jvp per cell and direction, all lattices in a batch",
        lambda: _usual_metric(decode, lattices, basis.to(device), range(_USUAL_CELLS)),
        repeats=repeats,
        usual_share=_USUAL_CELLS / n_cells,
    )
    model.to("cpu")
    return comparison


def _discretization(model: Autoencoder, lattices: Tensor, repeats: int) -> Comparison:
    config = DiscretizationConfig(
        n_images=len(lattices),
        n_landmarks=N_LANDMARKS,
        n_neighbors=N_NEIGHBORS,
        n_codes=N_CODES,
        residual_variance=0.01,  # as the shipped run
    )
    return compare(
        f"discretization, N = {N_LANDMARKS:,}, k = {N_NEIGHBORS}, K = {N_CODES}, cpu",
        lambda: discretize(model.decode, lattices, config),
        "the published recipe: a JVP per edge and direction in batches of 64, scipy's Dijkstra, alternating k-medoids",
        lambda: _published_recipe(model.decode, lattices),
        repeats=repeats,
    )


def _published_recipe(decode: Callable[[Tensor], Tensor], lattices: Tensor) -> KMedoidsResult:
    """Landmarks to codebook as published: the weight of an edge is found twice, once from either end."""
    landmarks = cells_of(lattices)[:N_LANDMARKS]
    positions = np.arange(N_LANDMARKS) % (lattices.shape[2] * lattices.shape[3])
    some, others = prototype_edges(landmarks.numpy(), N_NEIGHBORS)
    tails, heads = np.append(some, others), np.append(others, some)
    background = landmarks.mean(dim=0)[:, None, None].expand(lattices.shape[1:])
    weights = prototype_edge_weights(decode, landmarks, positions, tails, heads, background)
    distances, _ = prototype_distances(csr_matrix((weights, (tails, heads)), (N_LANDMARKS, N_LANDMARKS)))
    return alternate_kmedoids(distances, N_CODES)


def _paths(weights: csr_matrix, device: str, repeats: int) -> Comparison:
    return compare(
        f"all-pairs shortest paths, N = {N_LANDMARKS:,}, k = {N_NEIGHBORS}, {device}",
        lambda: geodesic_distances(weights, device=device),
        "scipy.sparse.csgraph.dijkstra",
        lambda: dijkstra(weights),
        repeats=repeats,
    )


def _encoding(run: Run, model: Autoencoder, repeats: int) -> Comparison:
    tokenizer = run.tokenizers["riemannian"]
    assert isinstance(tokenizer, LandmarkTokenizer)
    lattices = training_lattices(model)
    tree, label = cKDTree(_latents(run, tokenizer)), tokenizer.label.numpy()
    return compare(
        f"encoding all cells of {len(lattices):,} images, N = {len(label):,}, cpu",
        lambda: tokenizer.encode(lattices),
        "the published rule: scipy's k-d tree, nearest landmark in all latent channels",
        lambda: label[tree.query(cells_of(lattices).numpy())[1]],
        repeats=repeats,
    )


@torch.no_grad()
def training_lattices(model: Autoencoder) -> Tensor:
    """Lattices of the full training split where it can be read, else of the embedded sample."""
    try:
        images = load_images("mnist", "train")
    except DataError:
        images = load_images("mnist-sample", "train")
    return torch.cat([model.encode(images.batch(rows)) for rows in torch.split(torch.arange(len(images)), 512)])


def _latents(run: Run, tokenizer: LandmarkTokenizer) -> FloatArray:
    latents: FloatArray = run.geometry().sample.landmark_latents.numpy()
    assert len(latents) == len(tokenizer.landmarks)
    return latents


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
