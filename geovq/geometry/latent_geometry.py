"""A landmark sample together with the decoder's metric at its cells and landmarks, and the file that keeps both.

The metric tensor of a landmark is averaged over its nearest cells, because a cell that is encoded later sits in another
context. Without this average the geodesic tokenizer is worse than the Euclidean one.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn import functional as F

from geovq.arrays import FloatArray, IntArray
from geovq.artifacts import read_safetensors, write_safetensors
from geovq.chunks import available_device, in_chunks
from geovq.config import GeometryConfig
from geovq.errors import ArtifactError, InvalidValueError, ShapeError
from geovq.geometry.graph.neighbour_graph import NeighbourGraph
from geovq.geometry.landmarks import LandmarkSample
from geovq.geometry.metric.colouring import ColouringSummary
from geovq.geometry.metric.field import measure_field
from geovq.geometry.metric.footprint import Decode
from geovq.geometry.metric.stored_subspace import (
    require_finite_subspace,
    restored_subspace,
    subspace_axes,
    subspace_tensors,
)
from geovq.progress import Progress
from geovq.stored_axes import require_axes, require_finite_floats, require_indices

KIND, FORMAT = "geometry", 1
_NEIGHBOURS_PER_CHUNK = 2**21  # bounds the indices and distances that a tree query returns: 32 MiB
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
    colouring : ColouringSummary, optional
        Which cells shared Jacobian-vector products; None where a file does not say.
    """

    sample: LandmarkSample
    cell_metrics: Float[Tensor, "cells a a"]
    metrics: Float[Tensor, "landmarks a a"]
    colouring: ColouringSummary | None = None

    @property
    def log10_magnification(self) -> Float[Tensor, " landmarks"]:
        """log10 sqrt(det G) at every landmark: how much the decoder enlarges a small volume of latent space."""
        log_det: Tensor = torch.linalg.slogdet(self.metrics.double()).logabsdet
        return log_det.float() / (2 * math.log(10))

    def save(self, path: str | Path) -> None:
        """Write to a file that `load_geometry` reads."""
        sample, graph = self.sample, self.sample.graph
        tensors = {
            "lattices": sample.lattices,
            "landmark_indices": sample.landmark_indices,
            "cell_metrics": self.cell_metrics,
            "metrics": self.metrics,
            **subspace_tensors(sample.subspace),
            "graph.tails": torch.from_numpy(graph.tails),
            "graph.heads": torch.from_numpy(graph.heads),
        }
        if sample.image_indices is not None:
            tensors["image_indices"] = sample.image_indices
        metadata: dict[str, Any] = {
            "n_components": graph.n_components,
            "n_joining_edges": graph.n_joining_edges,
            "colouring": self.colouring and asdict(self.colouring),
        }
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
    field = measure_field(
        decoder,
        sample.lattices.to(available_device(device)),
        sample.subspace.basis,
        output_geometry=config.output_geometry,
        progress=progress,
    )
    cell_metrics = field.tensors.flatten(end_dim=2).cpu()
    cells = sample.subspace.project(sample.cells).numpy()
    averaged = context_average(
        cell_metrics.numpy(), cells, sample.landmarks.numpy(), config.n_context, progress=progress
    )
    return LatentGeometry(sample, cell_metrics, torch.from_numpy(averaged), field.colouring)


