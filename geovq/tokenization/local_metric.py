"""Tokenizers whose codes lie anywhere, encoded by the metric of the nearest landmark and a price of bits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from geovq.artifacts import write_safetensors
from geovq.errors import InvalidValueError
from geovq.geometry import ActiveSubspace
from geovq.geometry.metric.stored_subspace import require_finite_subspace, subspace_axes
from geovq.stored_axes import require_axes, require_finite_floats
from geovq.tokenization.base import FORMAT, KIND, CodebookTokenizer, Encoding, encode_cells
from geovq.tokenization.given import GivenLattices
from geovq.tokenization.local_rule import LocalRule, local_codes
from geovq.tokenization.stored_fields import restored_fields, stored_tensors


@dataclass(frozen=True)
class LocalMetricTokenizer(CodebookTokenizer):
    """Code of a cell = the cheapest one: its error under the nearest landmark's metric, and the bits that name it.

    Attributes
    ----------
    method : str
        "weighted" or "ecvq".
    codebook : Tensor of shape (K, D)
        Codes that no cell takes included.
    subspace : ActiveSubspace
    landmarks : Tensor of shape (N, A)
        In the active subspace.
    metrics : Tensor of shape (N, A, A)
        Metric tensor at each landmark.
    log2_frequencies : Tensor of shape (K,), float64
        log2 of the share of cells that took each code when the codebook was made; -inf for a code that none took.
    price_per_bit : float
        In squared units of the metric: squared pixel intensity, summed over the image, for "weighted", squared latent
        units for "ecvq".
    cost_history : Tensor of shape (n_steps,)
        Mean cost of a cell at the start and after every iteration of the search for the codebook.
    """

    ENCODING: ClassVar[str] = "local metric"
    method: str
    codebook: Float[Tensor, "k d"]
    subspace: ActiveSubspace
    landmarks: Float[Tensor, "n a"]
    metrics: Float[Tensor, "n a a"]
    log2_frequencies: Float64[Tensor, " k"]
    price_per_bit: float
    cost_history: Float[Tensor, " steps"] = field(repr=False)

    @property
    def prices(self) -> Float[Tensor, " k"]:
        """What naming each code costs: infinite for a code of no frequency, unless bits are free."""
        if self.price_per_bit == 0:
            return torch.zeros(self.n_codes)
        return (-self.price_per_bit * self.log2_frequencies).float()

    def encode_with_margin(self, lattices: GivenLattices) -> Encoding:
        """Tokens, and how much more the next code costs, in the unit of `price_per_bit`."""
        rule = LocalRule(self.subspace, self.landmarks, self.metrics, self.codebook, self.prices)
        return encode_cells(lattices, self.codebook.shape[1], lambda cells: local_codes(cells, rule))

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""
        metadata = {"encoding": self.ENCODING, "method": self.method, "price_per_bit": self.price_per_bit}
        write_safetensors(path, stored_tensors(self), kind=KIND, format=FORMAT, metadata=metadata)

    @classmethod
    def from_file(cls, tensors: dict[str, Tensor], metadata: Mapping[str, Any]) -> Self:
        """Tokenizer of what `save` wrote."""
        _require_sound(tensors)
        return cls(
            method=metadata["method"],
            price_per_bit=metadata["price_per_bit"],
            **restored_fields(tensors),
        )


def _require_sound(tensors: Mapping[str, Tensor]) -> None:
    """Raise unless the arrays of a tokenizer fit each other; its kernel does not check an index."""
    axes = {
        "codebook": "K D",
        **subspace_axes(tensors),
        "landmarks": "N A",
        "metrics": "N A A",
        "log2_frequencies": "K",
        "cost_history": "S",
    }
    require_axes(tensors, axes)
    require_finite_subspace(tensors)
    require_finite_floats(tensors, ["codebook", "landmarks", "metrics"])
    if not (tensors["log2_frequencies"] <= 0).all():
        raise InvalidValueError("log2_frequencies must be at most 0, logarithms of shares")
