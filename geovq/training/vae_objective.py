"""Negative beta-ELBO of a lattice VAE, in nats per image.

Sources: Higgins et al. (2017), "beta-VAE"; beta = 1 is the ELBO of Kingma and Welling (2014). Bowman et al. (2016),
"Generating Sentences from a Continuous Space" (beta rising from 0). Kingma et al. (2016), "Improved Variational
Inference with Inverse Autoregressive Flow", appendix C.8 (free bits).
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from geovq.models import LatticeVAE
from geovq.training.draws import Draws
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
    beta_warmup : float, default=0
        Share of the training during which beta rises in a line from 0, so that the decoder learns to use the channels
        before they cost anything.
    free_bits : float, default=0
        KL in nats per image that every channel has for free: a channel costs max(KL, free_bits). KL is the mean over
        the batch, or over the part of it that is computed at once.
    """

    beta: float
    beta_warmup: float = 0.0
    free_bits: float = 0.0

    def at(self, fraction_done: float) -> "VAEObjective":
        """The objective with the beta of one step."""
        if fraction_done >= self.beta_warmup:
            return self
        return dataclasses.replace(self, beta=self.beta * fraction_done / self.beta_warmup)

    def loss(
        self, model: LatticeVAE, batch: Float[Tensor, "B C h w"], draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One-sample estimate of the loss of a batch of images; the KL term is exact."""
        posterior = model.posterior(batch)
        lattices = posterior.sample(draws.standard_normal(posterior.mean))
        bce = bce_nats(model.decode_logits(lattices), batch).mean()
        cell_kl = posterior.kl_nats()  # (B, D, H, W)
        kl = cell_kl.flatten(start_dim=1).sum(dim=1).mean()
        cost = self._cost(cell_kl.sum(dim=(2, 3)).mean(dim=0)) if self.free_bits > 0 else kl
        return bce + self.beta * cost, {"bce_nats": bce, "kl_nats": kl}

    def evaluate(self, model: LatticeVAE, batches: Iterable[Tensor]) -> dict[str, float]:
        """BCE of the reconstruction from the posterior mean, so a little below the training BCE; KL; active channels.

        `active_channels` counts the latent channels whose mean KL per cell is above `ACTIVE_NATS`; `kl_nats/00`,
        `kl_nats/01` … are the channels' shares of `kl_nats`.
        """
        n_images, n_cells, bce = 0, 0, 0.0
        totals = torch.zeros((), dtype=torch.float64)  # (D,) KL of each channel, summed over images and cells
        for batch in batches:
            posterior = model.posterior(batch)
            bce += bce_nats(model.decode_logits(posterior.mean), batch).sum().item()
            totals = totals + posterior.kl_nats().cpu().double().sum(dim=(0, 2, 3))  # MPS has no float64
            n_images += len(batch)
            n_cells += posterior.mean[:, 0].numel()
        bce_mean, channel_kl = bce / n_images, totals / n_images
        kl_mean = channel_kl.sum().item()
        cost = self._cost(channel_kl).item() if self.free_bits > 0 else kl_mean
        return {
            "loss": bce_mean + self.beta * cost,
            "bce_nats": bce_mean,
            "kl_nats": kl_mean,
            "active_channels": int((totals / n_cells > ACTIVE_NATS).sum()),
            **{f"kl_nats/{channel:02d}": kl for channel, kl in enumerate(channel_kl.tolist())},
        }

    def _cost(self, channel_kl: Tensor) -> Tensor:
        """Nats per image that the channels, (D,), are charged for."""
        return channel_kl.clamp(min=self.free_bits).sum()
