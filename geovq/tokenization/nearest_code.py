"""Tokenizers whose code is the Euclidean-nearest one: k-means, and the VQ-VAE's own codebook."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from geovq.artifacts import write_safetensors
from geovq.lattice import cells_of
from geovq.tokenization.base import FORMAT, KIND, look_up, require_encodable

_CELLS_PER_CHUNK = 65_536


@dataclass(frozen=True)
class NearestCodeTokenizer:
    """Code of a cell = the codebook vector at the least Euclidean distance.

    Attributes
    ----------
    method : str
        "kmeans" or "vqvae".
    codebook : Tensor of shape (K, D)
    """

    ENCODING: ClassVar[str] = "nearest code"
    method: str
    codebook: Float[Tensor, "k d"]

    @property
    def n_codes(self) -> int:
        """Number K of codes."""
        return len(self.codebook)

    def encode(self, lattices: Float[Tensor, "n d h w"]) -> Int64[Tensor, "n h w"]:
        """Token of every cell, (n, D, H, W) -> (n, H, W)."""
        require_encodable(lattices, self.codebook.shape[1])
        codebook = self.codebook.to(lattices)
        chunks = torch.split(cells_of(lattices), _CELLS_PER_CHUNK)
        # cdist's default takes a matrix product for large inputs, whose cancellation can swap close codes.
        tokens = [torch.cdist(c, codebook, compute_mode="donot_use_mm_for_euclid_dist").argmin(dim=1) for c in chunks]
        return torch.cat(tokens).reshape(len(lattices), *lattices.shape[2:])

    def decode(self, tokens: Int64[Tensor, "n h w"]) -> Float[Tensor, "n d h w"]:
        """Lattices of codes, (n, H, W) -> (n, D, H, W)."""
        return look_up(self.codebook, tokens)

    def save(self, path: str | Path) -> None:
        """Write to a file that `geovq.load_tokenizer` reads."""
        metadata = {"encoding": self.ENCODING, "method": self.method}
        write_safetensors(path, {"codebook": self.codebook}, kind=KIND, format=FORMAT, metadata=metadata)