def context_average(
    cell_metrics: Float32[FloatArray, "cells a a"],
    cells: Float32[FloatArray, "cells a"],
    points: Float32[FloatArray, "points a"],
    n_context: int,
    *,
    progress: Progress | None = None,
) -> Float32[FloatArray, "points a a"]:
    """Mean metric of the `n_context` cells nearest to each point.

    Parameters
    ----------
    cell_metrics : array of shape (n, A, A)
    cells : array of shape (n, A)
    points : array of shape (N, A)
    n_context : int
        At least 1; if there are fewer cells, all of them count. Among cells at the same distance the choice is
        arbitrary, but the same every time.
    progress : Progress, optional
        Told about every chunk of points. Memory beyond arguments and result is O(n + N).
    """
    if n_context < 1:
        raise InvalidValueError(f"n_context must be at least 1 cell; got {n_context}.")
    if cell_metrics.shape != (len(cells), cells.shape[1], cells.shape[1]) or points.shape[1] != cells.shape[1]:
        raise ShapeError(
            f"cell_metrics must be (n, A, A) for cells (n, A) and points (N, A); "
            f"got {cell_metrics.shape} for {cells.shape} and {points.shape}."
        )
    n_nearest = min(n_context, len(cells))
    tree, flat = cKDTree(cells), torch.from_numpy(cell_metrics).flatten(start_dim=1)
    order = _tree_order(points)
    ordered = points[order]
    is_other = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))  # than the point before it
    distinct = ordered[is_other]

    def means(part: slice) -> Tensor:
        nearest = tree.query(distinct[part], k=n_nearest, workers=-1)[1].reshape(-1, n_nearest)
        return F.embedding_bag(torch.from_numpy(nearest), flat, mode="mean")  # gathers and averages in one pass

    size = max(1, _NEIGHBOURS_PER_CHUNK // n_nearest)
    chunks = in_chunks(means, len(distinct), size, phase="context average", unit="landmarks", progress=progress)
    averaged = np.empty((len(points), flat.shape[1]), dtype=np.float32)
    averaged[order] = torch.cat(list(chunks)).numpy()[np.cumsum(is_other) - 1]
    return averaged.reshape(len(points), *cell_metrics.shape[1:])


def _tree_order(points: FloatArray) -> IntArray:
    """Order with neighbours in space next to each other and duplicates side by side, so that queries hit the cache."""
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)  # the fastest to build; it is not searched
    return np.asarray(tree.indices, dtype=np.int64)


def load_geometry(path: str | Path) -> LatentGeometry:
    """Read what `LatentGeometry.save` wrote; `ArtifactError` if the file is missing, damaged or something else."""
    tensors, metadata = read_safetensors(path, KIND, FORMAT, remedy=_REMEDY)
    try:
        _require_sound(tensors)
        landmark_indices = tensors["landmark_indices"]
        graph = NeighbourGraph(
            len(landmark_indices),
            tensors["graph.tails"].numpy(),
            tensors["graph.heads"].numpy(),
            metadata["n_components"],
            metadata["n_joining_edges"],
        )
        # Files of an earlier version have neither the places of the images nor the colouring.
        sample = LandmarkSample(
            tensors["lattices"], restored_subspace(tensors), landmark_indices, graph, tensors.get("image_indices")
        )
        colouring = metadata.get("colouring")
        return LatentGeometry(
            sample, tensors["cell_metrics"], tensors["metrics"], colouring and ColouringSummary.from_json(colouring)
        )
    except KeyError as error:
        raise ArtifactError(f"{path} lacks {error}; {_REMEDY}.") from error
    except (ShapeError, InvalidValueError) as error:
        raise ArtifactError(f"{path} is damaged ({error}); {_REMEDY}.") from error


def _require_sound(tensors: Mapping[str, Tensor]) -> None:
    """Raise unless the arrays fit each other; kernels read them without looking."""
    axes = {
        "lattices": "n D H W",
        **subspace_axes(tensors),
        "landmark_indices": "N",
        "metrics": "N A A",
        "cell_metrics": "M A A",
        "graph.tails": "E",
        "graph.heads": "E",
    }
    sizes = require_axes(tensors, axes)
    n_cells = sizes["n"] * sizes["H"] * sizes["W"]
    if sizes["M"] != n_cells:
        raise ShapeError(f"cell_metrics must be of all {n_cells} cells; got {sizes['M']}")
    limits = {"landmark_indices": n_cells, "graph.tails": sizes["N"], "graph.heads": sizes["N"]}
    require_indices(tensors, limits)
    require_finite_subspace(tensors)
    require_finite_floats(tensors, ["lattices", "metrics", "cell_metrics"])
