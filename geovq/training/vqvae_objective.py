"""Loss of a lattice VQ-VAE, in the units of the VAE's.

Source: van den Oord, Vinyals, Kavukcuoglu (2017), "Neural Discrete Representation Learning", equation 3. Its codebook
term is absent: the codes are moving averages.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from geovq.models import LatticeVQVAE
from geovq.training.objective import bce_nats


@dataclass(frozen=True)
class VQVAEObjective:
    """BCE + commitment * squared distance to the codes.

    BCE is summed over pixels, the squared distance over channels and cells, as the norms of equation 3 are; both are
    means over the batch. So the usual weight 0.25 reads in nats: it is the negative log-density of the encoder's output
    under a Gaussian around its code with variance 1 / (2 * 0.25) = 2, up to a constant. Implementations that average
    both terms over their elements weigh the distance 784 / (49 * D) times as much.

    Parameters
    ----------
    commitment : float
        Weight of the squared distance.
    """

    commitment: float

    def loss(self, model: LatticeVQVAE, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss with straight-through gradients; in training mode the codebook moves too."""
        quantized = model.quantizer(model.encode(batch), generator)
        bce = bce_nats(model.decode_logits(quantized.lattices), batch).mean()
        distance: Tensor = quantized.commitment
        return bce + self.commitment * distance, {"bce_nats": bce, "commitment": distance}

    def evaluate(self, model: LatticeVQVAE, batches: Iterable[Tensor]) -> dict[str, float]:
        """BCE of the quantized reconstruction, squared distance, and how many codes were used at all."""
        n_images, bce, distance = 0, 0.0, 0.0
        used = torch.zeros(model.n_codes, dtype=torch.bool, device=model.codebook.device)
        for batch in batches:
            quantized = model.quantizer(model.encode(batch))
            bce += bce_nats(model.decode_logits(quantized.lattices), batch).sum().item()
            distance += quantized.commitment.item() * len(batch)
            used[quantized.tokens.flatten()] = True
            n_images += len(batch)
        bce_mean, distance_mean = bce / n_images, distance / n_images
        return {
            "loss": bce_mean + self.commitment * distance_mean,
            "bce_nats": bce_mean,
            "commitment": distance_mean,
            "codes_used": int(used.sum()),
        }
