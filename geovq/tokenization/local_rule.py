"""Codes of cells by the local quadratic rule: the cheapest code under the metric of the nearest landmark.

A cell y takes the code c that makes (y - c)^T G (y - c) plus the price of naming c least, G the metric of the landmark
that is nearest to y. It needs no derivative, and all codes compete. Sums are float32 in one fixed order, so a code
depends on its cell alone: not on the batch, the number of threads or the device.

Source: Gardner, Rao (1995), "Theoretical analysis of the high-rate vector quantization of LPC parameters".
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from geovq.codebook.weighted_kernel import cheapest_codes
from geovq.geometry import ActiveSubspace
from geovq.tokenization.landmark_rule import Codes, LandmarkRule, landmark_codes, project
from geovq.tokenization.landmark_rule_kernel import project_cells

_CELLS_PER_TASK = 8_192
_COSTS_PER_CHUNK = 1 << 25  # on a GPU, where all costs of a chunk are held at once


class LocalRule(NamedTuple):
    """What the code of a cell follows from.

    Attributes
    ----------
    subspace : ActiveSubspace
    landmarks : Tensor of shape (N, A)
    metrics : Tensor of shape (N, A, A)
        Metric at each landmark; symmetric and positive semidefinite.
    codebook : Tensor of shape (K, D)
    prices : Tensor of shape (K,)
        Of naming each code, in squared units of the metric; infinite for a code that must not be taken.
    """

    subspace: ActiveSubspace
    landmarks: Float32[Tensor, "n a"]
    metrics: Float32[Tensor, "n a a"]
    codebook: Float32[Tensor, "k d"]
    prices: Float32[Tensor, " k"]


def local_codes(cells: Float32[Tensor, "m d"], rule: LocalRule) -> Codes:
    """Code and margin of every cell, computed where the cells are; of equally cheap codes the first.

    Parameters
    ----------
    cells : Tensor of shape (m, D)
        Finite latents.
    rule : LocalRule

    Returns
    -------
    codes : Tensor of shape (m,)
    margins : Tensor of shape (m,)
        How much more the next code costs, in squared units of the metric; infinite if no other may be taken.
    """
    nearest = nearest_landmarks(cells, rule.subspace, rule.landmarks)
    if cells.is_cuda:
        return codes_by_all_costs(cells, nearest, rule)
    codes, margins = codes_by_kernel(cells.cpu(), nearest.cpu(), rule)
    return codes.to(cells.device), margins.to(cells.device)


def nearest_landmarks(
    cells: Float32[Tensor, "m d"], subspace: ActiveSubspace, landmarks: Float32[Tensor, "n a"]
) -> Int64[Tensor, " m"]:
    """Index of the landmark nearest to every cell in the active subspace, (m, D) -> (m,); of equals the first."""
    n_landmarks, n_axes = landmarks.shape
    unmeasured = torch.zeros(n_landmarks, n_axes, n_axes)  # with one candidate, the way to it decides nothing
    itself = torch.arange(n_landmarks)
    rule = LandmarkRule(subspace, landmarks, unmeasured, torch.zeros(n_landmarks), itself, n_candidates=1)
    return landmark_codes(cells, rule)[0]


def codes_by_kernel(cells: Float32[Tensor, "m d"], nearest: Int64[Tensor, " m"], rule: LocalRule) -> Codes:
    """`local_codes` on as many threads as torch uses; for CPUs."""
    n_cells, subspace = len(cells), rule.subspace
    mean, latents = subspace.mean.numpy(), cells.contiguous().numpy()
    projection = subspace.projection.contiguous().numpy()
    by_axis = project(rule.codebook, subspace).T.contiguous().numpy()
    metrics, prices, which = rule.metrics.contiguous().numpy(), rule.prices.contiguous().numpy(), nearest.numpy()
    codes = np.empty(n_cells, dtype=np.int64)
    costs, margins = np.empty((2, n_cells), dtype=np.float32)

    def encode(task: slice) -> None:
        points = np.empty((len(latents[task]), subspace.n_active), dtype=np.float32)
        project_cells(latents[task], mean, projection, points)
        cheapest_codes(points, metrics, which[task], by_axis, prices, codes[task], costs[task], margins[task])

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # the kernel lets go of the interpreter
        list(pool.map(encode, (slice(start, start + _CELLS_PER_TASK) for start in range(0, n_cells, _CELLS_PER_TASK))))
    return torch.from_numpy(codes), torch.from_numpy(margins)


def codes_by_all_costs(cells: Float32[Tensor, "m d"], nearest: Int64[Tensor, " m"], rule: LocalRule) -> Codes:
    """`local_codes` from a matrix of the costs of all codes; for GPUs."""
    size = max(1, _COSTS_PER_CHUNK // len(rule.codebook))
    chunks = zip(torch.split(cells, size), torch.split(nearest, size), strict=True)
    codes, margins = zip(*(_codes_of_chunk(chunk, near, rule) for chunk, near in chunks), strict=True)
    return torch.cat(codes), torch.cat(margins)


def _codes_of_chunk(cells: Tensor, nearest: Tensor, rule: LocalRule) -> Codes:
    points, places = project(cells, rule.subspace), project(rule.codebook.to(cells), rule.subspace)  # (m, A), (K, A)
    metrics = rule.metrics.to(cells)[nearest]  # (m, A, A)
    steps: list[Tensor] = []
    total = torch.zeros(len(points), len(places), device=cells.device)
    for a in range(points.shape[1]):  # in the order of the kernel
        steps.append(points[:, a, None] - places[:, a])
        row = metrics[:, a, a, None] * steps[a]
        for b in range(a):
            row = row + (metrics[:, a, b] + metrics[:, b, a])[:, None] * steps[b]
        total = total + row * steps[a]
    costs = total.clamp_min(0) + rule.prices.to(cells)
    least = costs.amin(dim=1, keepdim=True)
    order = torch.arange(len(places), device=cells.device)
    codes = torch.where(costs == least, order, len(places)).amin(dim=1, keepdim=True)  # argmin leaves ties open
    following = costs.scatter(1, codes, torch.inf).amin(dim=1, keepdim=True)
    return codes.squeeze(1), (following - least).squeeze(1)
