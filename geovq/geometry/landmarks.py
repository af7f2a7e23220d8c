"""The sample of latent space that all tokenizers of one experiment share.

Cells come from lattices chosen over the whole training split; landmarks are drawn uniformly among them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.config import GeometryConfig
from geovq.errors import InvalidValueError
from geovq.geometry.graph.neighbour_graph import NeighbourGraph, neighbour_graph
from geovq.geometry.metric.subspace import ActiveSubspace, active_subspace, require_latents
from geovq.lattice import cells_of
from geovq.randomness import make_generator


@dataclass(frozen=True)
class LandmarkSample:
    """Cells, landmarks and the graph between landmarks.

    Attributes
    ----------
    lattices : Tensor of shape (n, D, H, W)
        The sampled lattices.
    subspace : ActiveSubspace
    landmark_indices : Tensor of shape (N,)
        Landmarks among the n * H * W cells, in the order of `geovq.lattice.cells_of`; sorted.
    graph : NeighbourGraph
        Over the landmarks.
    """

    lattices: Float[Tensor, "n d h w"]
    subspace: ActiveSubspace
    landmark_indices: Int64[Tensor, " landmarks"]
    graph: NeighbourGraph

    @property
    def cells(self) -> Float[Tensor, "cells d"]:
        """Latent vectors of all sampled cells."""
        return cells_of(self.lattices)

    @property
    def landmark_latents(self) -> Float[Tensor, "landmarks d"]:
        """Latent vectors of the landmarks."""
        return self.cells[self.landmark_indices]

    @property
    def landmarks(self) -> Float[Tensor, "landmarks a"]:
        """Landmarks in the active subspace."""
        return self.subspace.project(self.landmark_latents)

    @property
    def n_duplicates(self) -> int:
        """Landmarks that lie exactly on another one; empty corners of images are such cells. Nothing is wrong then."""
        return len(self.landmark_indices) - len(np.unique(self.landmark_latents.numpy(), axis=0))


def sample_landmarks(lattices: Float[Tensor, "n d h w"], config: GeometryConfig, *, seed: int) -> LandmarkSample:
    """Choose lattices and landmarks, find the active subspace and build the neighbour graph.

    Parameters
    ----------
    lattices : Tensor of shape (n, D, H, W)
        Posterior means of the training split, or of any part of it; at most `config.n_images` of them are used.
    config : GeometryConfig
    seed : int

    Raises
    ------
    ShapeError
        If lattices do not have four axes.
    NonFiniteError
        If lattices contain NaN or infinity.
    InvalidValueError
        If there are fewer cells than landmarks, lattices are not float32 or float64, or the cells do not vary.
    """
    require_latents(lattices)
    n_images = min(config.n_images, len(lattices))
    chosen = torch.randperm(len(lattices), generator=make_generator(seed, "geometry.images"))[:n_images].sort().values
    sampled = lattices[chosen.to(lattices.device)].detach().float().cpu()
    cells = cells_of(sampled)
    if config.n_landmarks > len(cells):
        raise InvalidValueError(
            f"n_landmarks must be at most {len(cells)}, the cells of {n_images} lattices; got {config.n_landmarks}. "
            "Give more lattices or lower n_landmarks."
        )
    subspace = active_subspace(cells, config.residual_variance)
    order = torch.randperm(len(cells), generator=make_generator(seed, "geometry.landmarks"))
    landmark_indices = order[: config.n_landmarks].sort().values
    graph = neighbour_graph(subspace.project(cells[landmark_indices]).numpy(), config.n_neighbors)
    return LandmarkSample(sampled, subspace, landmark_indices, graph)
