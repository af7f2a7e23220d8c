"""Codes of cells by the landmark rule, for all cells of many images, exactly.

A cell y takes the code of the landmark l that makes sqrt((y - l)^T G_l (y - l)) + distance(l, medoid of l) least among
its nearest landmarks. Sums are float32 in one fixed order and equal distances are ordered by landmark, so a code
depends on its cell alone: not on the batch, the number of threads or the device.
"""

import functools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from geovq.arrays import IntArray
from geovq.geometry import ActiveSubspace
from geovq.tokenization.landmark_rule_kernel import codes_of_points, project_cells

_CELLS_PER_TASK = 2_048  # at least
_TASKS_PER_THREAD = 4  # evens out the work between threads
_DISTANCES_PER_CHUNK = 1 << 25  # where all distances are computed; a sorting key takes 8 bytes

Codes = tuple[Int64[Tensor, " m"], Float32[Tensor, " m"]]


class LandmarkRule(NamedTuple):
    """What the code of a cell follows from.

    Attributes
    ----------
    subspace : ActiveSubspace
        In which cells are compared with landmarks.
    landmarks : Tensor of shape (N, A)
    metrics : Tensor of shape (N, A, A)
    distance_to_medoid : Tensor of shape (N,)
        In the unit of the metric.
    label : Tensor of shape (N,)
        Code of each landmark.
    n_candidates : int
        Nearest landmarks that compete for a cell; all of them if there are fewer.
    """

    subspace: ActiveSubspace
    landmarks: Float32[Tensor, "n a"]
    metrics: Float32[Tensor, "n a a"]
    distance_to_medoid: Float32[Tensor, " n"]
    label: Int64[Tensor, " n"]
    n_candidates: int


def landmark_codes(cells: Float32[Tensor, "m d"], rule: LandmarkRule) -> Codes:
    """Code and margin of every cell, computed where the cells are.

    Parameters
    ----------
    cells : Tensor of shape (m, D)
        Finite latents.
    rule : LandmarkRule

    Returns
    -------
    codes : Tensor of shape (m,)
    margins : Tensor of shape (m,)
        How much longer the way to the best candidate of another code is, in the unit of the metric; infinite if all
        candidates carry one code.
    """
    if cells.is_cuda:
        return codes_by_all_distances(cells, rule)
    codes, margins = codes_by_boxes(cells.cpu(), rule)
    return codes.to(cells.device), margins.to(cells.device)


def codes_by_all_distances(cells: Float32[Tensor, "m d"], rule: LandmarkRule) -> Codes:
    """`landmark_codes` from the distance of every cell to every landmark; for GPUs."""
    chunks = torch.split(cells, max(1, _DISTANCES_PER_CHUNK // len(rule.landmarks)))
    codes, margins = zip(*(_codes_of_chunk(chunk, rule) for chunk in chunks), strict=True)
    return torch.cat(codes), torch.cat(margins)


def _codes_of_chunk(cells: Tensor, rule: LandmarkRule) -> Codes:
    landmarks, metrics = rule.landmarks.to(cells.device), rule.metrics.to(cells.device)
    to_medoid, label = rule.distance_to_medoid.to(cells.device), rule.label.to(cells.device)
    axes = range(landmarks.shape[1])
    points = project(cells, rule.subspace)
    squared = _sum(torch.square(points[:, None, a] - landmarks[:, a]) for a in axes)  # (m, N)
    # The bits of floats that are not negative are ordered like the floats; below them, the landmark decides.
    keys = (squared.view(torch.int32).long() << 32) | torch.arange(len(landmarks), device=cells.device)
    nearest = keys.topk(min(rule.n_candidates, len(landmarks)), largest=False).indices.sort(dim=1).values  # (m, C)
    steps, tensors = points[:, None] - landmarks[nearest], metrics[nearest]  # (m, C, A), (m, C, A, A)
    squared = _sum(_sum(tensors[..., a, b] * steps[..., b] for b in axes) * steps[..., a] for a in axes)
    # Through float64, because torch rounds square roots of float32 in either direction on some CPUs.
    ways = squared.clamp_min(0).double().sqrt().float() + to_medoid[nearest]
    best = ways.argmin(dim=1, keepdim=True)
    codes = label[nearest].gather(1, best)
    other = ways.masked_fill(label[nearest] == codes, torch.inf).amin(dim=1)
    return codes.squeeze(1), other - ways.gather(1, best).squeeze(1)


def project(cells: Float32[Tensor, "m d"], subspace: ActiveSubspace) -> Float32[Tensor, "m a"]:
    """Coordinates in the active subspace, (m, D) -> (m, A), that depend on each cell alone."""
    # Channel by channel: a matrix product adds up in an order that depends on how many rows there are.
    channels = (cells - subspace.mean.to(cells)).unbind(dim=1)
    return _sum(channel[:, None] * row for channel, row in zip(channels, subspace.projection.to(cells), strict=True))


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return functools.reduce(torch.add, terms)


def codes_by_boxes(cells: Float32[Tensor, "m d"], rule: LandmarkRule) -> Codes:
    """`landmark_codes` by the kernel, on as many threads as torch uses; for CPUs."""
    subspace, n_cells = rule.subspace, len(cells)
    mean, latents = subspace.mean.numpy(), cells.contiguous().numpy()
    projection = subspace.projection.contiguous().numpy()
    landmarks, metrics = rule.landmarks.contiguous().numpy(), rule.metrics.contiguous().numpy()
    to_medoid, label = rule.distance_to_medoid.contiguous().numpy(), rule.label.contiguous().numpy()
    axes, n_nearest = tuple(range(subspace.n_active)), min(rule.n_candidates, len(landmarks))
    points = np.empty((n_cells, subspace.n_active), dtype=np.float32)
    codes, margins = np.empty(n_cells, dtype=np.int64), np.empty(n_cells, dtype=np.float32)

    n_threads = torch.get_num_threads()
    n_tasks = max(1, min(n_cells // _CELLS_PER_TASK, n_threads * _TASKS_PER_THREAD))

    def project(task: int) -> list[IntArray]:
        """Project a part of the cells and sort it, roughly, along the strongest direction."""
        begin, end = task * n_cells // n_tasks, (task + 1) * n_cells // n_tasks
        project_cells(latents[begin:end], mean, projection, points[begin:end])
        cuts = np.arange(1, n_tasks) * (end - begin) // n_tasks
        return np.split(begin + np.argpartition(points[begin:end, 0], cuts), cuts)

    def encode(parts: tuple[IntArray, ...]) -> None:
        rows = np.concatenate(parts)
        found = codes_of_points(axes, points[rows], landmarks, metrics, to_medoid, label, n_nearest)
        codes[rows], margins[rows] = found

    with ThreadPoolExecutor(n_threads) as pool:  # the kernels let go of the interpreter
        sorted_parts = list(pool.map(project, range(n_tasks)))
        # Neighbours in the strongest direction share a task, because neighbours share candidates.
        list(pool.map(encode, zip(*sorted_parts, strict=True)))
    return torch.from_numpy(codes), torch.from_numpy(margins)
