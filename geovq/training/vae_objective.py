"""Negative beta-ELBO of a lattice VAE, in nats per image.

Source: Higgins et al. (2017), "beta-VAE"; beta = 1 is the ELBO of Kingma and Welling (2014).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from geovq.models import LatticeVAE
from geovq.training.objective import bce_nats

ACTIVE_NATS = 0.01  # a channel is active if its mean KL per cell is above this


@dataclass(frozen=True)
class VAEObjective:
    """BCE + beta * KL.

    BCE is summed over pixels, KL over channels and cells; both are means over the batch.

    Parameters
    ----------
    beta : float
        Weight of the KL term.
    """

    beta: float

    def loss(self, model: LatticeVAE, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """One-sample estimate of the loss; the KL term is exact."""
        posterior = model.posterior(batch)
        bce = bce_nats(model.decode_logits(posterior.sample(generator)), batch).mean()
        kl = posterior.kl_nats().flatten(start_dim=1).sum(dim=1).mean()
        return bce + self.beta * kl, {"bce_nats": bce, "kl_nats": kl}

    def evaluate(self, model: LatticeVAE, batches: Iterable[Tensor]) -> dict[str, float]:
        """BCE of the reconstruction from the posterior mean, so a little below the training BCE; KL; active channels.

        `active_channels` counts the latent channels whose mean KL per cell is above `ACTIVE_NATS`.
        """
        n_images, n_cells, bce = 0, 0, 0.0
        channel_kl: Tensor | float = 0.0  # (D,), summed over images and cells
        for batch in batches:
            posterior = model.posterior(batch)
            bce += bce_nats(model.decode_logits(posterior.mean), batch).sum().item()
            channel_kl = channel_kl + posterior.kl_nats().double().sum(dim=(0, 2, 3))
            n_images += len(batch)
            n_cells += posterior.mean[:, 0].numel()
        totals = torch.as_tensor(channel_kl)
        bce_mean, kl_mean = bce / n_images, totals.sum().item() / n_images
        return {
            "loss": bce_mean + self.beta * kl_mean,
            "bce_nats": bce_mean,
            "kl_nats": kl_mean,
            "active_channels": int((totals / n_cells > ACTIVE_NATS).sum()),
        }
