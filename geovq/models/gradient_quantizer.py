"""Vector quantization with a codebook that learns by gradient, as first published.

Each chosen code is pulled to the encoder outputs that chose it; a code that none chooses stays where it is. Nothing
brings it back, so most of the codebook can die: that is what the remedies of `EMAQuantizer` are measured against.

Source: van den Oord, Vinyals, Kavukcuoglu (2017), "Neural Discrete Representation Learning", equation 3. The start in
[-1/K, 1/K] is that of the implementations in common use, which the paper leaves open.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from geovq.models.quantizer import Quantized, Quantizer, require_sizes, squared_distance, straight_through


class GradientQuantizer(Quantizer):
    """Nearest-code quantizer whose codes are parameters.

    Parameters
    ----------
    n_codes : int
        Codes K.
    n_channels : int
        Channels D of a cell.
    """

    def __init__(self, n_codes: int, n_channels: int) -> None:
        super().__init__()
        require_sizes(n_codes, n_channels)
        self.codebook = nn.Parameter(torch.empty(n_codes, n_channels).uniform_(-1 / n_codes, 1 / n_codes))  # (K, D)

    def forward(self, features: Float[Tensor, "B D H W"], generator: torch.Generator | None = None) -> Quantized:
        """Quantize; the codes learn from the gradient of `codebook_loss`, and nothing is drawn."""
        lattices = features.float()
        tokens = self.encode(lattices.detach())
        codes = self.lookup(tokens)  # (B, D, H, W)
        return Quantized(
            straight_through(lattices, codes),
            tokens,
            commitment=squared_distance(lattices, codes.detach()),
            codebook_loss=squared_distance(lattices.detach(), codes),
        )
