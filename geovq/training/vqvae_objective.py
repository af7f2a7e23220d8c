"""Loss of a lattice VQ-VAE, in the units of the VAE's.

Source: van den Oord, Vinyals, Kavukcuoglu (2017), "Neural Discrete Representation Learning", equation 3.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.models import LatticeVQVAE
from geovq.training.draws import Draws
from geovq.training.objective import bce_nats


@dataclass(frozen=True)
class VQVAEObjective:
    """BCE + squared distance that moves the codes + commitment * squared distance that moves the encoder's outputs.

    Where codes are moving averages, the middle term is 0; finite scalar quantization has neither distance. BCE is
    summed over pixels, the squared distance over channels and cells, as the norms of equation 3 are; both are means
    over the batch. So the usual weight 0.25 reads in nats: it is the negative log-density of the encoder's output under
    a Gaussian around its code with variance 1 / (2 * 0.25) = 2, up to a constant. Implementations that average both
    over their elements weigh the distance C h w / (D H W) times as much.

    Parameters
    ----------
    commitment : float
        Weight of the squared distance that moves the encoder's outputs.
    """

    commitment: float

    def loss(
        self, model: LatticeVQVAE, batch: Float[Tensor, "B C h w"], draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of a batch of images with straight-through gradients; in training mode moving averages move too."""
        quantized = model.quantize(batch, draws.generator)
        bce = bce_nats(model.decode_logits(quantized.lattices), batch).mean()
        loss = bce + quantized.codebook_loss + self.commitment * quantized.commitment
        return loss, {"bce_nats": bce, "commitment": quantized.commitment}

    def evaluate(self, model: LatticeVQVAE, batches: Iterable[Tensor]) -> dict[str, float]:
        """BCE of the quantized reconstruction, squared distance, and how many codes were used at all."""
        n_images, bce, codebook, distance = 0, 0.0, 0.0, 0.0
        used = torch.zeros(model.n_codes, dtype=torch.bool, device=model.codebook.device)
        for batch in batches:
            quantized = model.quantize(batch)
            bce += bce_nats(model.decode_logits(quantized.lattices), batch).sum().item()
            codebook += quantized.codebook_loss.item() * len(batch)
            distance += quantized.commitment.item() * len(batch)
            used[quantized.tokens.flatten()] = True
            n_images += len(batch)
        return {
            "loss": (bce + codebook + self.commitment * distance) / n_images,
            "bce_nats": bce / n_images,
            "commitment": distance / n_images,
            "codes_used": int(used.sum()),
        }
