"""A landmark sample together with the decoder's metric on it: all that codebooks, encoders and pictures need.

The metric tensor of a landmark is averaged over its nearest cells, because a cell that is encoded later sits in another
context. Without this average the geodesic tokenizer is worse than the Euclidean one.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.spatial import cKDTree
from torch import Tensor

from geovq.arrays import FloatArray
from geovq.artifacts import read_safetensors, write_safetensors
from geovq.config import GeometryConfig
from geovq.errors import ArtifactError
from geovq.geometry.footprint import Decode
from geovq.geometry.graph import NeighbourGraph
from geovq.geometry.landmarks import LandmarkSample
from geovq.geometry.metric_field import metric_tensors
from geovq.geometry.subspace import ActiveSubspace
from geovq.progress import Progress

KIND, FORMAT = "geometry", 1
_CELLS_PER_CHUNK = 4_096
_REMEDY = "make it again with `python -m geovq discretize`"


@dataclass(frozen=True)
class LatentGeometry:
    """Metric field on a sample of latent space.

    Attributes
    ----------
    sample : LandmarkSample
    cell_metrics : Tensor of shape (n * H * W, A, A)
        Metric of every sampled cell in its own lattice.
    metrics : Tensor of shape (N, A, A)
        Context-averaged metric at every landmark.
    """

    sample: LandmarkSample
    cell_metrics: Float[Tensor, "cells a a"]
    metrics: Float[Tensor, "landmarks a a"]

    @property
    def log10_magnification(self) -> Float[Tensor, " landmarks"]:
        """log10 sqrt(det G) at every landmark: how much the decoder enlarges a small volume of latent space."""
        log_det: Tensor = torch.linalg.slogdet(self.metrics.double()).logabsdet
        return log_det.float() / (2 * math.log(10))

    def save(self, path: str | Path) -> None:
        """Write to a file that `load_geometry` reads."""
        sample, subspace, graph = self.sample, self.sample.subspace, self.sample.graph
        tensors = {
            "lattices": sample.lattices,
            "landmark_indices": sample.landmark_indices,
            "cell_metrics": self.cell_metrics,
            "metrics": self.metrics,
            "subspace.mean": subspace.mean,
            "subspace.basis": subspace.basis,
            "subspace.variances": subspace.variances,
            "graph.tails": torch.from_numpy(graph.tails),
            "graph.heads": torch.from_numpy(graph.heads),
        }
        metadata = {"n_components": graph.n_components, "n_joining_edges": graph.n_joining_edges}
        write_safetensors(path, tensors, kind=KIND, format=FORMAT, metadata=metadata)


def measure_geometry(
    decoder: Decode,
    sample: LandmarkSample,
    config: GeometryConfig,
    *,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> LatentGeometry:
    """Pull the metric back to every sampled cell, and average it at the landmarks.

    Parameters
    ----------
    decoder : callable
        As for `metric_tensors`, on `device`.
    sample : LandmarkSample
    config : GeometryConfig
        `output_geometry` and `n_context` are used.
    device : str or torch.device, default="cpu"
        Where the decoder runs.
    progress : Progress, optional
    """
    tensors = metric_tensors(
        decoder,
        sample.lattices.to(device),
        sample.subspace.basis,
        output_geometry=config.output_geometry,
        progress=progress,
    )
    cell_metrics = tensors.flatten(end_dim=2).cpu()
    cells = sample.subspace.project(sample.cells).numpy()
    averaged = context_average(cell_metrics.numpy(), cells, sample.landmarks.numpy(), config.n_context)
    return LatentGeometry(sample, cell_metrics, torch.from_numpy(averaged))


def context_average(
    cell_metrics: Float32[FloatArray, "cells a a"],
    cells: Float32[FloatArray, "cells a"],
    points: Float32[FloatArray, "points a"],
    n_context: int,
) -> Float32[FloatArray, "points a a"]:
    """Mean metric of the `n_context` cells nearest to each point."""
    n_nearest = min(n_context, len(cells))
    _, nearest = cKDTree(cells).query(points, k=np.arange(1, n_nearest + 1), workers=-1)  # a list of k keeps the axis
    chunks = np.split(nearest, range(_CELLS_PER_CHUNK, len(points), _CELLS_PER_CHUNK))
    means = [cell_metrics[chunk].mean(axis=1, dtype=np.float64).astype(np.float32) for chunk in chunks]
    averaged: FloatArray = np.concatenate(means)
    return averaged


def load_geometry(path: str | Path) -> LatentGeometry:
    """Read what `LatentGeometry.save` wrote; `ArtifactError` if the file is missing, damaged or something else."""
    tensors, metadata = read_safetensors(path, KIND, FORMAT, remedy=_REMEDY)
    try:
        landmark_indices = tensors["landmark_indices"]
        graph = NeighbourGraph(
            len(landmark_indices),
            tensors["graph.tails"].numpy(),
            tensors["graph.heads"].numpy(),
            metadata["n_components"],
            metadata["n_joining_edges"],
        )
        subspace = ActiveSubspace(tensors["subspace.mean"], tensors["subspace.basis"], tensors["subspace.variances"])
        sample = LandmarkSample(tensors["lattices"], subspace, landmark_indices, graph)
        return LatentGeometry(sample, tensors["cell_metrics"], tensors["metrics"])
    except KeyError as error:
        raise ArtifactError(f"{path} lacks {error}; {_REMEDY}.") from error
