"""Finite scalar quantization: each channel is bounded and rounded to one of a few levels.

Codes are all combinations of levels, a grid that is never learned, so no code can die and no loss is needed besides
that of the pixels. Rounding a channel on its own finds the nearest point of the grid, so a lattice of bounded encoder
outputs and the grid as its codebook are a nearest-code quantizer like any other.

Source: Mentzer, Minnen, Agustsson, Tschannen (2023), "Finite Scalar Quantization: VQ-VAE Made Simple",
arXiv 2309.15505, by the package vector-quantize-pytorch.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.models.quantizer import Quantized, Quantizer

_MARGIN = 1e-3  # of the package: bounds lie so much farther out than the outer levels, in shares of the whole range


class FSQuantizer(Quantizer):
    """Quantizer whose codes are the points of a fixed grid in [-1, 1].

    Parameters
    ----------
    levels : sequence of int
        Values that each channel takes, at least 3.
    """

    def __init__(self, levels: Sequence[int]) -> None:
        from vector_quantize_pytorch import FSQ  # seconds, which only models that need it should take

        super().__init__()
        self.fsq = FSQ(list(levels))
        self.levels: Tensor
        self.register_buffer("levels", torch.tensor(levels), persistent=False)

    @property
    def codebook(self) -> Float[Tensor, "K D"]:  # type: ignore[override]  # fixed, so there is no setter
        """The grid."""
        grid: Tensor = self.fsq.implicit_codebook
        return grid

    def bounded(self, features: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        """Encoder outputs squashed into the range of the grid, where the package would round them."""
        levels = self.levels[:, None, None]
        half_range = (levels - 1) * (1 + _MARGIN) / 2  # in steps between levels
        offset = (levels + 1) % 2 / 2  # an even number of levels has one level more below 0 than above
        squashed = (features + (offset / half_range).atanh()).tanh() * half_range - offset
        return squashed / levels.div(2, rounding_mode="floor")

    def forward(self, features: Float[Tensor, "B D H W"], generator: torch.Generator | None = None) -> Quantized:
        """Round the bounded encoder outputs; nothing is drawn, and nothing of the quantizer learns."""
        codes, tokens = self.fsq(features.float())
        no_loss = codes.new_zeros(())
        return Quantized(codes, tokens.long(), commitment=no_loss, codebook_loss=no_loss)
