"""What geodesic distances are good for: neighbours that look alike, of one class, and ways of even speed.

Three distances between the landmarks of a run are compared: straight in latent space, by the local metric (one step
under the mean of the metrics at both ends) and along geodesics. The neighbours that they are held against are those
of the landmarks' pictures, each decoded in one context, the mean lattice, so that nothing but the landmark differs.
Ways are decoded in the lattice that they start from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from geovq.arrays import DoubleArray, FloatArray, IntArray
from geovq.artifacts import write_json
from geovq.benchmarks.geodesics_table import GeodesicRow, geodesics_table, samples_table
from geovq.errors import ArtifactError, ConfigError, DataError
from geovq.evaluation.neighbours import agreement_with, label_purity
from geovq.evaluation.ways import KINDS, measure_ways, pullback_graph
from geovq.geometry import (
    CellContext,
    LatentGeometry,
    PullbackMetric,
    cell_in_context,
    geodesic_distances,
)
from geovq.randomness import make_rng
from geovq.runs import Run, images_of_geometry, open_run
from geovq.runs.layout import GEOMETRY_FILE, command
from geovq.runs.stages.workspace import experiment_images

_PATCHES_AT_ONCE = 256


def bench_geodesics(
    run_paths: Sequence[Path], *, n_queries: int, k: int, out: Path | None, seed: int = 0
) -> list[GeodesicRow]:
    """Measure, print a table over seeds with intervals, and write all rows as JSON if asked to.

    Parameters
    ----------
    run_paths : sequence of Path
        Folders of runs with a measured geometry; those that differ in their seed alone are repetitions.
    n_queries : int
        Landmarks whose neighbours are asked for, and from which ways start.
    k : int
        Neighbours of each.
    out : Path, optional
    seed : int, default=0
        Of the draw of queries.

    Raises
    ------
    ArtifactError
        If a run has no geometry yet.
    """
    runs = [open_run(path) for path in run_paths]
    for run in runs:
        if not (run.path / GEOMETRY_FILE).exists():
            raise ArtifactError(f"{run.path} has no geometry yet; `{command(run.path, 'discretize')}` makes it.")
    rows = []
    for run in runs:
        rows += _rows_of_run(run, n_queries, k, seed)
    print(geodesics_table(rows, k))
    samples = samples_table({run.id: run.measurements for run in runs})
    if samples:
        print(f"\n{samples}")
    if out is not None:
        write_json(out, {"k": k, "rows": [asdict(row) for row in rows]})
        print(f"\nWritten to {out}.")
    return rows


def _rows_of_run(run: Run, n_queries: int, k: int, seed: int) -> list[GeodesicRow]:
    geometry = run.geometry()
    context = _mean_context(run, geometry)
    points = geometry.sample.landmarks.numpy()
    distinct = np.sort(np.unique(points, axis=0, return_index=True)[1])
    rng = make_rng(seed, "bench.geodesics")
    queries = rng.choice(distinct, min(n_queries, len(distinct)), replace=False)
    ends = np.array([rng.choice(distinct[distinct != query]) for query in queries])
    distances, pictures = _distances(geometry, queries), _decoded(context, points)
    in_pixels = cdist(pictures[queries], pictures)
    is_copy = np.ones(len(points), dtype=bool)
    is_copy[distinct] = False
    ignored = is_copy[None] | (cdist(points[queries], points) == 0)
    purities = _purities(run, geometry, distances, queries, ignored, k)
    ways = measure_ways(run.autoencoder("vae").decode, geometry, queries, ends)
    reference = np.where(ignored, np.inf, in_pixels)
    return [
        GeodesicRow(
            dataset=run.config.data.dataset,
            name=run.config.name,
            seed=run.seed,
            kind=kind,
            overlap=agreement_with(reference, np.where(ignored, np.inf, distances[kind]), k).tolist(),
            purity=None if purities is None else purities[kind].tolist(),
            evenness=ways[kind].evenness.tolist(),
            length=ways[kind].lengths.tolist(),
        )
        for kind in KINDS
    ]


def _mean_context(run: Run, geometry: LatentGeometry) -> CellContext:
    """The decoder of the centre cell of the mean lattice."""
    lattice = geometry.sample.lattices.mean(dim=0)
    centre = lattice.shape[1] // 2, lattice.shape[2] // 2
    return cell_in_context(run.autoencoder("vae").decode, lattice, centre, geometry.sample.subspace)


@torch.no_grad()
def _decoded(context: CellContext, points: FloatArray) -> FloatArray:
    parts = torch.split(torch.from_numpy(points), _PATCHES_AT_ONCE)
    pictures: FloatArray = torch.cat([context(part).flatten(start_dim=1) for part in parts]).numpy()
    return pictures


def _distances(geometry: LatentGeometry, queries: IntArray) -> dict[str, DoubleArray]:
    points, metrics = geometry.sample.landmarks.numpy(), geometry.metrics.numpy()
    metric = PullbackMetric(metrics)
    everyone = np.arange(len(points))
    local = [metric.edge_lengths(points, np.full_like(everyone, query), everyone) for query in queries]
    return {
        "euclidean": cdist(points[queries], points),
        "local": np.stack(local).astype(np.float64),
        "geodesic": geodesic_distances(pullback_graph(geometry), queries).astype(np.float64),
    }


def _purities(
    run: Run,
    geometry: LatentGeometry,
    distances: Mapping[str, DoubleArray],
    queries: IntArray,
    ignored: Bool[NDArray[np.bool_], "q n"],
    k: int,
) -> dict[str, DoubleArray] | None:
    """Of the neighbours from other images; None where the run's images are not on this machine."""
    try:
        images = experiment_images(run.config, "train")
    except (ConfigError, DataError):
        return None
    sample = geometry.sample
    labels = images.labels[images_of_geometry(run.config, len(images), sample)].numpy()
    owners = sample.landmark_indices.numpy() // (sample.lattices.shape[2] * sample.lattices.shape[3])
    classes, elsewhere = labels[owners], ignored | (owners[queries][:, None] == owners[None])
    return {
        kind: label_purity(np.where(elsewhere, np.inf, rows), classes[queries], classes, k)
        for kind, rows in distances.items()
    }
