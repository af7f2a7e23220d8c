"""Tokenizers made of landmarks: k-medoids over graph distances, encoding by the nearest landmarks' own metrics.

A cell y joins the graph at the landmark l that makes sqrt((y - l)^T G_l (y - l)) + distance(l, medoid of l) least,
among its nearest landmarks; its code is that landmark's. With G = I and Euclidean edges the same rule is the Euclidean
tokenizer. Storage is O(N), and encoding needs no derivative.

The local quadratic rule is the other way to encode with the same codebook: the code c that makes (y - c)^T G (y - c)
least, G the metric of the nearest landmark. It leaves the paths of the graph out, and errs less in the picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.artifacts import write_safetensors
from geovq.geometry import ActiveSubspace
from geovq.geometry.metric.stored_subspace import require_finite_subspace, subspace_axes
from geovq.stored_axes import require_axes, require_finite_floats, require_indices
from geovq.tokenization.base import FORMAT, KIND, CodebookTokenizer, Encoding, encode_cells
from geovq.tokenization.given import GivenLattices
from geovq.tokenization.landmark_rule import LandmarkRule, landmark_codes
from geovq.tokenization.local_rule import LocalRule, local_codes
from geovq.tokenization.stored_fields import restored_fields, stored_tensors


@dataclass(frozen=True)
class LandmarkTokenizer(CodebookTokenizer):
    """Codes are landmarks; for every landmark its code is stored, and its distance to that code.

    Attributes
    ----------
    method : str
        Name of the tokenizer, such as "euclidean" or "riemannian".
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
    assign : "landmark" or "local"
        Rule that gives a cell its code.
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
    assign: Literal["landmark", "local"] = "landmark"

    def encode_with_margin(self, lattices: GivenLattices) -> Encoding:
        """Tokens, and how much longer the way to the best candidate of another code is.

        By the local rule, how much larger the error with the next code is: then it is in squared units of the metric.
        """
        if self.assign == "local":
            free = torch.zeros(self.n_codes)
            local = LocalRule(self.subspace, self.landmarks, self.metrics, self.codebook, free)
            return encode_cells(lattices, self.codebook.shape[1], lambda cells: local_codes(cells, local))
        rule = LandmarkRule(
            self.subspace, self.landmarks, self.metrics, self.distance_to_medoid, self.label, self.n_candidates
        )
        return encode_cells(lattices, self.codebook.shape[1], lambda cells: landmark_codes(cells, rule))

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""
        metadata: dict[str, Any] = {
            "encoding": self.ENCODING,
            "method": self.method,
            "n_candidates": self.n_candidates,
        }
        if self.assign != "landmark":  # files of an earlier version do not say
            metadata["assign"] = self.assign
        write_safetensors(path, stored_tensors(self), kind=KIND, format=FORMAT, metadata=metadata)

    @classmethod
    def from_file(cls, tensors: dict[str, Tensor], metadata: Mapping[str, Any]) -> Self:
        """Tokenizer of what `save` wrote."""
        _require_sound(tensors)
        return cls(
            method=metadata["method"],
            n_candidates=metadata["n_candidates"],
            assign=metadata.get("assign", "landmark"),
            **restored_fields(tensors),
        )


def _require_sound(tensors: Mapping[str, Tensor]) -> None:
    """Raise unless the arrays of a tokenizer fit each other: its kernel does not check an index."""
    axes = {
        "codebook": "K D",
        **subspace_axes(tensors),
        "landmarks": "N A",
        "metrics": "N A A",
        "label": "N",
        "distance_to_medoid": "N",
        "medoid_indices": "K",
        "cost_history": "S",
        "medoid_history": "S K",
    }
    sizes = require_axes(tensors, axes)
    require_indices(tensors, {"label": sizes["K"], "medoid_indices": sizes["N"], "medoid_history": sizes["N"]})
    require_finite_subspace(tensors)
    require_finite_floats(tensors, ["codebook", "landmarks", "metrics", "distance_to_medoid"])
