"""Tokenizers made of landmarks: k-medoids over graph distances, encoding by the nearest landmarks' own metrics.

A cell y joins the graph at the landmark l that makes sqrt((y - l)^T G_l (y - l)) + distance(l, medoid of l) least,
among its nearest landmarks; its code is that landmark's. With G = I and Euclidean edges the same rule is the Euclidean
tokenizer, so the two differ in the metric and in nothing else. Storage is O(N), and encoding needs no derivative.
"""

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from scipy.spatial import cKDTree
from torch import Tensor

from geovq.artifacts import write_safetensors
from geovq.geometry import ActiveSubspace
from geovq.lattice import cells_of
from geovq.tokenization.base import FORMAT, KIND, look_up, require_encodable

_CELLS_PER_CHUNK = 32_768


@dataclass(frozen=True)
class LandmarkTokenizer:
    """Codes are landmarks; every landmark knows its code and its distance to it.

    Attributes
    ----------
    method : str
        "euclidean" or "riemannian".
    codebook : Tensor of shape (K, D)
        Latent vectors of the medoids.
    subspace : ActiveSubspace
    landmarks : Tensor of shape (N, A)
        In the active subspace.
    metrics : Tensor of shape (N, A, A)
        Metric tensor at each landmark.
    label : Tensor of shape (N,)
        Code of each landmark.
    distance_to_medoid : Tensor of shape (N,)
        Graph distance of each landmark to its medoid, in the unit of the metric.
    medoid_indices : Tensor of shape (K,)
        Medoids among the landmarks.
    n_candidates : int
        Nearest landmarks that compete for a cell.
    cost_history : Tensor of shape (n_steps,)
        Mean squared distance to the medoid at the start and after every pass of k-medoids.
    medoid_history : Tensor of shape (n_steps, K)
        Medoids at the start and after every pass.
    """

    ENCODING: ClassVar[str] = "landmarks"
    method: str
    codebook: Float[Tensor, "k d"]
    subspace: ActiveSubspace
    landmarks: Float[Tensor, "n a"]
    metrics: Float[Tensor, "n a a"]
    label: Int64[Tensor, " n"]
    distance_to_medoid: Float[Tensor, " n"]
    medoid_indices: Int64[Tensor, " k"]
    n_candidates: int
    cost_history: Float[Tensor, " steps"] = field(repr=False)
    medoid_history: Int64[Tensor, "steps k"] = field(repr=False)

    @property
    def n_codes(self) -> int:
        """Number K of codes."""
        return len(self.codebook)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.landmarks.numpy())

    def encode(self, lattices: Float[Tensor, "n d h w"]) -> Int64[Tensor, "n h w"]:
        """Token of every cell, (n, D, H, W) -> (n, H, W)."""
        require_encodable(lattices, self.codebook.shape[1])
        points = self.subspace.project(cells_of(lattices).cpu().float())
        tokens = [self._encode_points(chunk) for chunk in torch.split(points, _CELLS_PER_CHUNK)]
        return torch.cat(tokens).reshape(len(lattices), *lattices.shape[2:]).to(lattices.device)

    def _encode_points(self, points: Float[Tensor, "m a"]) -> Int64[Tensor, " m"]:
        n_candidates = min(self.n_candidates, len(self.landmarks))
        _, found = self._tree.query(points.numpy(), k=np.arange(1, n_candidates + 1), workers=-1)
        candidates = torch.from_numpy(found)  # (m, C)
        steps = points[:, None] - self.landmarks[candidates]  # (m, C, A)
        squared = torch.einsum("mca,mcab,mcb->mc", steps, self.metrics[candidates], steps)
        through = squared.clamp_min(0).sqrt() + self.distance_to_medoid[candidates]
        best = through.argmin(dim=1, keepdim=True)
        return self.label[candidates.gather(1, best).squeeze(1)]

    def decode(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n d h w"]:
        """Lattices of codes, (n, H, W) -> (n, D, H, W)."""
        return look_up(self.codebook, tokens)

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""
        tensors = {f.name: value for f in fields(self) if isinstance(value := getattr(self, f.name), Tensor)}
        tensors |= {f"subspace.{f.name}": getattr(self.subspace, f.name) for f in fields(self.subspace)}
        metadata = {"encoding": self.ENCODING, "method": self.method, "n_candidates": self.n_candidates}
        write_safetensors(path, tensors, kind=KIND, format=FORMAT, metadata=metadata)
