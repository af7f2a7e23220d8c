"""Metric-weighted Lloyd on up to a million points, against scikit-learn's k-means, and encoding by the local rule."""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from sklearn.cluster import KMeans

from geovq.arrays import FloatArray
from geovq.artifacts import write_json
from geovq.benchmarks.geometry import SHIPPED_RUN, training_lattices
from geovq.benchmarks.timing import machine
from geovq.codebook import WeightedResult, weighted_lloyd
from geovq.geometry import LatentGeometry
from geovq.geometry.latent_geometry import context_average
from geovq.lattice import cells_of
from geovq.runs import open_run
from geovq.runs.layout import SHIPPED_ROOT
from geovq.tokenization.local_rule import LocalRule, local_codes

Result = TypeVar("Result")
_SIZES = (5_000, 1_000_000)  # what is left out if there are too few images
_COMPARED_WITH_KMEANS = 5_000  # points
_CONTEXT = 32


@dataclass(frozen=True)
class Timed:
    """One piece of work, once: by the clock, and by the time that all cores spent on it."""

    work: str
    wall_s: float
    cpu_s: float

    def line(self) -> str:
        """One row of the report."""
        return f"{self.work}: {self.wall_s:.2f} s, of which the cores worked {self.cpu_s:.2f} s"


def bench_weighted(*, n_codes: int, bit_price: float, seeds: int, out: Path | None) -> None:
    """Print seconds of fits and of encoding, then cost ratios to k-means over seeds; `out` gets them as JSON."""
    run = open_run(SHIPPED_ROOT / SHIPPED_RUN)
    geometry, subspace = run.geometry(), run.geometry().sample.subspace
    cells = cells_of(training_lattices(run.autoencoder("riemannian")))
    points: FloatArray = subspace.project(cells).numpy()
    print(f"{machine()}\n{len(points):,} cells of images that the shipped VAE encoded, A = {points.shape[1]}")
    weighted_lloyd(points[:5_000], _metrics_at(geometry, points[:5_000]), 4, bit_price=1)  # compiles the kernels
    timed = []
    for size in (size for size in _SIZES if size <= len(points)):
        found, fit = _fit(geometry, points, size, n_codes, bit_price)
        timed.append(fit)
        print(f"{fit.line()}; {found.n_used} codes are used")
    prices = torch.from_numpy(-found.price_per_bit * found.log2_frequencies).float()
    codebook = subspace.lift(torch.from_numpy(found.codebook))
    rule = LocalRule(subspace, geometry.sample.landmarks, geometry.metrics, codebook, prices)
    local_codes(cells[:5_000], rule)
    _, encoding = _timed(f"encoding of {len(cells):,} cells, K = {n_codes}", lambda: local_codes(cells, rule))
    timed.append(encoding)
    print(encoding.line())
    ratios = [_cost_ratio(points, n_codes, seed) for seed in range(seeds)]
    print(
        f"cost against scikit-learn's k-means, G = I, price 0, N = {_COMPARED_WITH_KMEANS:,}, K = {n_codes}, {seeds} "
        f"seeds: median {statistics.median(ratios):.3f}× ({min(ratios):.3f}–{max(ratios):.3f})"
    )
    if out is not None:
        write_json(out, {"machine": machine(), "timed": [asdict(row) for row in timed], "cost_ratios": ratios})
        print(f"\nWritten to {out}.")


def _fit(
    geometry: LatentGeometry, points: FloatArray, size: int, n_codes: int, bit_price: float
) -> tuple[WeightedResult, Timed]:
    """From random points and their metrics to a codebook; the metrics are not part of the time."""
    chosen = points[np.random.default_rng(0).choice(len(points), size, replace=False)]
    metrics = _metrics_at(geometry, chosen)
    return _timed(
        f"fit, N = {size:,}, K = {n_codes}, bit price {bit_price:g}",
        lambda: weighted_lloyd(chosen, metrics, n_codes, bit_price=bit_price),
    )


def _metrics_at(geometry: LatentGeometry, points: FloatArray) -> FloatArray:
    measured = geometry.sample.subspace.project(geometry.sample.cells).numpy()
    return context_average(geometry.cell_metrics.numpy(), measured, points, _CONTEXT)


def _cost_ratio(points: FloatArray, n_codes: int, seed: int) -> float:
    """Mean squared error of the best of three starts, ours over scikit-learn's."""
    chosen = points[np.random.default_rng(seed).choice(len(points), _COMPARED_WITH_KMEANS, replace=False)]
    identity = np.eye(points.shape[1], dtype=np.float32)[None]
    which = np.zeros(len(chosen), dtype=np.int64)
    found = weighted_lloyd(chosen, identity, n_codes, metric_of_point=which, seed=seed)
    usual = KMeans(n_codes, n_init=3, random_state=seed).fit(chosen)
    return found.error / (float(usual.inertia_) / len(chosen))


def _timed(work: str, do: Callable[[], Result]) -> tuple[Result, Timed]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = do()
    return result, Timed(work, time.perf_counter() - wall, time.process_time() - cpu)
