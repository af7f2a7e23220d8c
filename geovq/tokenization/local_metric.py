"""Tokenizers whose codes lie anywhere, encoded by the metric of the nearest landmark and a price of bits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from geovq.artifacts import write_safetensors
from geovq.errors import InvalidValueError
from geovq.geometry import ActiveSubspace
from geovq.stored_axes import require_axes, require_finite_floats
from geovq.tokenization.base import FORMAT, KIND, Encoding, encode_cells, look_up
from geovq.tokenization.local_rule import LocalRule, local_codes


@dataclass(frozen=True)
class LocalMetricTokenizer:
    """Code of a cell = the cheapest one: its error under the nearest landmark's metric, and the bits that name it.

    Attributes
    ----------
    method : str
        "weighted" or "ecvq".
    codebook : Tensor of shape (K, D)
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
    def n_codes(self) -> int:
        """Number K of codes, those included that no cell takes."""
        return len(self.codebook)

    @property
    def prices(self) -> Float[Tensor, " k"]:
        """What naming each code costs: infinite for a code of no frequency, unless bits are free."""
        if self.price_per_bit == 0:
            return torch.zeros(self.n_codes)
        return (-self.price_per_bit * self.log2_frequencies).float()

    def encode(self, lattices: Float[Tensor, "n d h w"]) -> Int64[Tensor, "n h w"]:
        """Token of every cell, (n, D, H, W) -> (n, H, W)."""
        return self.encode_with_margin(lattices).tokens

    def encode_with_margin(self, lattices: Float[Tensor, "n d h w"]) -> Encoding:
        """Tokens, and how much more the next code costs, in the unit of `price_per_bit`."""
        rule = LocalRule(self.subspace, self.landmarks, self.metrics, self.codebook, self.prices)
        return encode_cells(lattices, self.codebook.shape[1], lambda cells: local_codes(cells, rule))

    def decode(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n d h w"]:
        """Lattices of codes, (n, H, W) -> (n, D, H, W)."""
        return look_up(self.codebook, tokens)

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""
        tensors = {f.name: value for f in fields(self) if isinstance(value := getattr(self, f.name), Tensor)}
        tensors |= {f"subspace.{f.name}": getattr(self.subspace, f.name) for f in fields(self.subspace)}
        metadata = {"encoding": self.ENCODING, "method": self.method, "price_per_bit": self.price_per_bit}
        write_safetensors(path, tensors, kind=KIND, format=FORMAT, metadata=metadata)

    @classmethod
    def from_file(cls, tensors: dict[str, Tensor], metadata: Mapping[str, Any]) -> Self:
        """Tokenizer of what `save` wrote."""
        _require_sound(tensors)
        prefix = "subspace."
        subspace = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        own = {name: value for name, value in tensors.items() if not name.startswith(prefix)}
        return cls(
            method=metadata["method"],
            price_per_bit=metadata["price_per_bit"],
            subspace=ActiveSubspace(**subspace),
            **own,
        )


def _require_sound(tensors: Mapping[str, Tensor]) -> None:
    """Raise unless the arrays of a tokenizer fit each other; its kernel reads them without looking."""
    axes = {
        "codebook": "K D",
        "subspace.mean": "D",
        "subspace.basis": "D A",
        "subspace.variances": "D",
        "landmarks": "N A",
        "metrics": "N A A",
        "log2_frequencies": "K",
        "cost_history": "S",
    }
    require_axes(tensors, axes)
    require_finite_floats(tensors, ["codebook", "subspace.mean", "subspace.basis", "landmarks", "metrics"])
    if not (tensors["log2_frequencies"] <= 0).all():
        raise InvalidValueError("log2_frequencies must be at most 0, logarithms of shares")
