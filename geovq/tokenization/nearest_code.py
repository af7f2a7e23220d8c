"""Tokenizers whose code is the Euclidean-nearest one: k-means, and a VQ-VAE's own codebook."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from geovq.artifacts import write_safetensors
from geovq.stored_axes import require_axes, require_finite_floats
from geovq.tokenization.base import FORMAT, KIND, CodebookTokenizer, Encoding, encode_cells
from geovq.tokenization.given import GivenLattices

_CELLS_PER_CHUNK = 8_192


@dataclass(frozen=True)
class NearestCodeTokenizer(CodebookTokenizer):
    """Code of a cell = the codebook vector at the least Euclidean distance.

    Attributes
    ----------
    method : str
        Name of the tokenizer, such as "kmeans" or "vqvae".
    codebook : Tensor of shape (K, D)
    """

    ENCODING: ClassVar[str] = "nearest code"
    method: str
    codebook: Float[Tensor, "k d"]

    def encode_with_margin(self, lattices: GivenLattices) -> Encoding:
        """Tokens, and how much farther the second-nearest code is: infinite if there is one code only."""
        return encode_cells(lattices, self.codebook.shape[1], self._codes_of)

    def _codes_of(self, cells: Float32[Tensor, "m d"]) -> tuple[Int64[Tensor, " m"], Float32[Tensor, " m"]]:
        chunks = torch.split(cells, _CELLS_PER_CHUNK)
        codes, margins = zip(*(_nearest(chunk, self.codebook.to(cells)) for chunk in chunks), strict=True)
        return torch.cat(codes), torch.cat(margins)

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""
        metadata = {"encoding": self.ENCODING, "method": self.method}
        write_safetensors(path, {"codebook": self.codebook}, kind=KIND, format=FORMAT, metadata=metadata)

    @classmethod
    def from_file(cls, tensors: dict[str, Tensor], metadata: Mapping[str, Any]) -> Self:
        """Tokenizer of what `save` wrote."""
        require_axes(tensors, {"codebook": "K D"})
        require_finite_floats(tensors, ["codebook"])
        return cls(metadata["method"], **tensors)


def _nearest(
    cells: Float32[Tensor, "m d"], codebook: Float32[Tensor, "k d"]
) -> tuple[Int64[Tensor, " m"], Float32[Tensor, " m"]]:
    # cdist's default takes a matrix product for large inputs, whose cancellation can swap close codes.
    distances = torch.cdist(cells, codebook, compute_mode="donot_use_mm_for_euclid_dist")  # (m, K)
    codes = distances.argmin(dim=1, keepdim=True)
    nearest = distances.gather(1, codes)
    second = distances.scatter_(1, codes, torch.inf).amin(dim=1, keepdim=True)
    return codes.squeeze(1), (second - nearest).squeeze(1)
